package io.narrow.kernels;

/**
 * Smallest and largest finite value of a tensor.
 *
 * @param min smallest finite value, {@code +Infinity} if there is none; a zero is {@code +0}
 * @param max largest finite value, {@code -Infinity} if there is none; a zero is {@code +0}
 * @param nans how many values were NaN; they do not count towards the range
 * @param infinities how many values were infinite; they do not count towards the range
 */
public record FloatRange(float min, float max, long nans, long infinities) {
  /** The range of no values at all. */
  public static final FloatRange EMPTY =
      new FloatRange(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0, 0);

  /** The range of the values of both, in whichever order they are merged. */
  public FloatRange merge(FloatRange other) {
    return new FloatRange(
        Math.min(min, other.min),
        Math.max(max, other.max),
        nans + other.nans,
        infinities + other.infinities);
  }

  /** Whether there was no finite value. */
  public boolean isEmpty() {
    return min > max;
  }
}
