package io.narrow.tflite.fold;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.KnownEncodings.Known;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Encodings that follow from those that a model was trained for: what only moves values has one
 * encoding before and after, and some kernels fix that of their result.
 */
final class Propagation {
  private final Model model;
  private final Subgraph subgraph;
  private final Map<Integer, Known> known;

  /**
   * @param known by tensor of the subgraph; what follows from it is added
   */
  Propagation(Model model, int subgraph, Map<Integer, Known> known) {
    this.model = model;
    this.subgraph = model.subgraphs().get(subgraph);
    this.known = known;
  }

  void propagate() {
    List<Operator> operators = subgraph.operators();
    operators.forEach(this::forward);
    for (int i = operators.size() - 1; i >= 0; i--) {
      backward(operators.get(i));
    }
    operators.forEach(this::forward); // from what was learned behind a fork
  }

  private void forward(Operator operator) {
    Optional<IntegerRule> rule = OpRules.of(operator.name()).integer();
    if (rule.isEmpty()) {
      return;
    }
    List<Known> operands =
        activations(operator.inputs(), place -> rule.get().reads(place))
            .mapToObj(known::get)
            .toList();
    if (operands.isEmpty() || operands.stream().anyMatch(k -> k == null)) {
      return;
    }
    Scales scales = rule.get().scales();
    Encoding first = operands.get(0).encoding();
    Optional<Encoding> result = Optional.empty();
    if (scales.fixed()) {
      TensorType type = first.type();
      result =
          Optional.of(
              new Encoding(type, -1, new float[] {scales.scale(type)}, scales.zeroPoint(type)));
    } else if (scales.same() && operands.stream().allMatch(k -> k.encoding().equals(first))) {
      result = Optional.of(first);
    }
    result.ifPresent(
        encoding ->
            activations(operator.outputs(), place -> rule.get().writes(place))
                .forEach(t -> learn(t, encoding)));
  }

  private void backward(Operator operator) {
    Optional<IntegerRule> rule = OpRules.of(operator.name()).integer();
    if (rule.isEmpty() || !rule.get().scales().same() && rule.get().scales() != Scales.CLAMP) {
      return;
    }
    List<Known> results =
        activations(operator.outputs(), place -> rule.get().writes(place))
            .mapToObj(known::get)
            .toList();
    if (results.size() == 1 && results.get(0) != null) {
      activations(operator.inputs(), place -> rule.get().reads(place))
          .filter(t -> subgraph.reads(t) == 1 && !subgraph.isOutput(t) && !subgraph.isInput(t))
          .forEach(t -> learn(t, results.get(0).encoding()));
    }
  }

  private void learn(int tensor, Encoding encoding) {
    known.putIfAbsent(tensor, new Known(encoding, Optional.empty(), Codes.TRAINED));
  }

  private IntStream activations(int[] tensors, IntPredicate counts) {
    return IntStream.range(0, tensors.length)
        .filter(counts)
        .map(place -> tensors[place])
        .filter(
            t ->
                t >= 0
                    && subgraph.tensor(t).type() == TensorType.FLOAT32
                    && !subgraph.tensor(t).isVariable()
                    && !model.isConstant(subgraph.tensor(t)));
  }
}
