package io.narrow.tflite.data;

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
  }

  /** How many channels are told apart, 1 if none are. */
  int channels() {
    return Math.max(mean.length, std.length);
  }

  float[] apply(NdArray array) {
    float[] y = new float[array.elements()];
    int channels = channels();
    for (int i = 0, c = 0; i < y.length; i++, c = c + 1 == channels ? 0 : c + 1) {
      float scaled = (float) ((float) (array.get(i) * scale) + offset);
      float centred = scaled - (float) mean[mean.length == 1 ? 0 : c];
      y[i] = centred / (float) std[std.length == 1 ? 0 : c];
    }
    return y;
  }
}
