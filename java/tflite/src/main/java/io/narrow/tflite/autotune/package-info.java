/**
 * A budget in place of a mode: what each operator costs in each encoding, measured, and a mix of
 * them that was tried. All that makes and judges files is elsewhere; {@link
 * io.narrow.tflite.autotune.Autotuner} calls it in a loop.
 */
package io.narrow.tflite.autotune;
