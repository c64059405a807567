package io.narrow.tflite.data;

import java.util.Arrays;
import java.util.Set;

/**
 * {@code ((x * scale + offset) - mean) / std}, mean and std one number or one per channel (last
 * axis). Every step is rounded to float32, as it is in the pipelines that models are trained with.
 */
final class Preprocessing {
  static final Set<String> KEYS = Set.of("scale", "offset", "mean", "std");

  private final double scale;
  private final double offset;
  private final double[] mean;
  private final double[] std;
  private final boolean changesNothing;

  Preprocessing(Spec spec) {
    scale = spec.number("scale", 1);
    offset = spec.number("offset", 0);
    mean = spec.numbers("mean", 0);
    std = spec.numbers("std", 1);
    for (double value : std) {
      if (value == 0) {
        throw spec.bad("option `std`: 0 cannot be divided by");
      }
    }
    if (mean.length > 1 && std.length > 1 && mean.length != std.length) {
      throw spec.bad(
          "option `mean` has " + mean.length + " numbers, option `std` has " + std.length);
    }
    changesNothing = scale == 1 && offset == 0 && all(mean, 0) && all(std, 1);
  }

  private static boolean all(double[] values, double value) {
    return Arrays.stream(values).allMatch(v -> v == value);
  }

  /** How many channels are told apart, 1 if none are. */
  int channels() {
    return Math.max(mean.length, std.length);
  }

  boolean changesNothing() {
    return changesNothing;
  }

  /** The result is not to be changed: it may be the memory of {@code array}. */
  float[] apply(NdArray array) {
    if (changesNothing && !array.whole()) {
      return array.values();
    }
    float[] y = new float[array.elements()];
    int channels = channels();
    for (int c = 0; c < channels; c++) {
      float m = (float) mean[mean.length == 1 ? 0 : c];
      float s = (float) std[std.length == 1 ? 0 : c];
      for (int i = c; i < y.length; i += channels) {
        y[i] = ((float) ((float) (array.get(i) * scale) + offset) - m) / s;
      }
    }
    return y;
  }
}
