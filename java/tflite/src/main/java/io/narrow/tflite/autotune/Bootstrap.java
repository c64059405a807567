package io.narrow.tflite.autotune;

import io.narrow.kernels.ErrorSums;
import io.narrow.tflite.evaluation.Evaluation;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Whether two files that were run on the same samples differ by more than chance: samples are drawn
 * anew, with those of both files together, and the difference of the two is looked at. (Efron and
 * Tibshirani, "An introduction to the bootstrap", 1993, section 13.3: percentiles.)
 */
final class Bootstrap {
  private static final int DRAWS = 1000;
  private static final int SEED = 20;

  /** Of 100 draws so many may say otherwise at either end. */
  private static final double TAIL = 0.025;

  private Bootstrap() {}

  /**
   * The interval that holds the difference of two ratios of signal to noise with 95 % confidence.
   *
   * @return lower and upper end of {@code first} less {@code second}, in dB
   */
  static double[] difference(Outcome first, Outcome second) {
    int samples = first.classes().length;
    double[] found = new double[DRAWS];
    SplittableRandom random = new SplittableRandom(SEED);
    int[] drawn = new int[samples];
    for (int d = 0; d < DRAWS; d++) {
      for (int i = 0; i < samples; i++) {
        drawn[i] = random.nextInt(samples);
      }
      found[d] = difference(sqnr(first, drawn), sqnr(second, drawn));
    }
    Arrays.sort(found);
    int low = (int) Math.floor(TAIL * DRAWS);
    return new double[] {found[low], found[DRAWS - 1 - low]};
  }

  /** Whether none of two files has less noise by more than chance. */
  static boolean equal(Outcome first, Outcome second) {
    double[] interval = difference(first, second);
    return interval[0] <= 0 && interval[1] >= 0;
  }

  // Of two that are both without noise, or both not finite, the difference is none.
  private static double difference(double first, double second) {
    return first == second ? 0 : first - second;
  }

  private static double sqnr(Outcome outcome, int[] drawn) {
    double least = Double.POSITIVE_INFINITY;
    for (int o = 0; o < outcome.noise().length; o++) {
      double signal = 0;
      double noise = 0;
      for (int sample : drawn) {
        signal += outcome.signal()[o][sample];
        noise += outcome.noise()[o][sample];
      }
      least = Math.min(least, Evaluation.sqnrDb(new ErrorSums(signal, noise)));
    }
    return least;
  }
}
