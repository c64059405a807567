package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Plans integer activations (specification section 3): the operators of the main subgraph that have
 * a kernel compute in integers, all others stay float32 between DEQUANTIZE and QUANTIZE.
 */
final class IntegerPlanner {
  private static final Set<String> CONVERSIONS = Set.of("QUANTIZE", "DEQUANTIZE");
  private static final String OTHER_SUBGRAPH =
      "only the main subgraph computes in integers, this one stays float32";

  private final Model model;
  private final Recipe recipe;
  private final Subgraph main;
  private final IntegerSupport support;
  private final IntegerScales scales;
  private final Map<Integer, IntegerOperator> integers = new TreeMap<>();
  private final Map<Integer, Integer> producers = new HashMap<>();
  private final Map<Integer, List<Integer>> readers = new HashMap<>();

  private IntegerPlanner(Model model, Recipe recipe, Ranges ranges) {
    TensorType type = recipe.activationType();
    boolean integerBoundary =
        recipe.inputType() != TensorType.FLOAT32 || recipe.outputType() != TensorType.FLOAT32;
    this.model = model;
    this.recipe = recipe;
    this.main = model.subgraphs().get(0);
    this.support = new IntegerSupport(model, ranges, type, integerBoundary);
    this.scales = new IntegerScales(model, support, type);
    for (int i = 0; i < main.operators().size(); i++) {
      Operator operator = main.operators().get(i);
      for (int tensor : operator.outputs()) {
        producers.put(tensor, i);
      }
      for (int tensor : operator.inputs()) {
        readers.computeIfAbsent(tensor, t -> new ArrayList<>()).add(i);
      }
      if (support.objection(i).isEmpty()) {
        integers.put(i, scales.operator(i));
      }
    }
  }

  static Plan plan(Model model, Recipe recipe, Ranges ranges) {
    IntegerPlanner planner = new IntegerPlanner(model, recipe, ranges);
    List<OperatorPlan> operators = planner.operators();
    if (recipe.strict()) {
      planner.refuseFloat(operators);
    }
    return new Plan(
        model,
        recipe,
        planner.constants(),
        operators,
        planner.activations(),
        List.copyOf(planner.integers.values()));
  }

  private void refuseFloat(List<OperatorPlan> operators) {
    String floats =
        operators.stream()
            .filter(operator -> operator.precision() == Precision.FLOAT32)
            .map(o -> o.name() + " (operator " + o.operator() + where(o) + "): " + o.reason())
            .collect(Collectors.joining("; "));
    if (!floats.isEmpty()) {
      throw model.problem(
          Kind.UNSUPPORTED, "--strict, but these operators would stay float32: " + floats);
    }
  }

  private static String where(OperatorPlan operator) {
    return operator.subgraph() == 0 ? "" : " of subgraph " + operator.subgraph();
  }

