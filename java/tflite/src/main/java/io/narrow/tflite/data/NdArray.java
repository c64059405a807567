package io.narrow.tflite.data;

import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * An immutable array of numbers in row-major order: floats, or whole numbers of up to 64 bits,
 * which stay exact.
 */
public final class NdArray {
  private final int[] shape;
  private final float[] floats; // either these
  private final long[] longs; // or these, the other is null

  private NdArray(int[] shape, float[] floats, long[] longs) {
    long elements = 1;
    for (int extent : shape) {
      elements = Math.multiplyExact(elements, (long) extent);
    }
    int length = floats != null ? floats.length : longs.length;
    if (elements != length) {
      throw new IllegalArgumentException(
          length + " values do not fill " + TensorInfo.shapeText(shape));
    }
    this.shape = shape.clone();
    this.floats = floats;
    this.longs = longs;
  }

  /** An array of copied floats. */
  public static NdArray of(float[] values, int... shape) {
    return new NdArray(shape, values.clone(), null);
  }

  /** An array of copied whole numbers. */
  public static NdArray of(long[] values, int... shape) {
    return new NdArray(shape, null, values.clone());
  }

  /** Takes the values over: the caller must not change them afterwards. */
  static NdArray wrap(float[] values, int... shape) {
    return new NdArray(shape, values, null);
  }

  /** Takes the values over: the caller must not change them afterwards. */
  static NdArray wrap(long[] values, int... shape) {
    return new NdArray(shape, null, values);
  }

  /** The same values in another shape of as many elements. */
  NdArray reshape(int... newShape) {
    return new NdArray(newShape, floats, longs);
  }

  /** A copy of the shape. */
  public int[] shape() {
    return shape.clone();
  }

  public int elements() {
    return floats != null ? floats.length : longs.length;
  }

  /** Whether this holds whole numbers rather than floats. */
  public boolean whole() {
    return longs != null;
  }

  /** Element {@code i} in row-major order; a whole number as the nearest double. */
  public double get(int i) {
    return floats != null ? floats[i] : longs[i];
  }

  /** The floats, read-only; of whole numbers the nearest floats. */
  public FloatBuffer floats() {
    return FloatBuffer.wrap(values()).asReadOnlyBuffer();
  }

  /** As {@link #floats}; not to be changed, as it may be this array's own memory. */
  float[] values() {
    if (floats != null) {
      return floats;
    }
    float[] values = new float[longs.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = longs[i];
    }
    return values;
  }

  /**
   * The whole numbers, read-only.
   *
   * @throws IllegalStateException if this holds floats
   */
  public LongBuffer longs() {
    if (longs == null) {
      throw new IllegalStateException("an array of floats");
    }
    return LongBuffer.wrap(longs).asReadOnlyBuffer();
  }

  /** Writes the values to an input of a model, quantizing them if it is quantized. */
  public void writeTo(Interpreter interpreter, int input) {
    if (whole()) {
      interpreter.write(input, longs());
    } else {
      interpreter.write(input, floats());
    }
  }
}
