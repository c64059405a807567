package io.narrow.tflite.correction;

/**
 * The weights of a group, and the scales that are planned for them.
 *
 * @param exact {@code [depth, channels]}
 * @param scales one for each weight, likewise: the same for those of a block of a channel
 * @param largest code
 * @param channels number of channels
 * @param block neighbouring weights of a channel that share a scale, at most its depth
 */
record Weights(double[] exact, double[] scales, int largest, int channels, int block) {
  /** With a scale for each channel. */
  static Weights perChannel(double[] exact, double[] scales, int largest) {
    double[] each = new double[exact.length];
    for (int at = 0; at < each.length; at++) {
      each[at] = scales[at % scales.length];
    }
    return new Weights(exact, each, largest, scales.length, exact.length / scales.length);
  }

  static double nearest(double exact, int largest) {
    return Math.max(-largest, Math.min(largest, Math.rint(exact)));
  }

  /** Those of some channels. */
  Weights of(int[] some) {
    int depth = exact.length / channels;
    double[] values = new double[depth * some.length];
    double[] steps = new double[values.length];
    for (int i = 0; i < depth; i++) {
      for (int c = 0; c < some.length; c++) {
        values[i * some.length + c] = exact[i * channels + some[c]];
        steps[i * some.length + c] = scales[i * channels + some[c]];
      }
    }
    return new Weights(values, steps, largest, some.length, block);
  }

  Weights with(double[] otherScales) {
    return new Weights(exact, otherScales, largest, channels, block);
  }

  /** Each weight's nearest code. */
  double[] nearest() {
    double[] codes = new double[exact.length];
    for (int at = 0; at < codes.length; at++) {
      codes[at] = nearest(exact[at] / scales[at], largest);
    }
    return codes;
  }

  /** Number of the block of a weight. */
  private int block(int at) {
    return at / channels / block * channels + at % channels;
  }

  private int blocks() {
    int depth = exact.length / channels;
    return (depth + block - 1) / block * channels;
  }

  /** The scales with which the largest code is the largest weight of a block, for each weight. */
  double[] reaching() {
    double[] reaching = new double[blocks()];
    for (int at = 0; at < exact.length; at++) {
      int b = block(at);
      reaching[b] = Math.max(reaching[b], Math.abs(exact[at]) / largest);
    }
    return spread(reaching);
  }

  private double[] spread(double[] ofBlocks) {
    double[] each = new double[exact.length];
    for (int at = 0; at < each.length; at++) {
      each[at] = ofBlocks[block(at)];
    }
    return each;
  }

  /**
   * Of several scales the one with the least error for each block.
   *
   * @param candidates each with a scale for each weight
   * @param counts how much the error of a weight counts, by its place in the depth
   */
  double[] leastError(double[][] candidates, double[] counts) {
    double[] least = new double[blocks()];
    double[] best = new double[blocks()];
    for (double[] candidate : candidates) {
      double[] errors = new double[blocks()];
      for (int at = 0; at < exact.length; at++) {
        double off = candidate[at] * nearest(exact[at] / candidate[at], largest) - exact[at];
        errors[block(at)] += counts[at / channels] * off * off;
      }
      for (int at = 0; at < exact.length; at++) {
        int b = block(at);
        if (best[b] == 0 || errors[b] < least[b]) {
          least[b] = errors[b];
          best[b] = candidate[at];
        }
      }
    }
    return spread(best);
  }

  /** How far from the exact weights codes with the planned scales are. */
  double[] off(double[] codes) {
    double[] off = new double[exact.length];
    for (int at = 0; at < off.length; at++) {
      off[at] = scales[at] * codes[at] - exact[at];
    }
    return off;
  }
}
