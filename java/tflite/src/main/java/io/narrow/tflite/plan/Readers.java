package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which operators of a subgraph read which constant, and whether they could read it smaller. */
final class Readers {
  /**
   * An operator that reads a tensor.
   *
   * @param operator number of the operator
   * @param place place of the tensor among its inputs
   * @param node the operator
   * @param rule its row in the operator table, or a row without weights
   * @param treatment what the recipe does to it
   * @param objection why it cannot read the tensor smaller, empty if it can
   */
  record Reader(
      int operator, int place, Operator node, OpRule rule, Treatment treatment, String objection) {
    int axis(Tensor tensor) {
      return rule.axis().of(node, tensor);
    }
  }

  private final Graph graph;
  private final IntegerPlanner integers;
  private final String[] objections; // by operator

  Readers(Graph graph, IntegerPlanner integers) {
    this.graph = graph;
    this.integers = integers;
    this.objections = new String[graph.operators()];
    for (int i = 0; i < objections.length; i++) {
      objections[i] = objection(i, OpRules.of(graph.operator(i).name()));
    }
  }

  /** The operators that read a tensor, with what each can do with it. */
  private List<Reader> readers(int tensor) {
    return graph.readers(tensor).stream().map(r -> reader(r.operator(), r.place())).toList();
  }

  private Reader reader(int number, int place) {
    Operator operator = graph.operator(number);
    OpRule rule = OpRules.of(operator.name());
    String why = objections[number];
    if (!why.isEmpty()) {
      why =
          why.startsWith(operator.name())
              ? why
              : operator.name() + (keepsFloat(number) ? " stays float32: " : ": ") + why;
    } else if (integers.treatment(number).mode() == Mode.FLOAT16) {
      why = needsFloat(operator, place, rule);
    } else if (place == rule.bias()) {
      why = asBias(operator.name());
    } else if (!rule.weights().contains(place)) {
      why = operator.name() + " does not read it as a weight";
    }
    return new Reader(number, place, operator, rule, integers.treatment(number), why);
  }

  static String asBias(String operator) {
    return operator + " reads it as bias, which stays float32";
  }

  private boolean keepsFloat(int operator) {
    return integers.treatment(operator).mode() == Mode.FLOAT32;
  }

  /** Why an operator reads no constant smaller, empty if it may. */
  private String objection(int number, OpRule rule) {
    if (integers.isInteger(number)) {
      return "it computes in integers";
    }
    if (keepsFloat(number)) {
      return integers.objection(number);
    }
    if (integers.treatment(number).mode() == Mode.FLOAT16) {
      return "";
    }
    Operator operator = graph.operator(number);
    String objection = rule.objection(graph.subgraph(), operator);
    if (objection.isEmpty() && rule.copiesRows() && !returnsFloat(operator)) {
      return "it writes an output of the model, which is " + graph.recipe().outputType();
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
        return together(weight, "is no float32 constant");
      }
      if (weight.elements() < integers.treatment(number).minimumElements()) {
        return together(weight, "has " + tooFew(weight, integers.treatment(number)));
      }
      if (!WeightScales.finite(graph.contents(operator.input(place)))) {
        return together(weight, "holds NaN or infinity");
      }
    }
    return "";
  }

  private boolean returnsFloat(Operator operator) {
    return graph.recipe().outputType() == TensorType.FLOAT32
        || !graph.isOutput(operator.outputs()[0]);
  }

  private static String together(Tensor weight, String what) {
    return "its weights are quantized together, and `" + weight.name() + "` " + what;
  }

  private static String tooFew(Tensor tensor, Treatment treatment) {
    return tensor.elements() + " elements, fewer than " + treatment.minimumElements();
  }

  /** Why a constant has to stay as it is, before its values are looked at. */
  Optional<String> objection(int number, Tensor tensor) {
    if (tensor.isEncoded()) {
      return Optional.of("is sparse or lies in another file");
    }
    if (graph.isOutput(number)) {
      return Optional.of("is an output of the model");
    }
    List<Reader> all = readers(number);
    if (all.isEmpty()) {
      return Optional.of("no operator reads it");
    }
    if (able(number).isEmpty()) {
      return Optional.of(all.get(0).objection());
    }
    Treatment treatment = treatment(number);
    if (treatment.mode() == Mode.FLOAT16) {
      return all.stream().map(Reader::objection).filter(why -> !why.isEmpty()).findFirst();
    }
    // What is stored in integers already is not to grow.
    return tensor.elements() < treatment.minimumElements() && graph.known(number).isEmpty()
        ? Optional.of(tooFew(tensor, treatment))
        : Optional.empty();
  }

  /** Why an operator cannot read the output of a DEQUANTIZE operator; empty if it can. */
  private String needsFloat(Operator operator, int place, OpRule rule) {
    if (rule.opaque()) {
      return operator.name() + " may take float32 constants only";
    }
    boolean biasOfIntegers =
        place == rule.bias()
            && rule.weights().stream()
                .map(operator::input)
                .anyMatch(w -> w >= 0 && graph.tensor(w).type() != TensorType.FLOAT32);
    // XNNPACK refuses the whole model otherwise.
    return biasOfIntegers ? "is a bias beside integer weights, which has to be a constant" : "";
  }

  /** A constant with the weights or the bias that an operator reads beside it. */
  List<Integer> together(int number) {
    Set<Integer> together = new TreeSet<>(Set.of(number));
    for (Reader reader : readers(number)) {
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
  List<Reader> able(int number) {
    List<Reader> able =
        readers(number).stream().filter(reader -> reader.objection().isEmpty()).toList();
    return able.stream()
        .filter(reader -> reader.treatment().mode() == able.get(0).treatment().mode())
        .toList();
  }

  /** How those are treated: with as many bits as one of them needs. */
  Treatment treatment(int number) {
    return able(number).stream()
        .map(Reader::treatment)
        .reduce((first, second) -> second.bits() > first.bits() ? second : first)
        .orElseThrow();
  }

  /** Names of the operators that read a tensor and are not among these, empty if there are none. */
  String others(int number, List<Reader> these) {
    return readers(number).stream()
        .filter(reader -> !these.contains(reader))
        .map(reader -> reader.node().name())
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
