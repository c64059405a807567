/**
 * A model as C++ for TensorFlow Lite Micro, with how much memory it needs there: {@link
 * io.narrow.tflite.micro.MicroSource#of}.
 */
package io.narrow.tflite.micro;
