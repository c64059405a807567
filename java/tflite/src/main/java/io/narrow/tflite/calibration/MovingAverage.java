package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import java.util.Optional;

/**
 * An exponential moving average of ranges, in float32 as ai-edge-quantizer computes it.
 *
 * @param factor weight of what was before
 */
record MovingAverage(double factor, float min, float max) {
  /** The average before, if there is one, and one sample more. */
  static MovingAverage after(Optional<MovingAverage> before, double factor, FloatRange sample) {
    return before
        .map(average -> average.next(sample))
        .orElseGet(() -> new MovingAverage(factor, sample.min(), sample.max()));
  }

  private MovingAverage next(FloatRange sample) {
    return new MovingAverage(factor, next(min, sample.min()), next(max, sample.max()));
  }

  private float next(float old, float sample) {
    return (float) factor * old + (float) (1 - factor) * sample;
  }

  FloatRange range() {
    return new FloatRange(min, max, 0, 0);
  }
}
