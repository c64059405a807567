package io.narrow.tflite.micro;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.Collections;
import java.util.List;

/** Memory that the reference kernels of TensorFlow Lite Micro need while an operator runs. */
final class Scratch {
  private static final int LSTM_BUFFERS = 4;
  private static final int CELL_STATE = 19;

  private Scratch() {}

  /** Bytes of each buffer. */
  static List<Long> of(Subgraph graph, Operator operator) {
    return switch (operator.name()) {
      case "UNIDIRECTIONAL_SEQUENCE_LSTM" -> gates(graph, operator);
      case "TRANSPOSE_CONV" -> sums(graph, operator);
      default -> List.of();
    };
  }

  /** A gate is as large as the state of its cell. */
  private static List<Long> gates(Subgraph graph, Operator operator) {
    if (operator.input(CELL_STATE) < 0) {
      return List.of();
    }
    Tensor cell = graph.tensor(operator.input(CELL_STATE));
    return Collections.nCopies(LSTM_BUFFERS, cell.type().bytes(cell.elements()));
  }

  /** Sums of products of integers before they are scaled. */
  private static List<Long> sums(Subgraph graph, Operator operator) {
    Tensor result = graph.tensor(operator.outputs()[0]);
    long width =
        result.type() == TensorType.INT8
            ? Integer.BYTES
            : result.type() == TensorType.INT16 ? Long.BYTES : 0;
    return width == 0 ? List.of() : List.of(width * result.elements());
  }
}
