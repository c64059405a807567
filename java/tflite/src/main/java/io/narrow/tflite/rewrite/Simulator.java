package io.narrow.tflite.rewrite;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.ActivationPlan;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.IntegerOperator;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes of a plan a model that computes in float32 and rounds where the plan's model would: between
 * a QUANTIZE and a DEQUANTIZE operator. So the effect of rounding can be looked at anywhere in it,
 * also before a fused activation.
 *
 * <p>Operators and the tensors they write keep their numbers and are followed by what was added.
 * Biases and int16 activations, whose rounding is far below that of the weights, stay as they are.
 */
public final class Simulator {
  /** A tensor rounded to an encoding. */
  private record Rounded(int tensor, Encoding encoding) {}

  private final Draft.Graph graph;
  private final Contents contents;
  private final boolean activations;
  private final Map<Integer, IntegerOperator> integers = new HashMap<>();
  private final Map<Integer, TensorPlan> constants = new HashMap<>();
  private final Map<Integer, Encoding> produced = new HashMap<>();
  private final Map<Rounded, Integer> numbers = new HashMap<>();

  private Simulator(Plan plan, Draft draft, Contents contents, int subgraph, boolean activations) {
    this.graph = draft.graph(subgraph);
    this.contents = contents;
    this.activations = activations;
    for (IntegerOperator integer : plan.integerOperators()) {
      if (integer.subgraph() == subgraph) {
        integers.put(integer.operator(), integer);
      }
    }
    for (TensorPlan constant : plan.tensors()) {
      if (constant.subgraph() == subgraph && !constant.isFloat()) {
        constants.put(constant.tensor(), constant);
      }
    }
    for (ActivationPlan activation : plan.activations()) {
      if (activation.subgraph() == subgraph) {
        produced.put(activation.tensor(), activation.produced());
      }
    }
  }

  /** The float model that rounds as the plan's model does. */
  public static Model simulate(Plan plan) {
    return simulate(plan, true);
  }

  /** The float model that rounds the plan's constants, and no activations. */
  public static Model simulateConstants(Plan plan) {
    return simulate(plan, false);
  }

  private static Model simulate(Plan plan, boolean activations) {
    Draft draft = new Draft(plan.model());
    Contents contents = new Contents(draft, plan);
    for (int i = 0; i < plan.model().subgraphs().size(); i++) {
      new Simulator(plan, draft, contents, i, activations).rewrite();
    }
    return draft.finish();
  }

  private void rewrite() {
    Subgraph before = graph.before();
    for (int i = 0; i < before.operators().size(); i++) {
      Operator operator = before.operators().get(i);
      for (int place = 0; place < operator.inputs().length; place++) {
        int tensor = operator.input(place);
        if (tensor >= 0 && isRounded(before.tensor(tensor))) {
          operator = operator.withInput(place, read(tensor, i, place));
        }
      }
      graph.replace(i, operator);
    }
  }

  /** A state has to stay where the operator that keeps it finds it. */
  private static boolean isRounded(Tensor tensor) {
    return tensor.type() == TensorType.FLOAT32 && !tensor.isVariable();
  }

  /** Number of the tensor that an operator reads in place of a float32 one. */
  private int read(int tensor, int number, int place) {
    if (!activations && !isConstant(tensor)) {
      return tensor;
    }
    Encoding wanted = wanted(tensor, number, place);
    Encoding home = produced.getOrDefault(tensor, Encoding.FLOAT);
    int rounded = rounds(home) ? activation(tensor, home, tensor) : tensor;
    if (!rounds(wanted) || wanted.equals(home)) {
      return rounded;
    }
    return isConstant(tensor) ? constant(tensor, wanted) : activation(tensor, wanted, rounded);
  }

  private Encoding wanted(int tensor, int number, int place) {
    if (integers.containsKey(number)) {
      return integers.get(number).inputs().get(place);
    }
    TensorPlan plan = constants.get(tensor);
    boolean reads =
        plan != null
            && (plan.use() == TensorPlan.Use.DEQUANTIZED
                || plan.readers().contains(number) && isWeight(number, place));
    return reads ? plan.encoding() : Encoding.FLOAT;
  }

  private boolean isWeight(int number, int place) {
    String name = graph.before().operators().get(number).name();
    return OpRules.of(name).weights().contains(place);
  }

  private static boolean rounds(Encoding encoding) {
    return switch (encoding.type()) {
      case FLOAT32, INT16, INT32, INT64 -> false;
      default -> true;
    };
  }

  private boolean isConstant(int tensor) {
    return graph.before().producer(tensor).isEmpty() && !produced.containsKey(tensor);
  }

  private int constant(int tensor, Encoding encoding) {
    return numbers.computeIfAbsent(
        new Rounded(tensor, encoding),
        key -> {
          Tensor before = graph.before().tensor(tensor);
          if (encoding.block() > 0) { // the kernel of DEQUANTIZE does not know them
            int values = contents.storeValues(before, encoding);
            return graph.add(before.withBuffer(values).withName(before.name() + "_rounded"));
          }
          Tensor stored = encoding.apply(before.withBuffer(contents.store(before, encoding)));
          int rounded = addFloat(tensor);
          graph.addFirst(dequantize(encoding, add(stored, encoding), rounded));
          return rounded;
        });
  }

  /**
   * @param from number of the tensor that is rounded to give it
   */
  private int activation(int tensor, Encoding encoding, int from) {
    return numbers.computeIfAbsent(
        new Rounded(tensor, encoding),
        key -> {
          int integers = add(encoding.apply(graph.before().tensor(tensor).withBuffer(0)), encoding);
          int rounded = addFloat(tensor);
          List<Operator> conversions = new ArrayList<>();
          conversions.add(OpRules.quantize(from, encoding.type(), integers));
          conversions.add(dequantize(encoding, integers, rounded));
          for (Operator conversion : conversions) {
            graph.addBehind(tensor, conversion);
          }
          return rounded;
        });
  }

  private int add(Tensor tensor, Encoding encoding) {
    return graph.add(tensor.withName(tensor.name() + "_" + encoding.type()));
  }

  private int addFloat(int tensor) {
    Tensor before = graph.before().tensor(tensor);
    return graph.add(before.withBuffer(0).withName(before.name() + "_rounded"));
  }

  private static Operator dequantize(Encoding encoding, int from, int to) {
    return OpRules.dequantize(from, encoding.type(), encoding.axis() >= 0, to);
  }
}
