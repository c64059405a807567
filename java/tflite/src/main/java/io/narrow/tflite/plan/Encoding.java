package io.narrow.tflite.plan;

import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;

/**
 * How the values of a tensor are held: {@code x = (q - zeroPoint) * scale}, or as they are for
 * {@link #FLOAT}. Specification sections 1.1 to 1.9.
 *
 * @param type type of the elements
 * @param axis axis that has a scale per channel, -1 if there is one scale or none
 * @param scales one scale, one per channel or per block, or none
 * @param zeroPoint the integer that stands for 0; 0 wherever there are several scales
 * @param block how many neighbouring elements of the last axis share a scale where scales are per
 *     block, in the order of the elements; else 0
 */
public record Encoding(TensorType type, int axis, float[] scales, int zeroPoint, int block) {
  /** Values as they are. */
  public static final Encoding FLOAT = new Encoding(TensorType.FLOAT32, -1, new float[0], 0);

  /** Values rounded to float16. */
  public static final Encoding FLOAT16 = new Encoding(TensorType.FLOAT16, -1, new float[0], 0);

  /**
   * A narrower range counts as zero throughout: the product of its scale with that of weights, and
   * its reciprocal, would leave the range of a float.
   */
  static final float NARROWEST = 1e-25f;

  public Encoding {
    scales = scales.clone();
  }

  /** With one scale, or one per channel. */
  public Encoding(TensorType type, int axis, float[] scales, int zeroPoint) {
    this(type, axis, scales, zeroPoint, 0);
  }

  @Override
  public float[] scales() {
    return scales.clone();
  }

  /** The only scale. */
  public float scale() {
    return scales[0];
  }

  public boolean isFloat() {
    return type == TensorType.FLOAT32;
  }

  /** The smallest value of an activation. */
  float lowest() {
    return scale() * (type.smallest() - zeroPoint);
  }

  /** The largest value of an activation. */
  float highest() {
    return scale() * (type.largest() - zeroPoint);
  }

  /** How many neighbouring elements of a tensor belong to one scale. */
  public long inner(Tensor tensor) {
    return block > 0 ? block : tensor.inner(axis);
  }

  /** The scale that a file can hold and kernels compute with, nearest to one. */
  public float nearestScale(float scale) {
    return block > 0 ? BlockScales.nearest(scale) : scale;
  }

  /** A tensor with this type and quantization, unless that is per block. */
  public Tensor apply(Tensor tensor) {
    if (scales.length == 0) {
      return tensor.withType(type);
    }
    long[] zeroPoints = new long[scales.length];
    zeroPoints[0] = zeroPoint;
    return tensor.quantized(type, scales, zeroPoints, Math.max(0, axis));
  }

  static Encoding of(TensorType type, float scale, int zeroPoint) {
    return new Encoding(type, -1, new float[] {scale}, zeroPoint);
  }

  /**
   * How an activation of a range is held: int8 over the whole range with zero, int16 symmetric.
   *
   * @param min smallest value, finite
   * @param max largest value, finite
   */
  static Encoding activation(TensorType type, float min, float max) {
    float low = Math.min(min, 0);
    float high = Math.max(max, 0);
    if (high - low < NARROWEST) {
      // Any scale is right for zeros. A tiny one, as the TensorFlow converter has it (2e-6 / 255),
      // is so far from that of the neighbours that XNNPACK refuses the model.
      high = 1;
    }
    if (type == TensorType.INT16) {
      return symmetric(type, low, high, Short.MAX_VALUE);
    }
    float scale = (float) (((double) high - low) / 255);
    double exact = Byte.MIN_VALUE - (double) low / scale;
    double zero = Math.signum(exact) * Math.floor(Math.abs(exact) + 0.5); // halves away from 0
    return of(type, scale, (int) Math.max(Byte.MIN_VALUE, Math.min(Byte.MAX_VALUE, zero)));
  }

  /** How values of a range are held with a zero point of 0. */
  static Encoding symmetric(TensorType type, float min, float max, int largestCode) {
    float magnitude = Math.max(-min, max);
    return of(type, (magnitude < NARROWEST ? 1 : magnitude) / largestCode, 0);
  }

  /** The same scale and zero for uint8 at the boundary of the model. */
  Encoding unsigned() {
    return of(TensorType.UINT8, scale(), zeroPoint - Byte.MIN_VALUE);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Encoding that
        && type == that.type
        && axis == that.axis
        && zeroPoint == that.zeroPoint
        && block == that.block
        && Arrays.equals(scales, that.scales);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * type.hashCode() + Arrays.hashCode(scales)) + zeroPoint;
  }

  @Override
  public String toString() {
    return isFloat()
        ? "float32"
        : scales.length == 1
            ? type + ", scale " + scales[0] + ", zero point " + zeroPoint
            : block > 0
                ? type + ", a scale per block of " + block
                : type + ", a scale per channel of axis " + axis;
  }
}
