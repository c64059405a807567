package io.narrow.kernels;

/**
 * How far an approximation is from a signal, as sums that can be merged.
 *
 * @param signal sum of the squares of the signal's values
 * @param noise sum of the squares of the differences
 */
public record ErrorSums(double signal, double noise) {
  /** The sums over the values of both. */
  public ErrorSums merge(ErrorSums other) {
    return new ErrorSums(signal + other.signal, noise + other.noise);
  }

  /**
   * The signal to quantization noise ratio, {@code 10 log10(signal / noise)}.
   *
   * @return decibels, {@code +Infinity} where there is no noise
   */
  public double sqnr() {
    return noise == 0 ? Double.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
  }
}
