package io.narrow.tflite.targets;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * An operator where it stands.
 *
 * @param model the model
 * @param subgraph the subgraph of it
 * @param operator the operator of that
 */
record Site(Model model, Subgraph subgraph, Operator operator) {
  /** The operand at this place, empty if there is none. */
  Optional<Tensor> operand(int place) {
    int number = operator.input(place);
    return number < 0 ? Optional.empty() : Optional.of(subgraph.tensor(number));
  }

  /** All operands that there are. */
  Stream<Tensor> operands() {
    return Arrays.stream(operator.inputs())
        .filter(number -> number >= 0)
        .mapToObj(subgraph::tensor);
  }

  /** All results that there are. */
  Stream<Tensor> results() {
    return Arrays.stream(operator.outputs())
        .filter(number -> number >= 0)
        .mapToObj(subgraph::tensor);
  }

  Stream<Tensor> tensors() {
    return Stream.concat(operands(), results());
  }

  boolean isConstant(int place) {
    return operand(place).map(model::isConstant).orElse(true);
  }

  /** The tensors whose values it computes with or gives: not weights, a bias, indices or shapes. */
  List<Tensor> activations() {
    List<Tensor> all = new ArrayList<>();
    OpRule row = OpRules.of(operator.name());
    IntStream.range(0, operator.inputs().length)
        .filter(place -> !row.weights().contains(place) || !isConstant(place))
        .filter(place -> place != row.bias())
        .mapToObj(this::operand)
        .flatMap(Optional::stream)
        .filter(tensor -> !isParameter(tensor))
        .forEach(all::add);
    results().forEach(all::add);
    return all;
  }

  /** Whether a tensor says how to compute, or where, and holds no values to compute with. */
  private boolean isParameter(Tensor tensor) {
    boolean index = tensor.type() == TensorType.INT32 || tensor.type() == TensorType.INT64;
    return index && model.isConstant(tensor) && !tensor.isQuantized();
  }

  /** The type that it computes with. */
  TensorType activation() {
    OpRule row = OpRules.of(operator.name());
    if (row.copiesRows()) {
      return operand(row.weights().get(0)).map(Tensor::type).orElse(TensorType.FLOAT32);
    }
    List<TensorType> types =
        IntStream.range(0, operator.inputs().length)
            .filter(place -> !row.weights().contains(place) && place != row.bias())
            .mapToObj(this::operand)
            .flatMap(Optional::stream)
            .filter(tensor -> !isParameter(tensor))
            .map(Tensor::type)
            .toList();
    return types.stream()
        .filter(type -> type != TensorType.BOOL)
        .findFirst()
        .or(() -> types.stream().findFirst())
        .or(() -> operands().map(Tensor::type).findFirst())
        .or(() -> results().map(Tensor::type).findFirst())
        .orElse(TensorType.FLOAT32);
  }

  /** The type of its weights, empty if it has none. */
  Optional<TensorType> weights() {
    OpRule row = OpRules.of(operator.name());
    return row.copiesRows()
        ? Optional.empty()
        : row.weights().stream()
            .flatMap(place -> operand(place).stream())
            .map(Tensor::type)
            .findFirst();
  }

  /** Values of a constant operand of int32 or int64, empty if it is none. */
  Optional<long[]> integers(int place) {
    Optional<Tensor> operand = operand(place).filter(model::isConstant);
    if (operand.isEmpty() || operand.get().isEncoded()) {
      return Optional.empty();
    }
    ByteBuffer contents = model.contents(operand.get());
    int count = (int) operand.get().elements();
    return switch (operand.get().type()) {
      case INT32 ->
          contents.remaining() < 4 * count
              ? Optional.empty()
              : Optional.of(
                  IntStream.range(0, count)
                      .mapToLong(i -> contents.getInt(contents.position() + 4 * i))
                      .toArray());
      case INT64 ->
          contents.remaining() < 8 * count
              ? Optional.empty()
              : Optional.of(
                  IntStream.range(0, count)
                      .mapToLong(i -> contents.getLong(contents.position() + 8 * i))
                      .toArray());
      default -> Optional.empty();
    };
  }
}
