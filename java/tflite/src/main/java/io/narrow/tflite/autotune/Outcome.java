package io.narrow.tflite.autotune;

import java.util.OptionalDouble;

/**
 * What came out of running a file, sample by sample.
 *
 * @param bytes size of the file
 * @param signal for each output and sample the sum of the squares of the model's values
 * @param noise likewise of what the file's values differ by; not finite if they are not
 * @param classes what it says by its first output
 * @param millis how long each run took
 * @param guess of the noise beside the signal where samples are few; else what they say
 */
record Outcome(
    long bytes,
    double[][] signal,
    double[][] noise,
    int[] classes,
    double[] millis,
    OptionalDouble guess) {
  Outcome(long bytes, double[][] signal, double[][] noise, int[] classes, double[] millis) {
    this(bytes, signal, noise, classes, millis, OptionalDouble.empty());
  }

  Outcome withGuess(double share) {
    return new Outcome(bytes, signal, noise, classes, millis, OptionalDouble.of(share));
  }

  /** Noise beside the signal, of all outputs together: the sum of shares. */
  double noiseShare() {
    double sum = 0;
    for (int o = 0; o < noise.length; o++) {
      sum += noiseShare(o);
    }
    return guess.orElse(sum);
  }

  /** Noise beside the signal, of one output. */
  double noiseShare(int output) {
    double n = sum(noise[output]);
    return n == 0 ? 0 : n / sum(signal[output]);
  }

  /** Signal to noise in dB, of the output where it is least. */
  double sqnrDb() {
    double least = Double.POSITIVE_INFINITY;
    for (int o = 0; o < noise.length; o++) {
      least = Math.min(least, decibels(sum(signal[o]), sum(noise[o])));
    }
    return least;
  }

  static double decibels(double signal, double noise) {
    if (!Double.isFinite(noise) || !Double.isFinite(signal)) {
      return Double.NEGATIVE_INFINITY;
    }
    return noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
