package io.narrow.tflite.correction;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Axis;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An operator whose bias can make up for the rounding of its weights: a sum of products per channel
 * of the last axis.
 *
 * @param operator its number in its subgraph
 * @param output number of the tensor that it writes
 * @param weights place of its weights
 * @param bias place of its bias, which it need not have
 * @param channels number of channels
 * @param sum the addition whose result the bias corrects instead of the operator's own, if any
 */
record CorrectableBias(
    int operator, int output, int weights, int bias, int channels, Optional<Sum> sum) {
  /**
   * An ADD of the operator's output, which nothing else reads, and a tensor that is there before:
   * the errors of a residual network's skip connections add up, and no other bias can take them
   * back.
   *
   * @param output number of the tensor that it writes
   * @param place of the other operand
   * @param other number of the other operand
   */
  record Sum(int output, int place, int other) {
    static Sum of(Operator add, int operand) {
      int place = add.input(0) == operand ? 1 : 0;
      return new Sum(add.outputs()[0], place, add.input(place));
    }
  }

  /** Those of a subgraph of a plan, in the order of computation. */
  static List<CorrectableBias> of(Plan plan, int subgraph) {
    Map<Integer, TensorPlan> rounded = rounded(plan, subgraph);
    List<CorrectableBias> correctables = new ArrayList<>();
    List<Operator> operators = plan.model().subgraphs().get(subgraph).operators();
    for (int i = 0; i < operators.size(); i++) {
      OpRule rule = OpRules.of(operators.get(i).name());
      if (rule.bias() >= 0 && rule.axis() != Axis.NONE) {
        TensorPlan weights = rounded.get(operators.get(i).input(rule.weights().get(0)));
        if (weights != null
            && (weights.use() == Use.DEQUANTIZED || weights.readers().contains(i))) {
          add(plan.model(), subgraph, i, rule, correctables);
        }
      }
    }
    return correctables;
  }

  private static void add(
      Model model, int subgraph, int number, OpRule rule, List<CorrectableBias> to) {
    Subgraph graph = model.subgraphs().get(subgraph);
    Operator operator = graph.operators().get(number);
    Tensor output = graph.tensor(operator.outputs()[0]);
    int bias = operator.input(rule.bias());
    int weights = rule.weights().get(0);
    Tensor weight = graph.tensor(operator.input(weights));
    int channels = weight.dimension(rule.axis().of(operator, weight));
    boolean known =
        bias < 0
            || model.isConstant(graph.tensor(bias))
                && !graph.tensor(bias).isEncoded()
                && graph.tensor(bias).type() == TensorType.FLOAT32
                && graph.tensor(bias).elements() == channels;
    if (known
        && output.rank() > 1
        && output.dimension(output.rank() - 1) == channels
        && operator.option("fused_activation_function") < IntegerRule.TANH) {
      Optional<Sum> sum = sum(graph, number, operator);
      to.add(
          new CorrectableBias(number, operator.outputs()[0], weights, rule.bias(), channels, sum));
    }
  }

  private static Optional<Sum> sum(Subgraph graph, int number, Operator operator) {
    int output = operator.outputs()[0];
    if (operator.option("fused_activation_function") != 0 || graph.reads(output) != 1) {
      return Optional.empty();
    }
    return graph.readers(output).stream()
        .map(reader -> graph.operators().get(reader.operator()))
        .filter(reader -> OpRules.of(reader.name()).adds())
        .map(add -> Sum.of(add, output))
        .filter(sum -> Arrays.equals(graph.tensor(sum.other).shape(), graph.tensor(output).shape()))
        .filter(sum -> graph.producer(sum.other).filter(before -> before < number).isPresent())
        .findFirst();
  }

  /** Constants of a subgraph that are stored as integers, by number. */
  static Map<Integer, TensorPlan> rounded(Plan plan, int subgraph) {
    Map<Integer, TensorPlan> rounded = new HashMap<>();
    for (TensorPlan tensor : plan.tensors()) {
      if (tensor.subgraph() == subgraph
          && !tensor.isFloat()
          && tensor.type() != TensorType.FLOAT16) {
        rounded.put(tensor.tensor(), tensor);
      }
    }
    return rounded;
  }

  /** Whether an operator of this or of a model made from it is the correctable. */
  boolean writtenBy(Operator other) {
    return other.outputs().length > 0 && other.outputs()[0] == output;
  }
}
