package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.comparison.Comparison.Constant;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Tensor;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.TensorPlan;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the mode by which a file looks made makes of the float model, whatever tool made it: why an
 * operator is or stays float32 is mostly a matter of its kernel, which no tool can change.
 */
final class Rules {
  private static final Set<TensorType> FEW_BITS =
      Set.of(TensorType.INT4, TensorType.UINT4, TensorType.INT2);

  private final Model floats;
  private final Plan plan;
  // By subgraph and number in the planned model.
  private final Map<List<Integer>, OperatorPlan> operators = new HashMap<>();
  private final Map<List<Integer>, TensorPlan> constants = new HashMap<>();

  private Rules(Model floats, Plan plan) {
    this.floats = floats;
    this.plan = plan;
    plan.operators().forEach(o -> operators.put(List.of(o.subgraph(), o.operator()), o));
    plan.tensors().forEach(t -> constants.put(List.of(t.subgraph(), t.tensor()), t));
  }

  /** Those of a file; nothing if it looks made by no mode, or the mode refuses the model. */
  static Optional<Rules> of(Model floats, Model quantized) {
    try {
      return recipe(quantized)
          .map(recipe -> new Rules(floats, Quantizer.DEFAULT.prepare(floats).outline(recipe)));
    } catch (NarrowException e) {
      return Optional.empty();
    }
  }

  Mode mode() {
    return plan.recipe().mode();
  }

  /** The recipe that makes files of this kind. */
  private static Optional<Recipe> recipe(Model quantized) {
    Set<TensorType> computed = EnumSet.noneOf(TensorType.class);
    Set<TensorType> beside = EnumSet.noneOf(TensorType.class); // weights beside floats
    Set<TensorType> unpacked = EnumSet.noneOf(TensorType.class);
    for (Subgraph graph : quantized.subgraphs()) {
      for (Operator operator : graph.operators()) {
        IntStream.of(operator.outputs())
            .mapToObj(graph::tensor)
            .filter(tensor -> tensor.isQuantized())
            .forEach(tensor -> computed.add(tensor.type()));
        Set<TensorType> read = operator.name().equals("DEQUANTIZE") ? unpacked : beside;
        IntStream.of(operator.inputs())
            .filter(input -> input >= 0)
            .mapToObj(graph::tensor)
            .filter(quantized::isConstant)
            .filter(tensor -> tensor.isQuantized() || tensor.type() == TensorType.FLOAT16)
            .forEach(tensor -> read.add(tensor.type()));
      }
    }
    if (computed.contains(TensorType.INT16)) {
      return Optional.of(Recipe.int16x8());
    }
    if (computed.contains(TensorType.INT8) || computed.contains(TensorType.UINT8)) {
      return Optional.of(Recipe.int8());
    }
    if (!beside.isEmpty()) {
      return Optional.of(Recipe.dynamic().withBits(bits(beside)));
    }
    return unpacked.isEmpty()
        ? Optional.empty()
        : Optional.of(
            unpacked.contains(TensorType.FLOAT16)
                ? Recipe.float16()
                : Recipe.weightOnly(bits(unpacked)));
  }

  private static int bits(Set<TensorType> weights) {
    return weights.stream().anyMatch(FEW_BITS::contains) ? 4 : 8;
  }

  /** The same with what the rules say of it. */
  Graph explain(Graph graph) {
    int number = graph.floatSubgraph();
    List<Subgraph> planned = plan.model().subgraphs();
    if (number >= planned.size()) {
      return graph;
    }
    Subgraph made = planned.get(number);
    int[] numbers = made.namesakes(floats.subgraphs().get(number));
    List<Tensor> tensors =
        graph.tensors().stream()
            .map(t -> converts(t) ? t : t.with(writer(t, made, numbers, number)))
            .toList();
    List<Constant> weights =
        graph.constants().stream().map(c -> c.with(constant(c, numbers, number))).toList();
    return graph.with(tensors, weights, graph.bodies().stream().map(this::explain).toList());
  }

  private static boolean converts(Tensor tensor) {
    return OpRules.of(tensor.operatorName()).converts();
  }

  private Optional<OperatorPlan> writer(Tensor tensor, Subgraph made, int[] numbers, int subgraph) {
    int number = numbers[tensor.floatNumber()];
    return number < 0 || tensor.operator() < 0
        ? Optional.empty()
        : made.producer(number).map(operator -> operators.get(List.of(subgraph, operator)));
  }

  private Optional<TensorPlan> constant(Constant constant, int[] numbers, int subgraph) {
    int number = numbers[constant.floatNumber()];
    return number < 0
        ? Optional.empty()
        : Optional.ofNullable(constants.get(List.of(subgraph, number)));
  }
}
