package io.narrow.kernels;

/**
 * How far an approximation is from a signal, with what describes the error, as sums that can be
 * merged.
 *
 * @param signal sum of the squares of the signal's values
 * @param approximation sum of the squares of the approximation's values
 * @param noise sum of the squares of the differences, signal minus approximation
 * @param sum of the differences
 * @param largest largest absolute difference; NaN does not count
 * @param clipped how many of the signal's values are more than half a step beyond all that the
 *     codes of the approximation stand for; 0 for floats
 */
public record Difference(
    double signal, double approximation, double noise, double sum, double largest, long clipped) {
  static final Difference NONE = new Difference(0, 0, 0, 0, 0, 0);

  /** From what native code writes. */
  static Difference of(double[] sums) {
    return new Difference(sums[0], sums[1], sums[2], sums[3], sums[4], (long) sums[5]);
  }

  /** The sums over the values of both. */
  public Difference merge(Difference other) {
    return new Difference(
        canonical(signal + other.signal),
        canonical(approximation + other.approximation),
        canonical(noise + other.noise),
        canonical(sum + other.sum),
        Math.max(largest, other.largest),
        clipped + other.clipped);
  }

  /** Which NaN a sum gives depends on the processor. */
  private static double canonical(double sum) {
    return Double.isNaN(sum) ? Double.NaN : sum;
  }
}
