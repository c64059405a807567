package io.narrow.tflite.ops;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;

/** Which axis of a weight tensor has a scale per channel. */
public enum Axis {
  /** One scale for the whole tensor. */
  NONE,
  FIRST,
  LAST,
  /** The columns of a right-hand matrix: the last axis, or the one before if it is transposed. */
  COLUMNS;

  /** Number of the axis in this tensor, -1 for {@link #NONE}. */
  public int of(Operator operator, Tensor weight) {
    return switch (this) {
      case NONE -> -1;
      case FIRST -> 0;
      case LAST -> weight.rank() - 1;
      case COLUMNS -> weight.rank() - (operator.option("adj_y") != 0 ? 2 : 1);
    };
  }
}
