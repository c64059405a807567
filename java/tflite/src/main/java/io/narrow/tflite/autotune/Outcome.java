package io.narrow.tflite.autotune;

import io.narrow.kernels.ErrorSums;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Latency;
import java.util.OptionalDouble;

/**
 * What came out of running a file, sample by sample.
 *
 * @param bytes size of the file
 * @param signal for each output and sample the sum of the squares of the model's values
 * @param noise likewise of what the file's values differ by; not finite if they are not
 * @param classes what it says by its first output
 * @param nanos how long each run took
 * @param guess of the noise beside the signal where samples are few; else what they say
 */
record Outcome(
    long bytes,
    double[][] signal,
    double[][] noise,
    int[] classes,
    long[] nanos,
    OptionalDouble guess) {
  Outcome(long bytes, double[][] signal, double[][] noise, int[] classes, long[] nanos) {
    this(bytes, signal, noise, classes, nanos, OptionalDouble.empty());
  }

  Outcome withGuess(double share) {
    return new Outcome(bytes, signal, noise, classes, nanos, OptionalDouble.of(share));
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
      ErrorSums sums = new ErrorSums(sum(signal[o]), sum(noise[o]));
      least = Math.min(least, Evaluation.sqnrDb(sums));
    }
    return least;
  }

  /** Median of the runs. */
  double millis() {
    return Latency.of(nanos).p50Millis();
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
