package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/** Finds which tensors share a scale, and what range each group of them has. */
final class ScaleSolver {
  /** An operand whose own range is this much narrower than that of the group gets a requantize. */
  static final double DEAR = 2;

  /** Fillers like -3.4e38 only mark what a later maximum or softmax ignores: they are clamped. */
  private static final float FILLER = 1e30f;

  /** How many times finer than a product of input and weight steps a result may be. */
  private static final float FINEST = 128;

  /** Steps of an operand of a sum in those of its result, at least and less than. */
  private static final float LEAST_ADDED = 0x1p-10f;

  private static final float MOST_ADDED = 0x1p8f;

  private static final Reason FIXED = Reason.of(Code.QUANTIZED, "fixed by its kernel");

  private final Graph graph;
  private final IntegerSupport support;
  private final IntegerWeights weights;
  private final ScaleGroups groups;

  private ScaleSolver(Graph graph, IntegerSupport support, IntegerWeights weights) {
    this.graph = graph;
    this.support = support;
    this.weights = weights;
    this.groups = new ScaleGroups(graph.subgraph().tensors().size());
  }

  /**
   * The groups of tensors that share a scale.
   *
   * @param support the operators that compute in integers
   */
  static ScaleGroups solve(Graph graph, IntegerSupport support, IntegerWeights weights) {
    ScaleSolver solver = new ScaleSolver(graph, support, weights);
    solver.includeWhatWasSeen();
    solver.forEachInteger(solver::group);
    solver.forEachInteger(solver::includeRanked);
    solver.clampToWhatIsUsed();
    solver.forEachInteger(solver::widen);
    solver.forEachInteger(solver::widen); // for inputs whose group grew after them
    return solver.groups;
  }