  private List<OperatorPlan> operators() {
    List<OperatorPlan> plans = new ArrayList<>();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      Subgraph subgraph = model.subgraphs().get(s);
      for (int i = 0; i < subgraph.operators().size(); i++) {
        Operator operator = subgraph.operators().get(i);
        Precision precision =
            s == 0 && integers.containsKey(i)
                ? Precision.INTEGER
                : CONVERSIONS.contains(operator.name())
                    ? Precision.CONVERSION
                    : readsOrWritesFloat(subgraph, operator) ? Precision.FLOAT32 : Precision.OTHER;
        String reason =
            precision != Precision.FLOAT32 ? "" : s == 0 ? support.objection(i) : OTHER_SUBGRAPH;
        plans.add(new OperatorPlan(s, i, operator.name(), precision, reason));
      }
    }
    return plans;
  }

  private static boolean readsOrWritesFloat(Subgraph subgraph, Operator operator) {
    Set<Integer> tensors = new LinkedHashSet<>();
    for (int tensor : operator.inputs()) {
      tensors.add(tensor);
    }
    for (int tensor : operator.outputs()) {
      tensors.add(tensor);
    }
    return tensors.stream()
        .anyMatch(t -> t >= 0 && subgraph.tensor(t).type() == TensorType.FLOAT32);
  }

  private List<ActivationPlan> activations() {
    List<ActivationPlan> plans = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    Set<Integer> inputs = set(main.inputs());
    Set<Integer> outputs = set(main.outputs());
    for (int i = 0; i < main.tensors().size(); i++) {
      if (support.isFloat(i) && !support.isConstant(i)) {
        plans.add(activation(i, inputs.contains(i), outputs.contains(i), problems));
      }
    }
    if (!problems.isEmpty()) {
      throw model.problem(Kind.UNSUPPORTED, String.join("; ", problems));
    }
    return plans;
  }

  private ActivationPlan activation(
      int number, boolean input, boolean output, List<String> problems) {
    String name = main.tensor(number).name();
    Encoding produced = Encoding.FLOAT;
    String reason;
    Integer producer = producers.get(number);
    if (input) {
      produced = boundary(number, recipe.inputType(), "--input-type", problems);
      reason = "is an input of the model, " + produced.type() + " as asked";
      return new ActivationPlan(0, number, name, produced, produced, reason);
    }
    if (producer == null) {
      reason =
          main.tensor(number).isVariable() ? "keeps state from run to run" : "nothing writes it";
    } else if (integers.containsKey(producer)) {
      produced = scales.encoding(number);
      reason = scales.reason(number);
    } else {
      reason =
          main.operators().get(producer).name()
              + " computes it as float32: "
              + support.objection(producer);
    }
    Encoding stored =
        output ? boundary(number, recipe.outputType(), "--output-type", problems) : produced;
    if (output) {
      reason += "; is an output of the model, " + stored.type() + " as asked";
    }
    return new ActivationPlan(0, number, name, produced, stored, reason);
  }

  private Encoding boundary(int number, TensorType type, String option, List<String> problems) {
    if (type == TensorType.FLOAT32) {
      return Encoding.FLOAT;
    }
    if (!scales.has(number)) {
      problems.add(
          option
              + " "
              + type
              + ": calibration saw no value of `"
              + main.tensor(number).name()
              + "`");
      return Encoding.FLOAT;
    }
    Encoding inside = scales.encoding(number);
    return type == TensorType.UINT8 ? inside.unsigned() : inside;
  }

  private List<TensorPlan> constants() {
    List<TensorPlan> plans = new ArrayList<>();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      Subgraph subgraph = model.subgraphs().get(s);
      for (int i = 0; i < subgraph.tensors().size(); i++) {
        Tensor tensor = subgraph.tensor(i);
        if (tensor.type() == TensorType.FLOAT32 && model.isConstant(tensor)) {
          plans.add(s == 0 ? constant(i, tensor) : TensorPlan.stays(s, i, tensor, OTHER_SUBGRAPH));
        }
      }
    }
    return plans;
  }

  private TensorPlan constant(int number, Tensor tensor) {
    Set<Encoding> encodings = new LinkedHashSet<>();
    List<Integer> by = new ArrayList<>();
    Set<String> floats = new LinkedHashSet<>();
    for (int reader : readers.getOrDefault(number, List.of())) {
      IntegerOperator integer = integers.get(reader);
      if (integer == null) {
        Operator operator = main.operators().get(reader);
        floats.add(operator.name() + " stays float32: " + support.objection(reader));
        continue;
      }
      by.add(reader);
      int[] inputs = main.operators().get(reader).inputs();
      for (int place = 0; place < inputs.length; place++) {
        if (inputs[place] == number) {
          encodings.add(integer.inputs().get(place));
        }
      }
    }
    if (encodings.isEmpty()) {
      return TensorPlan.stays(
          0, number, tensor, floats.isEmpty() ? "no operator reads it" : String.join("; ", floats));
    }
    Encoding first = encodings.iterator().next();
    String reason =
        first
            + (encodings.size() == 1 ? "" : "; " + encodings.size() + " copies of other scales")
            + (floats.isEmpty() ? "" : "; a float32 copy, as " + String.join("; ", floats));
    return new TensorPlan(
        0,
        number,
        tensor.name(),
        tensor.elements(),
        first.type(),
        first.axis(),
        first.scales(),
        Use.DIRECT,
        by.stream().distinct().toList(),
        reason);
  }

  private static Set<Integer> set(int[] numbers) {
    Set<Integer> set = new LinkedHashSet<>();
    for (int number : numbers) {
      set.add(number);
    }
    return set;
  }

  /** What to say to a recipe that needs calibration and got none. */
  static NarrowException uncalibrated(Recipe recipe) {
    return NarrowException.input("--mode " + recipe.mode() + " needs --calibrate DATA");
  }
}
