/** Models run by TensorFlow Lite, the only package that knows its native library. */
package io.narrow.tflite.runtime;
