package io.narrow.kernels;

import java.util.Arrays;

/**
 * How floats become integers: type, scales, zero points, and where the channels lie.
 *
 * <p>A tensor is seen as {@code [outer, channels, inner]} in row-major order: element {@code i}
 * belongs to channel {@code (i / inner) % channels}. For channels along the first axis {@code
 * inner} is the number of elements of one channel, along the last axis it is 1.
 *
 * <p>{@code q = clamp(round(x * (1 / scale)) + zeroPoint, min, max)}, computed in float32 with
 * halves rounded to even; back, {@code x = (q - zeroPoint) * scale}. NaN becomes the zero point,
 * infinities become the nearest end of the range. This is the arithmetic of TensorFlow Lite (its
 * 8-bit quantization specification) with the reciprocal of the scale rounded once to float32.
 */
public final class Quantization {
  private final QuantizedType type;
  private final float[] scales;
  private final float[] inverseScales;
  private final int[] zeroPoints;
  private final long inner;
  private final int min;
  private final int max;

  private Quantization(
      QuantizedType type, float[] scales, int[] zeroPoints, long inner, int min, int max) {
    this.type = type;
    this.scales = scales;
    this.zeroPoints = zeroPoints;
    this.inner = inner;
    this.min = min;
    this.max = max;
    this.inverseScales = new float[scales.length];
    for (int c = 0; c < scales.length; c++) {
      inverseScales[c] = 1 / scales[c];
      if (!(scales[c] > 0 && scales[c] <= Float.MAX_VALUE && inverseScales[c] <= Float.MAX_VALUE)) {
        throw new IllegalArgumentException(
            "scale of channel %s is %s: it must be positive and finite, and so must its reciprocal"
                .formatted(c, scales[c]));
      }
      if (zeroPoints[c] < min || zeroPoints[c] > max) {
        throw new IllegalArgumentException(
            "zero point of channel %s is %s, outside %s to %s"
                .formatted(c, zeroPoints[c], min, max));
      }
    }
  }

  /**
   * One scale and one zero point for all elements.
   *
   * @throws IllegalArgumentException if the scale or its reciprocal is not positive and finite, or
   *     the zero point is not a value of the type
   */
  public static Quantization perTensor(QuantizedType type, float scale, int zeroPoint) {
    return new Quantization(
        type, new float[] {scale}, new int[] {zeroPoint}, 1, type.min(), type.max());
  }

  /**
   * A scale and a zero point for every channel.
   *
   * @param scales one per channel, at least one
   * @param zeroPoints as many as scales
   * @param inner number of neighbouring elements that belong to one channel, at least 1
   * @throws IllegalArgumentException if the counts differ, or a scale or its reciprocal is not
   *     positive and finite, or a zero point is not a value of the type
   */
  public static Quantization perChannel(
      QuantizedType type, float[] scales, int[] zeroPoints, long inner) {
    if (scales.length == 0 || scales.length != zeroPoints.length) {
      throw new IllegalArgumentException(
          "%s scales and %s zero points: one of each per channel is needed"
              .formatted(scales.length, zeroPoints.length));
    }
    if (inner < 1) {
      throw new IllegalArgumentException("inner is " + inner + ", at least 1 is needed");
    }
    return new Quantization(
        type, scales.clone(), zeroPoints.clone(), inner, type.min(), type.max());
  }

  /** The smallest code where the zero point is in the middle or not. */
  static int leastCode(QuantizedType type, boolean symmetric) {
    return symmetric ? type.min() + 1 : type.min();
  }

  /** Scales and zero points of ranges, as {@link Kernels#quantizeFitted} describes them. */
  static Quantization ofRanges(
      QuantizedType type, boolean symmetric, float[] min, float[] max, long inner) {
    int middle = (type.min() + type.max() + 1) / 2;
    int low = leastCode(type, symmetric);
    float[] scales = new float[min.length];
    int[] zeroPoints = new int[min.length];
    for (int c = 0; c < min.length; c++) {
      // In double, so that the difference of the ends does not overflow; without a value, 0 to 0.
      double from = Math.min(0, min[c]);
      double to = Math.max(0, max[c]);
      double half = Math.max(-from, to);
      double scale = symmetric ? half / (type.max() - middle) : (to - from) / (type.max() - low);
      // The smallest scale with a reciprocal.
      scales[c] = Math.max((float) scale, Float.MIN_NORMAL);
      double zeroPoint = symmetric ? middle : Math.rint(low - from / scales[c]);
      zeroPoints[c] = (int) Math.max(low, Math.min(type.max(), zeroPoint));
    }
    return perChannel(type, scales, zeroPoints, inner).withRange(low, type.max());
  }

  /** The channels of this, and then those of another of the same kind. */
  Quantization followedBy(Quantization next) {
    float[] s = Arrays.copyOf(scales, scales.length + next.scales.length);
    int[] z = Arrays.copyOf(zeroPoints, s.length);
    System.arraycopy(next.scales, 0, s, scales.length, next.scales.length);
    System.arraycopy(next.zeroPoints, 0, z, scales.length, next.scales.length);
    return new Quantization(type, s, z, inner, min, max);
  }

  /**
   * The same with values clamped to a part of the type's range, as -127 to 127 for weights.
   *
   * @throws IllegalArgumentException if the range is not within the type's, or a zero point is not
   *     within the range
   */
  public Quantization withRange(int min, int max) {
    if (min < type.min() || max > type.max() || min > max) {
      throw new IllegalArgumentException(
          "range %s to %s is not within %s, %s to %s"
              .formatted(min, max, type, type.min(), type.max()));
    }
    return new Quantization(type, scales, zeroPoints, inner, min, max);
  }

  /** The type of the integers. */
  public QuantizedType type() {
    return type;
  }

  /** The number of channels, 1 for one scale per tensor. */
  public int channels() {
    return scales.length;
  }

  /** The number of neighbouring elements that belong to one channel. */
  public long inner() {
    return inner;
  }

  /** The scale of a channel. */
  public float scale(int channel) {
    return scales[channel];
  }

  /** The zero point of a channel. */
  public int zeroPoint(int channel) {
    return zeroPoints[channel];
  }

  /** A copy of the scales. */
  public float[] scales() {
    return scales.clone();
  }

  /** A copy of the zero points. */
  public int[] zeroPoints() {
    return zeroPoints.clone();
  }

  /** The smallest integer that comes out. */
  public int min() {
    return min;
  }

  /** The largest integer that comes out. */
  public int max() {
    return max;
  }

  /** Half a step below all that codes of the first channel stand for. */
  float lowest() {
    return (float) (scales[0] * (min - .5 - zeroPoints[0]));
  }

  /** Half a step above. */
  float highest() {
    return (float) (scales[0] * (max + .5 - zeroPoints[0]));
  }

  // Shared with the kernels, which do not write to them.

  float[] scalesShared() {
    return scales;
  }

  float[] inverseScalesShared() {
    return inverseScales;
  }

  int[] zeroPointsShared() {
    return zeroPoints;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Quantization q
        && type == q.type
        && inner == q.inner
        && min == q.min
        && max == q.max
        && Arrays.equals(scales, q.scales)
        && Arrays.equals(zeroPoints, q.zeroPoints);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(scales) + Arrays.hashCode(zeroPoints) + type.hashCode();
  }

  @Override
  public String toString() {
    return scales.length == 1
        ? type + " scale " + scales[0] + " zero point " + zeroPoints[0]
        : type + " with " + scales.length + " channels of " + inner;
  }
}
