package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Decides what every operator of a model computes with, and what every float32 constant is stored
 * as (specification sections 2 to 4). Constants in the bodies of control flow and in every subgraph
 * follow the same rules; constants that are already quantized are no float32 constants and stay as
 * they are.
 */
public final class Planner {
  /** More operators than these are told by kinds of reason. */
  private static final int SCREEN = 12;

  private final Model model;
  private final Recipe recipe;
  private final Ranges ranges;
  private final KnownEncodings known;
  private final List<TensorPlan> tensors = new ArrayList<>();
  private final List<OperatorPlan> operators = new ArrayList<>();
  private final List<ActivationPlan> activations = new ArrayList<>();
  private final List<IntegerPlanner> integers = new ArrayList<>();

  private Planner(Model model, Recipe recipe, Ranges ranges, KnownEncodings known) {
    this.model = model;
    this.recipe = recipe;
    this.ranges = ranges;
    this.known = known;
  }

  /** As {@link #plan(Model, Recipe, Ranges)}, with the ranges that calibration found. */
  public static Plan plan(Model model, Recipe recipe, Calibration calibration) {
    return plan(model, recipe, ranges(calibration));
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @throws NarrowException if the recipe's activations are integers: then ranges are needed
   */
  public static Plan plan(Model model, Recipe recipe) {
    if (recipe.needsRanges()) {
      throw NarrowException.input(recipe + ": needs the ranges of a calibration");
    }
    return plan(model, recipe, Ranges.NONE);
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @param ranges of activations, for recipes whose activations are integers; others ignore them
   * @throws NarrowException if the recipe is strict and an operator would stay float32, names an
   *     operator that has no kernel, or an input or output that is to be an integer has no range
   */
  public static Plan plan(Model model, Recipe recipe, Ranges ranges) {
    return plan(model, recipe, ranges, KnownEncodings.NONE);
  }

  /**
   * As {@link #plan(Model, Recipe, Ranges)}, with encodings that are known.
   *
   * @param known of activations and weights of the model, which stay what they are where a kernel
   *     takes them
   */
  public static Plan plan(Model model, Recipe recipe, Ranges ranges, KnownEncodings known) {
    if (!recipe.needsRanges()) {
      return new Planner(model, recipe, ranges, known).plan();
    }
    Masks masks = new Masks(new Gathering(model, recipe).model(), recipe, ranges);
    Lowering lowered = new Lowering(masks.model(), recipe, masks.ranges());
    return new Planner(lowered.model(), recipe, lowered.ranges(), known).plan();
  }

  /** The ranges that calibration found. */
  public static Ranges ranges(Calibration calibration) {
    return new Calibrated(calibration);
  }

  private record Calibrated(Calibration calibration) implements Ranges {
    @Override
    public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
      return calibration.range(subgraph, tensor, whole);
    }

    @Override
    public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
      return calibration.intermediate(subgraph, output, number, whole);
    }
  }

  private Plan plan() {
    List<String> problems = new ArrayList<>();
    Variables variables = new Variables(model);
    Losses losses = new Losses();
    for (int number = 0; number < model.subgraphs().size(); number++) {
      Graph graph = new Graph(model, number, recipe, ranges, known, variables);
      IntegerPlanner integer = new IntegerPlanner(graph);
      integers.add(integer);
      constants(graph, integer);
      activations.addAll(integer.activations(problems));
      losses.add(graph, integer.operators());
    }
    if (!problems.isEmpty()) {
      throw model.problem(Kind.UNSUPPORTED, String.join("; ", problems));
    }
    dropCopies();
    for (int subgraph = 0; subgraph < model.subgraphs().size(); subgraph++) {
      operators(subgraph);
    }
    if (recipe.strict()) {
      refuseFloat();
    }
    List<IntegerOperator> inIntegers =
        integers.stream().flatMap(integer -> integer.operators().stream()).toList();
    return new Plan(
        model,
        recipe,
        tensors,
        operators,
        activations,
        inIntegers,
        losses.all(),
        Reason.NONE,
        Reason.NONE);
  }

