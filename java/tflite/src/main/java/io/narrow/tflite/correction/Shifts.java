package io.narrow.tflite.correction;

import io.narrow.tflite.observation.ExactSums;

/**
 * How far rounding shifts the mean of each channel of an operator.
 *
 * <p>The mean shift over few samples is partly chance, and to take chance back as well would make
 * other samples worse. So it is drawn towards zero: by {@code v / (v + s)}, where {@code s} is the
 * squared standard error of a channel's mean and {@code v} the variance of the true shifts over the
 * channels, estimated as the mean of the squared shifts less that of {@code s} (Morris, "Parametric
 * empirical Bayes inference: theory and applications", 1983). Samples are the units, since what
 * lies in one is not independent. One alone says nothing of chance: its shift is taken as it is.
 */
final class Shifts {
  private final float[][] before;
  private final float[][] after;
  private final int channels;

  /**
   * @param before means without rounding, by sample and channel
   * @param after those with it, of the same samples
   */
  Shifts(float[][] before, float[][] after) {
    this.before = before;
    this.after = after;
    this.channels = before[0].length;
  }

  /** The shifts by channel, whatever the order of the samples. */
  double[] likely() {
    double[] shifts = means();
    if (before.length == 1) {
      return shifts;
    }
    double[] errors = squaredErrors(shifts);
    double variance = 0;
    for (int c = 0; c < channels; c++) {
      variance += (shifts[c] * shifts[c] - errors[c]) / channels;
    }
    for (int c = 0; c < channels; c++) {
      if (errors[c] > 0) {
        shifts[c] *= Math.max(0, variance) / (Math.max(0, variance) + errors[c]);
      }
    }
    return shifts;
  }

  private double shift(int sample, int channel) {
    return (double) after[sample][channel] - before[sample][channel];
  }

  private double[] means() {
    ExactSums sums = new ExactSums(channels);
    for (int s = 0; s < before.length; s++) {
      for (int c = 0; c < channels; c++) {
        sums.add(c, shift(s, c));
      }
    }
    return sums.means(before.length);
  }

  private double[] squaredErrors(double[] means) {
    ExactSums squares = new ExactSums(channels);
    for (int s = 0; s < before.length; s++) {
      for (int c = 0; c < channels; c++) {
        squares.add(c, Math.pow(shift(s, c) - means[c], 2));
      }
    }
    return squares.means(before.length * (before.length - 1L));
  }
}
