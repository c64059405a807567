package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which operators of a subgraph read which tensor, and whether they could read it quantized. */
final class Readers {
  /**
   * An operator that reads a tensor.
   *
   * @param operator number of the operator
   * @param place place of the tensor among its inputs
   * @param node the operator
   * @param rule its row in the operator table, or a row without weights
   * @param objection why it cannot read the tensor quantized, empty if it can
   */
  record Reader(int operator, int place, Operator node, OpRule rule, String objection) {
    int axis(Tensor tensor) {
      return rule.axis().of(node, tensor);
    }
  }

  private final Model model;
  private final Subgraph subgraph;
  private final Recipe recipe;
  private final Map<Integer, List<Reader>> readers = new HashMap<>();
  private final Set<Integer> outputs = new HashSet<>();

  Readers(Model model, Subgraph subgraph, Recipe recipe) {
    this.model = model;
    this.subgraph = subgraph;
    this.recipe = recipe;
    for (int output : subgraph.outputs()) {
      outputs.add(output);
    }
    for (int i = 0; i < subgraph.operators().size(); i++) {
      Operator operator = subgraph.operators().get(i);
      Optional<OpRule> rule = OpRules.of(operator.name());
      String objection = rule.map(r -> objection(r, operator)).orElse("");
      for (int place = 0; place < operator.inputs().length; place++) {
        if (operator.input(place) >= 0) {
          readers
              .computeIfAbsent(operator.input(place), t -> new ArrayList<>())
              .add(reader(i, place, operator, rule, objection));
        }
      }
    }
  }

  private Reader reader(
      int number, int place, Operator operator, Optional<OpRule> rule, String objection) {
    String why = objection;
    if (rule.isEmpty()) {
      why = operator.name() + " has no kernel for quantized constants beside float32 inputs";
    } else if (place == rule.get().bias()) {
      why = operator.name() + " reads it as bias, which stays float32";
    } else if (!rule.get().weights().contains(place)) {
      why = operator.name() + " does not read it as a weight";
    } else if (!why.isEmpty()) {
      why = operator.name() + ": " + why;
    }
    return new Reader(number, place, operator, rule.orElse(OpRules.NO_WEIGHTS), why);
  }

  private String objection(OpRule rule, Operator operator) {
    String objection = rule.objection(subgraph, operator);
    if (!objection.isEmpty() || !rule.together()) {
      return objection;
    }
    for (int place : rule.weights()) {
      if (operator.input(place) < 0) {
        continue;
      }
      Tensor weight = subgraph.tensor(operator.input(place));
      if (!isFloatConstant(operator.input(place))) {
        return together(weight, "is no float32 constant");
      }
      if (weight.elements() < recipe.minimumElements()) {
        return together(weight, "has " + tooFew(weight.elements()));
      }
      if (!WeightScales.finite(model.contents(weight))) {
        return together(weight, "holds NaN or infinity");
      }
    }
    return "";
  }

  private static String together(Tensor weight, String what) {
    return "its weights are quantized together, and `" + weight.name() + "` " + what;
  }

  private String tooFew(long elements) {
    return elements + " elements, fewer than " + recipe.minimumElements();
  }

  /** Why a constant has to stay as it is, before its values are looked at. */
  Optional<String> objection(int number, Tensor tensor) {
    if (tensor.isEncoded()) {
      return Optional.of("is sparse or lies in another file");
    }
    if (outputs.contains(number)) {
      return Optional.of("is an output of the model");
    }
    List<Reader> all = readers.getOrDefault(number, List.of());
    if (all.isEmpty()) {
      return Optional.of("no operator reads it");
    }
    if (recipe.mode() == Recipe.Mode.FLOAT16) {
      return all.stream().map(this::needsFloat).filter(why -> !why.isEmpty()).findFirst();
    }
    if (asWeight(number).isEmpty()) {
      return Optional.of(all.get(0).objection());
    }
    return tensor.elements() < recipe.minimumElements()
        ? Optional.of(tooFew(tensor.elements()))
        : Optional.empty();
  }

  /** Why an operator cannot read the output of a DEQUANTIZE operator; empty if it can. */
  private String needsFloat(Reader reader) {
    if (reader.node().name().startsWith("CUSTOM:")) {
      return reader.node().name() + " may take float32 constants only";
    }
    boolean biasOfIntegers =
        reader.place() == reader.rule().bias()
            && reader.rule().weights().stream()
                .map(reader.node()::input)
                .anyMatch(w -> w >= 0 && subgraph.tensor(w).type() != TensorType.FLOAT32);
    // XNNPACK refuses the whole model otherwise.
    return biasOfIntegers ? "is a bias beside integer weights, which has to be a constant" : "";
  }

  /** A constant with the weights or the bias that an operator reads beside it. */
  List<Integer> together(int number) {
    Set<Integer> together = new TreeSet<>(Set.of(number));
    for (Reader reader : readers.getOrDefault(number, List.of())) {
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
    Tensor tensor = subgraph.tensor(number);
    return tensor.type() == TensorType.FLOAT32
        && model.isConstant(tensor)
        && !tensor.isEncoded()
        && !outputs.contains(number);
  }

  /** The operators that can read a tensor quantized. */
  List<Reader> asWeight(int number) {
    return readers.getOrDefault(number, List.of()).stream()
        .filter(reader -> reader.objection().isEmpty())
        .toList();
  }

  /** The type that all operators that can read a tensor quantized have a kernel for. */
  TensorType type(int number) {
    TensorType wanted = recipe.weightType();
    return asWeight(number).stream().allMatch(r -> r.rule().kernel(wanted).isPresent())
        ? wanted
        : TensorType.INT8;
  }

  /** Names of the operators that read a tensor and are not among these, empty if there are none. */
  String others(int number, List<Reader> these) {
    return readers.getOrDefault(number, List.of()).stream()
        .filter(reader -> !these.contains(reader))
        .map(reader -> reader.node().name())
        .distinct()
        .collect(Collectors.joining(", "));
  }
}
