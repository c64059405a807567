package io.narrow.tflite.evaluation;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Why XNNPACK leaves operators of a model to the built-in kernels. */
final class Leftovers {
  private final Model model;
  private final Subgraph subgraph;
  private final boolean xnnpack;
  private final Set<Integer> widened; // results of DEQUANTIZE of what is stored smaller

  Leftovers(Model model, boolean xnnpack) {
    this.model = model;
    this.subgraph = model.subgraphs().get(0);
    this.xnnpack = xnnpack;
    this.widened =
        subgraph.operators().stream()
            .filter(operator -> operator.name().equals("DEQUANTIZE"))
            .filter(operator -> model.isConstant(subgraph.tensor(operator.input(0))))
            .map(operator -> operator.outputs()[0])
            .collect(Collectors.toSet());
  }

  /**
   * A reason for every operator that XNNPACK did not take.
   *
   * @param parts the operators that it did take
   */
  List<Benchmark.Left> reasons(List<List<Integer>> parts) {
    Set<Integer> taken = parts.stream().flatMap(List::stream).collect(Collectors.toSet());
    List<Benchmark.Left> left = new ArrayList<>();
    for (int o = 0; o < subgraph.operators().size(); o++) {
      if (!taken.contains(o)) {
        Operator operator = subgraph.operators().get(o);
        left.add(new Benchmark.Left(o, operator.name(), reason(operator)));
      }
    }
    return left;
  }

  private String reason(Operator operator) {
    if (!xnnpack) {
      return "XNNPACK is switched off";
    }
    OpRule row = OpRules.of(operator.name());
    if (!row.everFast()) {
      boolean wide =
          IntStream.concat(IntStream.of(operator.inputs()), IntStream.of(operator.outputs()))
              .anyMatch(t -> t >= 0 && subgraph.tensor(t).type() == TensorType.INT16);
      return wide ? "no kernels for int16 activations" : "XNNPACK has no such operator";
    }
    if (row.weights().stream()
        .anyMatch(place -> tensorNumber(operator, place).filter(widened::contains).isPresent())) {
      return "its weights are made float32 by a DEQUANTIZE outside XNNPACK";
    }
    TensorType activations = activations(row, operator);
    TensorType weights =
        row.weights().stream()
            .map(place -> tensor(operator, place))
            .flatMap(Optional::stream)
            .filter(model::isConstant)
            .map(Tensor::type)
            .findFirst()
            .orElse(activations);
    if (row.fast(activations, weights)) {
      return row.canBeFast(model, subgraph, operator)
          ? "XNNPACK takes such, but not with these shapes, options or scales"
          : "its shapes, a computed weight or a fused activation are not for XNNPACK";
    }
    if (tensor(operator, 0).map(model::isConstant).orElse(false)) {
      return "no kernels for " + activations + " constants";
    }
    boolean ofActivations =
        weights == activations
            || activations != TensorType.FLOAT32 && !row.fast(activations, activations);
    return "no kernels for "
        + (ofActivations ? activations + " activations" : weights + " filters");
  }

  /** The type of the first operand that is no constant. */
  private TensorType activations(OpRule row, Operator operator) {
    return IntStream.range(0, operator.inputs().length)
        .filter(place -> !row.weights().contains(place))
        .mapToObj(place -> tensor(operator, place))
        .flatMap(Optional::stream)
        .filter(tensor -> !model.isConstant(tensor))
        .map(Tensor::type)
        .findFirst()
        .orElseGet(() -> tensor(operator, 0).map(Tensor::type).orElse(TensorType.FLOAT32));
  }

  private Optional<Tensor> tensor(Operator operator, int place) {
    return tensorNumber(operator, place).map(subgraph::tensor);
  }

  private static Optional<Integer> tensorNumber(Operator operator, int place) {
    boolean there = place < operator.inputs().length && operator.input(place) >= 0;
    return there ? Optional.of(operator.input(place)) : Optional.empty();
  }
}
