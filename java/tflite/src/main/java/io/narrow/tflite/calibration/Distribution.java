package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;

/**
 * Which values a tensor had, over samples.
 *
 * @param range smallest and largest value
 * @param histogram how often which; of large tensors of a part of the values, evenly spread
 */
public record Distribution(FloatRange range, Histogram histogram) {
  /** That of the values of both: the same in whatever parts and order they are merged. */
  public Distribution merge(Distribution other) {
    FloatRange both = range.merge(other.range);
    return new Distribution(
        both, histogram.merge(other.histogram, Histogram.exponent(both.min(), both.max())));
  }
}
