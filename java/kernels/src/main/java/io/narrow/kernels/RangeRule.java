package io.narrow.kernels;

import java.io.Serializable;

/**
 * Which part of the values seen has a code of its own; what lies outside is clipped.
 *
 * <p>Quantiles come from a histogram with 64 bins per power of two, which depends on no order and
 * can be merged: they are within 0.8 % of the exact ones.
 *
 * @param lower fraction of the values below the range, at least 0
 * @param upper fraction of the values not above the range, at most 1
 */
public record RangeRule(double lower, double upper) implements Serializable {
  /** From the smallest to the largest value. */
  public static final RangeRule MIN_MAX = new RangeRule(0, 1);

  /** Checks the fractions. */
  public RangeRule {
    if (!(lower >= 0 && lower < upper && upper <= 1)) {
      throw new IllegalArgumentException(
          "quantiles %s and %s: 0 <= lower < upper <= 1 is needed".formatted(lower, upper));
    }
  }

  /**
   * Between two quantiles.
   *
   * @throws IllegalArgumentException unless {@code 0 <= lower < upper <= 1}
   */
  public static RangeRule quantiles(double lower, double upper) {
    return new RangeRule(lower, upper);
  }

  /**
   * The middle of the values, as Lucene's confidence interval: of 0.99, a two-hundredth lies below
   * and a two-hundredth above.
   *
   * @throws IllegalArgumentException unless {@code 0 < interval <= 1}
   */
  public static RangeRule confidence(double interval) {
    return new RangeRule((1 - interval) / 2, 1 - (1 - interval) / 2);
  }

  boolean isMinMax() {
    return lower == 0 && upper == 1;
  }
}
