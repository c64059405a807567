package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which operators of a subgraph read which constant, and whether they could read it smaller. */
final class ConstantConsumers {
  /**
   * An operator that reads a tensor.
   *
   * @param operator number of the operator
   * @param place place of the tensor among its inputs
   * @param node the operator
   * @param rule its row in the operator table, or a row without weights
   * @param configuration what the recipe does to it
   * @param objection why it cannot read the tensor smaller, none if it can
   */
  record Consumer(
      int operator,
      int place,
      Operator node,
      OpRule rule,
      OperatorConfiguration configuration,
      Reason objection) {
    int axis(Tensor tensor) {
      return rule.axis().of(node, tensor);
    }
  }

  private final Graph graph;
  private final IntegerPlanner integers;
  private final Reason[] objections; // by operator

  ConstantConsumers(Graph graph, IntegerPlanner integers) {
    this.graph = graph;
    this.integers = integers;
    this.objections = new Reason[graph.operators()];
    for (int i = 0; i < objections.length; i++) {
      objections[i] = objection(i, OpRules.of(graph.operator(i).name()));
    }
  }

  /** The operators that read a tensor, with what each can do with it. */
  private List<Consumer> readers(int tensor) {
    return graph.readers(tensor).stream().map(r -> reader(r.operator(), r.place())).toList();
  }

  private Consumer reader(int number, int place) {
    Operator operator = graph.operator(number);
    OpRule rule = OpRules.of(operator.name());
    Reason why = objections[number];
    if (!why.isEmpty()) {
      // That there is no kernel is said with the name of the operator.
      String before = operator.name() + (keepsFloat(number) ? " stays float32: " : ": ");
      why = why.code() == Code.NO_KERNEL ? why : why.as(before + why);
    } else if (integers.configuration(number).mode() == Mode.FLOAT16) {
      why = needsFloat(operator, place, rule);
    } else if (place == rule.bias()) {
      why = asBias(operator.name());
    } else if (!rule.weights().contains(place)) {
      why = Reason.of(Code.NO_WEIGHT, operator.name() + " does not read it as a weight");
    }
    return new Consumer(number, place, operator, rule, integers.configuration(number), why);
  }

  static Reason asBias(String operator) {
    return Reason.of(Code.NO_WEIGHT, operator + " reads it as bias, which stays float32");
  }

  private boolean keepsFloat(int operator) {
    return integers.configuration(operator).mode() == Mode.FLOAT32;
  }

  /** Why an operator reads no constant smaller, none if it may. */
  private Reason objection(int number, OpRule rule) {
    if (integers.isInteger(number)) {
      return Reason.of(Code.NO_WEIGHT, "it computes in integers");
    }
    if (keepsFloat(number)) {
      return integers.objection(number);
    }
    if (integers.configuration(number).mode() == Mode.FLOAT16) {
      return Reason.NONE;
    }
    Operator operator = graph.operator(number);
    Reason objection = Reason.of(Code.KERNEL_LIMIT, rule.objection(graph.subgraph(), operator));
    if (objection.isEmpty() && rule.copiesRows() && !returnsFloat(operator)) {
      return Reason.of(
          Code.KERNEL_LIMIT,
          "it writes an output of the model, which is " + graph.recipe().outputType());
    }
    if (!objection.isEmpty() || !rule.together()) {
      return objection;
    }
    for (int place : rule.weights()) {
      if (operator.input(place) < 0) {
        continue;
      }
      Tensor weight = graph.tensor(operator.input(place));
      if (!isFloatConstant(operator.input(place))) {
        return together(Code.NOT_CONSTANT, weight, "is no float32 constant");
      }
      if (weight.elements() < integers.configuration(number).minimumElements()) {
        String few = "has " + tooFew(weight, integers.configuration(number));
        return together(Code.TOO_SMALL, weight, few);
      }
      if (!WeightScales.finite(graph.contents(operator.input(place)))) {
        return together(Code.NOT_FINITE, weight, "holds NaN or infinity");
      }
    }
    return Reason.NONE;
  }

  private boolean returnsFloat(Operator operator) {
    return graph.recipe().outputType() == TensorType.FLOAT32
        || !graph.isOutput(operator.outputs()[0]);
  }

