package io.narrow.keras.graph;

import java.util.Arrays;

/**
 * How numbers are held as {@code uint8} between QUANTIZE and DEQUANTIZE.
 *
 * @param scales one, or one for each place of the axis; in double, as the converter multiplies
 *     them, until they are written
 * @param zeroPoints codes of zero, as many
 * @param lowest the least code: 1 where the range is narrow, else 0; the largest is 255
 * @param axis axis of the channels, 0 where there is one scale
 */
public record Encoding(double[] scales, int[] zeroPoints, int lowest, int axis) {
  private static final int HIGHEST = 255;
  private static final int MIDDLE = 128;

  /** A range that no encoding has; the message says why. */
  public static final class RangeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RangeException(String message) {
      super(message);
    }
  }

  /**
   * The encoding of ranges, which are moved so that zero has a code: as TensorFlow's
   * FakeQuantWithMinMaxVars does, with the scale of its converter, which divides in double.
   *
   * @param min lower ends, one or one for each channel
   * @param max upper ends, as many
   * @param constant whether it is of a constant, in which channels may be all zero
   */
  public static Encoding of(float[] min, float[] max, boolean narrow, boolean constant) {
    int lowest = narrow ? 1 : 0;
    double[] scales = new double[min.length];
    int[] zeroPoints = new int[min.length];
    for (int i = 0; i < min.length; i++) {
      double width = (double) max[i] - min[i];
      if (!(width >= 0) || Double.isInfinite(width)) {
        throw new RangeException("a range of " + min[i] + " to " + max[i]);
      }
      scales[i] = width / (HIGHEST - lowest);
      if ((float) scales[i] > 0) {
        double zero = lowest - min[i] / scales[i];
        zeroPoints[i] = (int) Math.max(lowest, Math.min(HIGHEST, Math.round(zero)));
      } else if (constant) {
        scales[i] = 1; // any scale holds zeros
        zeroPoints[i] = MIDDLE;
      } else {
        throw new RangeException(
            "a range of " + min[i] + " to " + max[i] + ", which makes all of it zero");
      }
    }
    return new Encoding(scales, zeroPoints, lowest, 0);
  }

  /** The same for channels that lie on another axis, of which each scale serves several in turn. */
  public Encoding along(int channelAxis, int channels) {
    double[] all = new double[channels];
    int[] zeros = new int[channels];
    for (int i = 0; i < channels; i++) {
      all[i] = scales[i % scales.length];
      zeros[i] = zeroPoints[i % scales.length];
    }
    return new Encoding(all, zeros, lowest, channelAxis);
  }

  /** Whether numbers of either sign have the same codes, but for the sign. */
  public boolean isSymmetric() {
    return lowest == 1 && Arrays.stream(zeroPoints).allMatch(zero -> zero == MIDDLE);
  }

  /** The encoding in which numbers have the same codes when they are multiplied. */
  public Encoding times(float[] factors, int channelAxis) {
    Encoding all =
        factors.length > 1 && scales.length == 1 ? along(channelAxis, factors.length) : this;
    double[] product = new double[all.scales.length];
    for (int i = 0; i < product.length; i++) {
      double scale = all.scales[i] * Math.abs(factors[i % factors.length]);
      product[i] = scale < Float.MIN_NORMAL ? all.scales[i] : scale; // all zero, then
    }
    return new Encoding(product, all.zeroPoints, lowest, all.axis);
  }

  /** A number as it comes out of the pair, for the place on the axis. */
  public float rounded(float number, int channel) {
    float scale = (float) scales[channel];
    int zero = zeroPoints[channel];
    float least = (lowest - zero) * scale;
    float most = (HIGHEST - zero) * scale;
    float shifted = Math.max(least, Math.min(most, number)) - least;
    // In the order of TensorFlow's kernel, for numbers that lie half way between two codes.
    return (float) Math.floor(shifted / scale - (zero - lowest) + 0.5f) * scale;
  }

  public float[] written() {
    float[] floats = new float[scales.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) scales[i];
    }
    return floats;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Encoding e && toString().equals(e.toString());
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }

  @Override
  public String toString() {
    return Arrays.toString(scales) + Arrays.toString(zeroPoints) + lowest + "," + axis;
  }
}