  private void constants(Graph graph, IntegerPlanner integer) {
    ConstantConsumers readers = new ConstantConsumers(graph, integer);
    List<ConstantPlanner> constants = new ArrayList<>();
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && graph.isConstant(i)) {
        constants.add(new ConstantPlanner(graph, i, readers, integer));
      }
    }
    LargestFirst.forEach(constants, ConstantPlanner::elements, ConstantPlanner::make);
    constants.forEach(constant -> tensors.add(constant.made()));
  }

  private void refuseFloat() {
    List<OperatorPlan> all =
        operators.stream().filter(operator -> operator.precision().computesFloat()).toList();
    String floats =
        all.size() <= SCREEN
            ? all.stream()
                .map(o -> o.name() + " (operator " + o.operator() + where(o) + "): " + o.reason())
                .collect(Collectors.joining("; "))
            : Warnings.floats(all).stream().map(Reason::text).collect(Collectors.joining("; "));
    if (!floats.isEmpty()) {
      throw model.problem(
          Kind.UNSUPPORTED, "strict, but these operators would stay float32: " + floats);
    }
  }

  private static String where(OperatorPlan operator) {
    return operator.subgraph() == 0 ? "" : " of subgraph " + operator.subgraph();
  }

  /**
   * Where a tensor of another subgraph needs the same buffer as float32, a smaller copy beside it
   * would only add to the file, unless a kernel is faster with it.
   */
  private void dropCopies() {
    for (boolean dropped = true; dropped; ) {
      dropped = false;
      Set<Integer> kept = new HashSet<>();
      for (TensorPlan plan : tensors) {
        if (plan.isFloat()) {
          kept.add(buffer(plan));
        }
      }
      for (int i = 0; i < tensors.size(); i++) {
        TensorPlan plan = tensors.get(i);
        if (isCopy(plan) && kept.contains(buffer(plan))) {
          Reason reason =
              Reason.of(Code.NEEDED_AS_FLOAT, "another tensor needs the same buffer as float32");
          tensors.set(i, TensorPlan.stays(plan.subgraph(), plan.tensor(), tensor(plan), reason));
          dropped = true;
        }
      }
    }
  }

  private static boolean isCopy(TensorPlan plan) {
    return plan.use() == Use.DEQUANTIZED || plan.use() == Use.ROWS;
  }

  private int buffer(TensorPlan plan) {
    return tensor(plan).buffer();
  }

  private Tensor tensor(TensorPlan plan) {
    return model.subgraphs().get(plan.subgraph()).tensor(plan.tensor());
  }

  private void operators(int number) {
    Map<Integer, TensorPlan> plans = new HashMap<>();
    for (TensorPlan plan : tensors) {
      if (plan.subgraph() == number) {
        plans.put(plan.tensor(), plan);
      }
    }
    Subgraph subgraph = model.subgraphs().get(number);
    for (int i = 0; i < subgraph.operators().size(); i++) {
      operators.add(operator(number, i, subgraph, plans));
    }
  }

  private OperatorPlan operator(
      int subgraph, int number, Subgraph graph, Map<Integer, TensorPlan> plans) {
    Operator operator = graph.operators().get(number);
    IntegerPlanner integer = integers.get(subgraph);
    Precision precision = Precision.OTHER;
    Reason reason = Reason.NONE;
    OpRule rule = OpRules.of(operator.name());
    if (integer.isInteger(number)) {
      precision = Precision.INTEGER;
      reason = integer.note(number);
    } else if (rule.converts()) {
      precision = Precision.CONVERSION;
    } else if (rule.call().isPresent()) {
      precision = Precision.CALL;
    } else if (touchesFloat(graph, operator)) {
      precision = Precision.FLOAT32;
      reason = integer.objection(number);
    }
    boolean keepsFloat = integer.configuration(number).mode() == Mode.FLOAT32;
    boolean couldNot = recipe.needsRanges() && !reason.isEmpty();
    for (int place = 0; place < operator.inputs().length; place++) {
      TensorPlan plan = plans.get(operator.input(place));
      if (plan == null || precision == Precision.INTEGER) {
        continue;
      }
      if (plan.isFloat()) {
        if (rule.weights().contains(place)
            && precision == Precision.FLOAT32
            && !keepsFloat
            && !couldNot) {
          String before = "`" + plan.name() + "` stays float32: ";
          reason = new Reason(plan.reason().code(), before + plan.reason(), List.of(plan.name()));
        }
      } else if (plan.use() == Use.DEQUANTIZED || plan.readers().contains(number)) {
        precision = plan.use() == Use.DIRECT ? Precision.HYBRID : Precision.STORED;
        // How its weights are stored is said with them.
        reason = couldNot ? reason : stored(plan, integer.note(number));
      }
    }
    return new OperatorPlan(subgraph, number, operator.name(), precision, reason);
  }

  private static Reason stored(TensorPlan plan, Reason note) {
    Code code = note.isEmpty() ? plan.reason().code() : note.code();
    String text = "`" + plan.name() + "`: " + plan.reason();
    return new Reason(code, note.isEmpty() ? text : text + "; " + note, List.of(plan.name()));
  }

  private static boolean touchesFloat(Subgraph graph, Operator operator) {
    return IntStream.concat(IntStream.of(operator.inputs()), IntStream.of(operator.outputs()))
        .anyMatch(tensor -> tensor >= 0 && graph.tensor(tensor).type() == TensorType.FLOAT32);
  }
}
