package io.narrow.tflite.plan;

import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.List;

/**
 * What becomes of a float32 constant, and why.
 *
 * @param subgraph number of its subgraph
 * @param tensor its number in the subgraph
 * @param name its name
 * @param elements how many values it has
 * @param type type its values are stored as; {@link TensorType#FLOAT32} if it stays as it is
 * @param axis axis that has a scale per channel, -1 if there is one scale or none
 * @param scales its scales, none for float types; zero points are 0
 * @param use how its readers get it
 * @param readers numbers of the operators that read the stored values, for {@link Use#DIRECT} and
 *     {@link Use#ROWS}; all others keep reading float32
 * @param reason why, in words
 */
public record TensorPlan(
    int subgraph,
    int tensor,
    String name,
    long elements,
    TensorType type,
    int axis,
    float[] scales,
    Use use,
    List<Integer> readers,
    String reason) {

  /** How operators get the values of a constant. */
  public enum Use {
    /** As float32, as before. */
    FLOAT,
    /** Kernels take the stored type. */
    DIRECT,
    /** A DEQUANTIZE operator makes them float32 first. */
    DEQUANTIZED,
    /** The operator copies stored rows, which a DEQUANTIZE operator then makes float32. */
    ROWS
  }

  public TensorPlan {
    scales = scales.clone();
    readers = List.copyOf(readers);
  }

  @Override
  public float[] scales() {
    return scales.clone();
  }

  /** The plan that a float32 constant stays as it is. */
  static TensorPlan stays(int subgraph, int number, Tensor tensor, String reason) {
    return new TensorPlan(
        subgraph,
        number,
        tensor.name(),
        tensor.elements(),
        TensorType.FLOAT32,
        -1,
        new float[0],
        Use.FLOAT,
        List.of(),
        reason);
  }

  /** Whether the tensor stays float32. */
  public boolean isFloat() {
    return type == TensorType.FLOAT32;
  }
}
