package io.narrow.keras.graph;

import io.narrow.tflite.model.TensorType;
import java.util.Arrays;

/** A value of the graph: given, computed, constant, or a variable that the runtime keeps. */
public final class Value {
  public String name;
  public final TensorType type;
  public final int[] shape;

  /**
   * Whether the first axis is the batch, of no fixed size; {@code shape} has the size it has now.
   */
  public boolean batched;

  public boolean variable;

  /** Whether it stands for what could not be imported, or is computed from that. */
  public boolean unknown;

  /** How it is stored if it is uint8, or how a float constant is to be; null for neither. */
  public Encoding encoding;

  public Floats floats;
  public int[] ints;

  /** Which steps count: bool [batch, steps]; null where all do. */
  public Value mask;

  public Value(String name, TensorType type, int... shape) {
    this.name = name;
    this.type = type;
    this.shape = shape;
  }

  public static Value of(String name, Floats contents, int... shape) {
    Value value = new Value(name, TensorType.FLOAT32, shape);
    value.floats = contents;
    return value;
  }

  public static Value of(String name, int[] contents, int... shape) {
    return of(name, TensorType.INT32, contents, shape);
  }

  /** A constant of whole numbers, or of 0 and 1 for {@code BOOL}. */
  public static Value of(String name, TensorType type, int[] contents, int... shape) {
    Value value = new Value(name, type, shape);
    value.ints = contents;
    return value;
  }

  public boolean isConstant() {
    return floats != null || ints != null;
  }

  public int rank() {
    return shape.length;
  }

  /** Size of an axis, counted from the end if it is negative. */
  public int size(int axis) {
    return shape[axis < 0 ? axis + shape.length : axis];
  }

  public int channels() {
    return size(-1);
  }

  /** Number of elements of the axes from this one on. */
  public int elements(int from) {
    int elements = 1;
    for (int i = from; i < shape.length; i++) {
      elements = Math.multiplyExact(elements, shape[i]);
    }
    return elements;
  }

  @Override
  public String toString() {
    return name + Arrays.toString(shape);
  }
}
