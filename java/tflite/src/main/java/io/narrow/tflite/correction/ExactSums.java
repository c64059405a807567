package io.narrow.tflite.correction;

/**
 * Sums of floats without rounding, so that they do not depend on the order: a float is a whole
 * number of 2^-149, of which a sum takes ten digits of 32 bits. (Neal, "Fast exact summation using
 * small and large superaccumulators", 2015.)
 */
final class ExactSums {
  private static final int DIGITS = 10;
  private static final int BITS = 32;
  private static final int LOWEST = -149;

  private final long[] digits; // each may hold the carries of 2^31 additions

  ExactSums(int size) {
    digits = new long[size * DIGITS];
  }

  /** Adds to each sum. */
  void add(float[] values) {
    for (int i = 0; i < values.length; i++) {
      add(i, values[i]);
    }
  }

  private void add(int index, float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = bits >> 23 & 0xff;
    long mantissa = bits & 0x7fffff | (exponent == 0 ? 0 : 0x800000);
    int shift = Math.max(exponent, 1) - 1; // of a unit of 2^-149
    long shifted = mantissa << shift % BITS;
    int at = index * DIGITS + shift / BITS;
    long sign = bits < 0 ? -1 : 1;
    digits[at] += sign * (shifted & 0xffffffffL);
    digits[at + 1] += sign * (shifted >>> BITS);
  }

  /** The sums, each divided by {@code count}. */
  double[] means(int count) {
    double[] means = new double[digits.length / DIGITS];
    for (int i = digits.length - 1; i >= 0; i--) {
      means[i / DIGITS] += Math.scalb((double) digits[i], i % DIGITS * BITS + LOWEST) / count;
    }
    return means;
  }
}
