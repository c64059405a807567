package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** How an operator computes, and how its weights are stored. */
public enum Mode {
  /** All as it is. */
  FLOAT32("float32", TensorType.FLOAT32),
  /** Integer weights; kernels quantize their float inputs as they run. */
  DYNAMIC("dynamic", TensorType.FLOAT32),
  /** Integer weights that become float again before they are used. */
  WEIGHT_ONLY("weight-only", TensorType.FLOAT32),
  /** float16 weights that become float32 again before they are used. */
  FLOAT16("float16", TensorType.FLOAT32),
  /** Integer weights and int8 activations; needs the ranges of activations. */
  INT8("int8", TensorType.INT8, TensorType.FLOAT32, TensorType.UINT8),
  /** Integer weights and int16 activations; needs the ranges of activations. */
  INT16X8("int16x8", TensorType.INT16, TensorType.FLOAT32);

  private final String word;
  private final TensorType activation;
  private final List<TensorType> boundary;

  Mode(String word, TensorType activation, TensorType... boundary) {
    this.word = word;
    this.activation = activation;
    this.boundary = List.of(boundary);
  }

  /** Type of the activations. */
  public TensorType activation() {
    return activation;
  }

  /** Whether activations are integers, so that their ranges have to be known. */
  public boolean integer() {
    return activation != TensorType.FLOAT32;
  }

  /** Whether inputs and outputs of the model may have this type in place of float32. */
  boolean allows(TensorType type) {
    return type == activation || boundary.contains(type);
  }

  /** The types that {@link #allows}. */
  List<TensorType> boundary() {
    return Arrays.stream(TensorType.values()).filter(this::allows).toList();
  }

  /**
   * The mode of this name, as the command line has it.
   *
   * @throws NarrowException if there is none
   */
  public static Mode of(String name) {
    List<Mode> known = List.of(values());
    String names = known.stream().map(Mode::toString).collect(Collectors.joining(", "));
    return known.stream()
        .filter(mode -> mode.word.equalsIgnoreCase(name))
        .findFirst()
        .orElseThrow(
            () -> NarrowException.input("mode " + name + ": unknown, known modes are " + names));
  }

  @Override
  public String toString() {
    return word;
  }
}
