package io.narrow.tflite.ops;

/** What the weights of an operator that sums products are multiplied with. */
public enum Products {
  /** Nothing that is known. */
  NONE,
  /** The rows of its input, whose last axis is that of the weights. */
  ROWS,
  /** Patches of an image, for each channel of the result all channels of a group. */
  PATCHES,
  /** Patches of one channel of an image. */
  CHANNELS,
  /** Patches of an image that is spread by the stride: a transposed convolution. */
  SPREAD
}
