package io.narrow.tflite.correction;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The noise of a softmax from few samples. Nearly all of it comes from the few of them of which a
 * model is not sure, so that its sum over a hundred is mostly chance. What errors before the
 * softmax would do behind it is known for each sample from what the model says; so the errors of
 * every sample are looked at with what it says of others.
 */
public final class SoftmaxNoise {
  /** With so many of the samples, spread over all. */
  private static final int OTHERS = 16;

  /** Smaller probabilities say nothing of what they are rounded from. */
  private static final double LEAST = 1e-30;

  private SoftmaxNoise() {}

  /**
   * Noise beside the signal. With p a row of the first, and e the error of logarithms of any
   * sample, the error of p is p (e - sum(p e)).
   *
   * @param exact probabilities of each sample
   * @param rounded the same with errors
   * @param classes how many probabilities add up to 1
   */
  public static double share(List<float[]> exact, List<float[]> rounded, int classes) {
    int samples = exact.size();
    double[][] errors = new double[samples][];
    double signal = 0;
    for (int s = 0; s < samples; s++) {
      errors[s] = errors(exact.get(s), rounded.get(s));
      for (float p : exact.get(s)) {
        signal += (double) p * p;
      }
    }
    int others = Math.min(OTHERS, samples);
    double noise = 0;
    for (int s = 0; s < samples; s++) {
      double[] p = doubles(exact.get(s));
      for (int i = 0; i < others; i++) {
        noise += noise(p, errors[(s + i * samples / others) % samples], classes);
      }
    }
    return noise / others / signal;
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  private static double[] errors(float[] exact, float[] rounded) {
    double[] errors = new double[exact.length];
    for (int i = 0; i < errors.length; i++) {
      errors[i] = Math.log(Math.max(LEAST, rounded[i])) - Math.log(Math.max(LEAST, exact[i]));
    }
    return errors;
  }

  /** What errors of logarithms do to probabilities: the square of p (e - sum(p e)), summed up. */
  static double noise(double[] p, double[] errors, int classes) {
    double sum = 0;
    for (int start = 0; start < p.length; start += classes) {
      double mean = 0;
      for (int c = start; c < start + classes; c++) {
        mean += p[c] * errors[c];
      }
      for (int c = start; c < start + classes; c++) {
        double error = p[c] * (errors[c] - mean);
        sum += error * error;
      }
    }
    return sum;
  }
}
