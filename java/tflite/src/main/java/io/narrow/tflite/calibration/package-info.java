/** Ranges of activations. */
package io.narrow.tflite.calibration;
