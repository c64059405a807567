package io.narrow.tflite.observation;

import java.io.Serializable;

/**
 * Sums without rounding, so that they do not depend on the order: a finite double is a whole number
 * of 2^-1077, of which a sum takes digits of 32 bits. (Neal, "Fast exact summation using small and
 * large superaccumulators", 2015.)
 */
public final class ExactSums implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int DIGITS = 68;
  private static final int BITS = 32;
  private static final int LOWEST =
      -1077; // below 2^-1074, so that a mantissa starts on bit 3 or on

  private final long[] digits; // each may hold the carries of 2^30 additions

  /**
   * @param size how many sums, all zero
   */
  public ExactSums(int size) {
    digits = new long[size * DIGITS];
  }

  /** Adds to each sum a value of its own. */
  public void add(float[] values) {
    for (int i = 0; i < values.length; i++) {
      add(i, values[i]);
    }
  }

  /**
   * Adds to a sum.
   *
   * @param value finite
   */
  public void add(int index, double value) {
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & 0x7ff;
    long mantissa = bits & (1L << 52) - 1 | (exponent == 0 ? 0 : 1L << 52);
    int shift = Math.max(exponent, 1) - 1 - 1074 - LOWEST;
    int at = index * DIGITS + shift / BITS;
    int within = shift % BITS;
    long sign = bits < 0 ? -1 : 1;
    long low = (mantissa & 0xffffffffL) << within;
    long high = (mantissa >>> BITS) << within;
    digits[at] += sign * (low & 0xffffffffL);
    digits[at + 1] += sign * ((low >>> BITS) + (high & 0xffffffffL));
    digits[at + 2] += sign * (high >>> BITS);
  }

  /** Adds to each sum that of another, of as many. */
  public void add(ExactSums other) {
    for (int i = 0; i < digits.length; i++) {
      digits[i] += other.digits[i];
    }
  }

  /** The sums, each divided by {@code count}. */
  public double[] means(long count) {
    double[] means = new double[digits.length / DIGITS];
    for (int i = digits.length - 1; i >= 0; i--) {
      means[i / DIGITS] += Math.scalb((double) digits[i], i % DIGITS * BITS + LOWEST) / count;
    }
    return means;
  }
}
