// Android's jni.h declares these with a JNIEnv**, and the files that JavaCPP generates for Android rely on it.
#include_next <jni.h>

#define AttachCurrentThread(env, arguments) AttachCurrentThread((void**)(env), arguments)
#define AttachCurrentThreadAsDaemon(env, arguments) AttachCurrentThreadAsDaemon((void**)(env), arguments)
