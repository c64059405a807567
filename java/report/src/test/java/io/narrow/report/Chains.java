package io.narrow.report;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/** Models of additions in a row: tensor {@code i} is what operator {@code i - 1} writes. */
final class Chains {
  private Chains() {}

  /** Each of the result before it and of one a little further back. */
  static Model near(int count, String name) {
    return chain(count, name, i -> i % 4 == 0 ? Math.max(0, i - 4) : i - 1);
  }

  /**
   * Each of the result before it and, every second, of the input.
   *
   * @param others results with what they are of instead of the input
   */
  static Model far(int count, Map<Integer, Integer> others) {
    return chain(count, "value", i -> others.getOrDefault(i, i % 2 == 0 ? 0 : i - 1));
  }

  private static Model chain(int count, String name, IntUnaryOperator back) {
    List<Tensor> tensors = new ArrayList<>();
    List<Operator> operators = new ArrayList<>();
    tensors.add(Tensor.of("first", TensorType.FLOAT32, new int[] {1, 8}));
    for (int i = 1; i <= count; i++) {
      tensors.add(Tensor.of(name + i, TensorType.FLOAT32, new int[] {1, 8}));
      operators.add(Operator.of("ADD", 1, new int[] {i - 1, back.applyAsInt(i)}, new int[] {i}));
    }
    return of(tensors, operators, count);
  }

  /** Input 0. */
  static Model of(List<Tensor> tensors, List<Operator> operators, int output) {
    Model digits = Model.read(Digits.file("digits.tflite"));
    Subgraph graph =
        digits
            .subgraphs()
            .get(0)
            .with(tensors, operators)
            .withInputs(new int[] {0})
            .withOutputs(new int[] {output});
    return digits.part(graph, List.of(Buffer.EMPTY));
  }
}
