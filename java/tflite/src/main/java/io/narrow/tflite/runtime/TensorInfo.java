package io.narrow.tflite.runtime;

import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

/**
 * What is known about a tensor of a loaded model.
 *
 * @param name the name in the file, may be empty
 * @param type type of the elements
 * @param shape extent of each dimension, empty for a scalar; a dynamic dimension has the extent
 *     that the file gives (mostly 1), or that of the last run
 * @param scale real value of one step, 0 if the tensor is not quantized or has a scale per channel
 * @param zeroPoint the quantized value that stands for 0
 */
public record TensorInfo(String name, TensorType type, int[] shape, float scale, int zeroPoint) {
  private static final Set<TensorType> QUANTIZED =
      EnumSet.of(TensorType.INT8, TensorType.UINT8, TensorType.INT16);
  private static final Set<TensorType> REAL =
      EnumSet.of(TensorType.FLOAT32, TensorType.FLOAT64, TensorType.FLOAT16, TensorType.BFLOAT16);

  public TensorInfo {
    shape = shape.clone();
  }

  /** A copy of the shape. */
  @Override
  public int[] shape() {
    return shape.clone();
  }

  /** Number of elements, 1 for a scalar. */
  public long elements() {
    long elements = 1;
    for (int extent : shape) {
      elements *= extent;
    }
    return elements;
  }

  /**
   * Whether the elements are int8, uint8 or int16 that stand for {@code scale * (q - zeroPoint)}.
   */
  public boolean quantized() {
    return scale > 0 && QUANTIZED.contains(type);
  }

  /** Whether the elements stand for real numbers: floats, or {@link #quantized()}. */
  public boolean real() {
    return REAL.contains(type) || quantized();
  }

  /** Type and shape as users read it: {@code float32[1,28,28,1]}. */
  public String describe() {
    return type + shapeText(shape);
  }

  /** A shape as users read it: {@code [1,28,28,1]}. */
  public static String shapeText(int[] shape) {
    return Arrays.toString(shape).replace(" ", "");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && name.equals(that.name)
        && type == that.type
        && Arrays.equals(shape, that.shape)
        && scale == that.scale
        && zeroPoint == that.zeroPoint;
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return "`" + name + "` " + describe();
  }
}