  private static Reason together(Code code, Tensor weight, String what) {
    return Reason.of(code, "its weights are quantized together, and ", weight.name(), " " + what);
  }

  private static String tooFew(Tensor tensor, OperatorConfiguration configuration) {
    return tensor.elements() + " elements, fewer than " + configuration.minimumElements();
  }

  /** Why a constant has to stay as it is, before its values are looked at; none if it has not. */
  Reason objection(int number, Tensor tensor) {
    if (tensor.isEncoded()) {
      return Reason.of(Code.NOT_READABLE, "is sparse or lies in another file");
    }
    if (graph.isOutput(number)) {
      return Reason.of(Code.NEEDED_AS_FLOAT, "is an output of the model");
    }
    List<Consumer> all = readers(number);
    if (all.isEmpty()) {
      return Reason.of(Code.GAINS_NOTHING, "no operator reads it");
    }
    if (able(number).isEmpty()) {
      return all.get(0).objection();
    }
    OperatorConfiguration configuration = configuration(number);
    if (configuration.mode() == Mode.FLOAT16) {
      return all.stream()
          .map(Consumer::objection)
          .filter(why -> !why.isEmpty())
          .findFirst()
          .orElse(Reason.NONE);
    }
    // What is stored in integers already is not to grow.
    return tensor.elements() < configuration.minimumElements() && graph.known(number).isEmpty()
        ? Reason.of(Code.TOO_SMALL, tooFew(tensor, configuration))
        : Reason.NONE;
  }

  /** Why an operator cannot read the output of a DEQUANTIZE operator; none if it can. */
  private Reason needsFloat(Operator operator, int place, OpRule rule) {
    if (rule.opaque()) {
      return Reason.of(Code.NEEDED_AS_FLOAT, operator.name() + " may take float32 constants only");
    }
    boolean biasOfIntegers =
        place == rule.bias()
            && rule.weights().stream()
                .map(operator::input)
                .anyMatch(w -> w >= 0 && graph.tensor(w).type() != TensorType.FLOAT32);
    // XNNPACK refuses the whole model otherwise.
    return biasOfIntegers
        ? Reason.of(
            Code.NEEDED_AS_FLOAT, "is a bias beside integer weights, which has to be a constant")
        : Reason.NONE;
  }

  /** A constant with the weights or the bias that an operator reads beside it. */
  List<Integer> together(int number) {
    Set<Integer> together = new TreeSet<>(Set.of(number));
    for (Consumer reader : readers(number)) {
      List<Integer> places = new ArrayList<>(reader.rule().weights());
      places.add(reader.rule().bias());
      if (reader.rule().bias() >= 0 && places.contains(reader.place())) {
        for (int place : places) {
          int other = place < 0 ? -1 : reader.node().input(place);
          if (other >= 0 && isFloatConstant(other)) {
            together.add(other);
          }
        }
      }
    }
    return List.copyOf(together);
  }

  private boolean isFloatConstant(int number) {
    return graph.isFloat(number)
        && graph.isConstant(number)
        && !graph.tensor(number).isEncoded()
        && !graph.isOutput(number);
  }

  /** The operators that can read a tensor smaller, all in the mode of the first of them. */
  List<Consumer> able(int number) {
    List<Consumer> able =
        readers(number).stream().filter(reader -> reader.objection().isEmpty()).toList();
    return able.stream()
        .filter(reader -> reader.configuration().mode() == able.get(0).configuration().mode())
        .toList();
  }

  /** How those are treated: with as many bits, and as large parts for a scale, as one needs. */
  OperatorConfiguration configuration(int number) {
    return able(number).stream()
        .map(Consumer::configuration)
        .reduce(ConstantConsumers::both)
        .orElseThrow();
  }

  private static OperatorConfiguration both(
      OperatorConfiguration first, OperatorConfiguration second) {
    OperatorConfiguration more = second.bits() > first.bits() ? second : first;
    return first.block() == second.block() ? more : more.withBlock(0);
  }

  /** Names of the operators that read a tensor and are not among these, empty if there are none. */
  String others(int number, List<Consumer> these) {
    return readers(number).stream()
        .filter(reader -> !these.contains(reader))
        .map(reader -> reader.node().name())
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
