/**
 * The whole pipeline as one value, {@link io.narrow.tflite.Quantizer}, and what all rooms share:
 * the one exception and the progress of long work.
 */
package io.narrow.tflite;
