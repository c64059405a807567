// The part of Android's header that the generated files use.
#pragma once
#include <stdarg.h>

enum { ANDROID_LOG_ERROR = 6 };
extern "C" int __android_log_vprint(int priority, const char* tag, const char* format, va_list arguments);