  private void includeWhatWasSeen() {
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && !graph.isConstant(i)) {
        include(i, i);
      }
    }
  }

  private void forEachInteger(IntConsumer action) {
    for (int i = 0; i < graph.operators(); i++) {
      if (support.objection(i).isEmpty()) {
        action.accept(i);
      }
    }
  }

  /** What is ranked counts with all its values, and not only those that a best range keeps. */
  private void includeRanked(int number) {
    int operand = graph.operator(number).input(0);
    if (graph.rule(number).ranks()) {
      graph.seen(operand).ifPresent(r -> groups.include(operand, r.min(), r.max()));
    }
  }

  /** Widens the range of a tensor's group by what was seen of another. */
  private void include(int tensor, int other) {
    graph
        .range(other, support.written(other))
        .ifPresent(r -> groups.include(tensor, r.min(), r.max()));
  }

  private void group(int number) {
    Operator operator = graph.operator(number);
    IntegerRule rule = graph.rule(number);
    TensorType type = support.type(number);
    List<Integer> results = new ArrayList<>();
    for (int place = 0; place < operator.outputs().length; place++) {
      if (rule.writes(place)) {
        results.add(operator.outputs()[place]);
      }
    }
    if (rule.scales().fixed()) {
      Encoding fixed = Encoding.of(type, rule.scales().scale(type), rule.scales().zeroPoint(type));
      results.forEach(result -> groups.fix(result, fixed, FIXED));
    } else if (rule.scales().same()) {
      share(operator, rule, type, results);
    } else if (rule.scales() == Scales.CLAMP && clampedAlone(operator.input(0), type)) {
      takeRange(operator.input(0), results.get(0));
    } else if (rule.scales() == Scales.COMPARE) {
      compare(operator, type);
    } else if (rule.scales() == Scales.VARIABLE
        && !graph.variables().begins(graph.number(), number)) {
      shareWithVariable(operator, graph.held(number), type);
    } else if (rule.scales() == Scales.LSTM) {
      shareWithState(new Lstm(operator), results.get(0));
    } else if (rule.scales() == Scales.SVDF) {
      // Its RELU is that there are no codes below 0, so that no range may be shared that has some.
      int result = results.get(0);
      Reason reason =
          Reason.of(
              Code.QUANTIZED,
              groups.range(result) + ", not widened: the lowest code is the kernel's RELU");
      groups.fix(result, groups.encoding(result, type), reason);
    }
  }

  private void share(Operator operator, IntegerRule rule, TensorType type, List<Integer> results) {
    List<Integer> computed = new ArrayList<>();
    List<Integer> constants = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      if (rule.reads(place) && tensor >= 0) {
        (graph.isConstant(tensor) ? constants : computed).add(tensor);
      }
    }
    int result = results.get(0);
    if (computed.size() == 1 && constants.isEmpty() && support.written(computed.get(0)) == type) {
      int operand = computed.get(0);
      // What is quantized anyway can be quantized for each reader as that needs it.
      boolean apart = isHeldAsFloat(operand) && groups.span(operand) > DEAR * groups.span(result);
      results.forEach(each -> groups.join(apart ? result : operand, each));
      return;
    }
    results.forEach(each -> groups.join(result, each));
    if (rule.fills()) {
      groups.forget(result); // what it pads with may be a filler: operand and constant say it all
    }
    if (rule.scales() == Scales.BOUND) {
      for (int tensor : List.copyOf(computed)) {
        if (clampedAlone(tensor, type)) {
          takeRange(tensor, result);
          computed.remove((Integer) tensor);
        }
      }
    }
    computed.forEach(tensor -> include(result, tensor));
    if (rule.scales() != Scales.BOUND) {
      constants.forEach(tensor -> includeConstant(result, tensor));
    }
    for (int tensor : computed) {
      if (support.written(tensor) == type && cheap(tensor, result)) {
        groups.join(result, tensor);
      }
    }
  }

  /**
   * Whether nothing but an operator that clamps it reads a tensor: then what lies beyond the range
   * of the result need not be told apart, and its step can be that of the result.
   */
  private boolean clampedAlone(int tensor, TensorType type) {
    return graph.readers(tensor).size() == 1
        && !graph.isOutput(tensor)
        && graph.producer(tensor).isPresent()
        && support.written(tensor) == type
        && groups.isAlone(tensor)
        && !groups.isFixed(tensor);
  }

  private boolean isHeldAsFloat(int tensor) {
    return graph.isInput(tensor)
        ? graph.recipe().inputType() == TensorType.FLOAT32
        : graph.producer(tensor).map(support::type).orElse(TensorType.FLOAT32)
            == TensorType.FLOAT32;
  }

  private void takeRange(int tensor, int result) {
    groups.forget(tensor);
    groups.join(result, tensor);
  }

  /** Whether an operand loses little by the scale of the result, so that it needs no requantize. */
  private boolean cheap(int tensor, int result) {
    double own = groups.span(tensor);
    double shared = groups.span(result);
    return !groups.isFixed(tensor) && shared <= DEAR * own && own <= DEAR * shared;
  }

  private void includeConstant(int result, int constant) {
    float[] range = IntegerWeights.range(graph.contents(constant));
    if (Math.abs(range[0]) < FILLER && Math.abs(range[1]) < FILLER) {
      groups.include(result, range[0], range[1]);
    }
  }

  private void shareWithVariable(Operator operator, int held, TensorType type) {
    int value = Variables.value(operator);
    if (operator.outputs().length > 0) {
      groups.join(held, value);
    } else if (graph.isConstant(value)) {
      includeConstant(held, value);
    } else {
      include(held, value);
      if (support.written(value) == type && cheap(value, held)) {
        groups.join(held, value);
      }
    }
  }

  /** Equal values have equal codes where the operands share a scale. */
  private void compare(Operator operator, TensorType type) {
    int first = operator.input(0);
    int second = operator.input(1);
    if (graph.isConstant(first) || graph.isConstant(second)) {
      int computed = graph.isConstant(first) ? second : first;
      FloatRange own = groups.bounds(computed);
      FloatRange range =
          IntegerWeights.near(
              graph.contents(graph.isConstant(first) ? first : second), own.min(), own.max());
      groups.include(computed, range.min(), range.max());
    } else if (support.written(first) == type
        && support.written(second) == type
        && cheap(first, second)
        && !groups.isFixed(second)) {
      groups.join(first, second);
    }
  }

  private void shareWithState(Lstm lstm, int result) {
    groups.join(result, lstm.tensor(Lstm.OUTPUT_STATE));
    if (lstm.hasProjection() && lstm.operator().realOption("proj_clip") > 0) {
      // The kernel clips codes, as if 0 always stood for 0.
      FloatRange range = graph.range(result, TensorType.INT8).orElseThrow();
      groups.fix(
          result,
          Encoding.symmetric(TensorType.INT8, range.min(), range.max(), Byte.MAX_VALUE),
          Reason.of(Code.QUANTIZED, groups.range(result) + ", symmetric: the kernel clips codes"));
    }
  }

  /**
   * Values beyond what any reader tells apart get no codes: the gates of an LSTM see nothing beyond
   * 8, whatever is added up before them.
   */
  private void clampToWhatIsUsed() {
    Map<Integer, FloatRange> used = new HashMap<>(); // by group
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && !graph.isConstant(i)) {
        FloatRange whole = IntegerRule.EVERYTHING;
        boolean seenWhole = graph.isOutput(i) || support.written(i) != TensorType.INT8;
        FloatRange range = seenWhole ? whole : FloatRange.EMPTY;
        for (Subgraph.Reader reader : graph.readers(i)) {
          range = range.merge(used(i, reader.operator()));
        }
        used.merge(groups.group(i), range, FloatRange::merge);
      }
    }
    used.forEach(
        (group, range) -> {
          if (!range.isEmpty()) {
            groups.clamp(group, range.min(), range.max());
          }
        });
  }

  /** What an operator tells apart of a tensor's values, apart from what its result passes on. */
  private FloatRange used(int tensor, int number) {
    Operator operator = graph.operator(number);
    if (!support.objection(number).isEmpty()) {
      return IntegerRule.EVERYTHING;
    }
    boolean passesOn =
        graph.rule(number).scales().same()
            && groups.group(operator.outputs()[0]) == groups.group(tensor);
    return passesOn ? FloatRange.EMPTY : graph.rule(number).useful();
  }

  /**
   * The step of a sum of products is that of input times weights: a result much finer than it says
   * nothing more, and XNNPACK refuses a model where it is 256 times finer.
   */
  private void widen(int number) {
    Operator operator = graph.operator(number);
    IntegerRule rule = graph.rule(number);
    TensorType type = support.type(number);
    if (rule.scales() != Scales.WEIGHTS) {
      if (rule.limits(type).finest() == 0
          && OpRules.of(operator.name()).adds()
          && graph.configurations().of(number).preference() == Preference.SPEED) {
        balance(operator, type);
      }
      if (rule.scales() != Scales.COMPARE && rule.limits(type).finest() > 0) {
        coarsen(operator, rule.limits(type).finest());
      }
      return;
    }
    Encoding input = groups.encoding(operator.input(rule.inputs().iterator().next()), type);
    float step = 0;
    for (float scale : weights.encode(number, input, 0).weights().scales()) {
      step = Math.max(step, input.scale() * scale / FINEST);
    }
    int result = operator.outputs()[0];
    Encoding output = groups.encoding(result, type);
    if (output.scale() < step) {
      float span = step * (type == TensorType.INT16 ? Short.MAX_VALUE : 255);
      boolean positive = output.zeroPoint() == Byte.MIN_VALUE;
      float low = positive || type == TensorType.INT16 ? 0 : -span / 2;
      groups.include(result, low, low + span);
    }
  }

  /**
   * Lets XNNPACK take a sum, which wants steps of operands that are 2^-10 to 2^8 of those of the
   * result: what is finer or coarser says nothing more.
   */
  private void balance(Operator operator, TensorType type) {
    int result = operator.outputs()[0];
    for (int tensor : operator.inputs()) {
      if (!graph.isConstant(tensor)) {
        float least = groups.encoding(result, type).scale() * LEAST_ADDED;
        raise(tensor, type, least);
        raise(result, type, groups.encoding(tensor, type).scale() / MOST_ADDED);
      }
    }
  }

  /** Widens the range of a tensor's group until its step is at least this. */
  private void raise(int tensor, TensorType type, float step) {
    Encoding before = groups.encoding(tensor, type);
    if (before.scale() < step && !groups.isFixed(tensor)) {
      float span = step * 256 * (type == TensorType.INT16 ? 256 : 1);
      float low = before.lowest() < 0 ? -span / 2 : 0;
      groups.include(tensor, low, low + span);
    }
  }

  /** Gives the operand of a function of differences a scale that its kernel tells from 0. */
  private void coarsen(Operator operator, double finest) {
    double span = 256 * finest / steepness(operator);
    groups.include(operator.input(0), 0, (float) span);
  }

  /** What a softmax multiplies its operand with. */
  static double steepness(Operator operator) {
    return operator.hasOption("beta") ? operator.realOption("beta") : 1;
  }
}
