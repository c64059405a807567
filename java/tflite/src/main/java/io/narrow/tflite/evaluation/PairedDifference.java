package io.narrow.tflite.evaluation;

import java.util.Optional;

/**
 * How much more often a model is right than another one on the same labelled samples.
 *
 * @param samples how many have labels
 * @param lost of how many the other model finds the label and this one does not
 * @param gained the other way round
 */
public record PairedDifference(int samples, int lost, int gained) {
  /** Of the normal distribution, for 95 of 100 intervals to hold the true difference. */
  private static final double Z = 1.959963984540054;

  /**
   * By how much the accuracy of a model is below that of the other; without labels, the share of
   * the samples for which it says another class.
   *
   * @param change if there are labels
   * @param agreement share of the samples for which it says the same class
   */
  public static double drop(Optional<PairedDifference> change, double agreement, int samples) {
    // Whole samples: 1 - 0.99 is more than 0.01.
    return change
        .map(paired -> -paired.difference())
        .orElse(Math.rint((1 - agreement) * samples) / samples);
  }

  /** Accuracy of this model less that of the other. */
  public double difference() {
    return (double) (gained - lost) / samples;
  }

  /**
   * The lower end of the 95 % confidence interval of {@link #difference} by Bonett and Price, which
   * holds for few samples as well (Journal of Educational and Behavioral Statistics 37, 2012:
   * Wald's interval for paired proportions, with one sample more of either kind).
   */
  public double low() {
    return Math.max(-1, middle() - half());
  }

  /** The upper end. */
  public double high() {
    return Math.min(1, middle() + half());
  }

  private double middle() {
    return (double) (gained - lost) / (samples + 2);
  }

  private double half() {
    double all = samples + 2.0;
    double changed = (gained + lost + 2) / all;
    return Z * Math.sqrt((changed - middle() * middle()) / all);
  }

  /**
   * How likely a difference as large or larger is by chance alone, if neither model is better:
   * McNemar's test, exact (both tails of a binomial distribution with probability 1/2).
   */
  public double chance() {
    int changed = lost + gained;
    double tail = 0;
    double logarithm = -changed * Math.log(2); // of the probability of k
    for (int k = 0; k <= Math.min(lost, gained); k++) {
      tail += Math.exp(logarithm);
      logarithm += Math.log((double) (changed - k) / (k + 1));
    }
    return Math.min(1, 2 * tail);
  }
}
