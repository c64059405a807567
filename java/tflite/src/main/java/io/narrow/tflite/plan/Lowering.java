package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Expression;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Function;

/**
 * Puts operators that have integer kernels in the place of such as have none and compute the same.
 * Tensors of the model keep their numbers; the range of what is new follows from those of the
 * operands.
 */
final class Lowering {
  /** What the operators in expressions compute, monotone in each of their operands. */
  private static final Map<String, DoubleBinaryOperator> FUNCTIONS =
      Map.of(
          "ADD", (a, b) -> a + b,
          "SUB", (a, b) -> a - b,
          "MUL", (a, b) -> a * b,
          "MINIMUM", Math::min,
          "MAXIMUM", Math::max,
          "EXP", (a, b) -> Math.exp(a),
          "RELU", (a, b) -> Math.max(a, 0),
          "RELU6", (a, b) -> Math.min(Math.max(a, 0), 6));

  /** A divisor of fewer steps is not worth the name. */
  private static final int FEWEST_STEPS = 2;

  private final Model model;
  private final Recipe recipe;
  private final Ranges ranges;
  private final Draft draft;
  private final Map<Place, FloatRange> computed = new HashMap<>();
  private final Map<Float, Integer> constants = new HashMap<>(); // buffers
  private boolean changed;

  Lowering(Model model, Recipe recipe, Ranges ranges) {
    this.model = model;
    this.recipe = recipe;
    this.ranges = ranges;
    this.draft = new Draft(model);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph graph = model.subgraphs().get(i);
      Function<Operator, Optional<RecipeRule>> rules = recipe.lastRule(graph);
      for (int number = 0; number < graph.operators().size(); number++) {
        lower(i, number, graph.operators().get(number), rules);
      }
    }
  }

  /** The model, which may be the same as before. */
  Model model() {
    return changed ? draft.finish() : model;
  }

  /** The ranges of its tensors. */
  Ranges ranges() {
    return ranges.with(computed);
  }

  private void lower(
      int subgraph, int number, Operator operator, Function<Operator, Optional<RecipeRule>> rules) {
    Subgraph graph = model.subgraphs().get(subgraph);
    if (operator.input(0) < 0
        || operator.outputs().length != 1
        || !isFloat(graph, operator.outputs()[0])) {
      return;
    }
    TensorType operand = graph.tensor(operator.input(0)).type();
    for (TensorType type : List.of(TensorType.INT8, TensorType.INT16)) {
      OpRules.of(operator.name())
          .instead(type, operand)
          .or(() -> guarded(subgraph, operator, type))
          .filter(expression -> rules.apply(operator).filter(r -> wants(r, type)).isPresent())
          .filter(expression -> isKnown(subgraph, operator, expression))
          .ifPresent(expression -> replace(subgraph, number, operator, expression));
    }
  }

  /** What computes the same where a divisor is nowhere nearer to 0 than some steps. */
  private Optional<Expression> guarded(int subgraph, Operator operator, TensorType type) {
    Subgraph graph = model.subgraphs().get(subgraph);
    int second = operator.input(1);
    if (second < 0 || model.isConstant(graph.tensor(second))) {
      return Optional.empty();
    }
    float codes = (1 << type.bits() - (type == TensorType.INT16 ? 1 : 0)) - 1;
    return operand(subgraph, second)
        .filter(range -> range.min() / 2 >= FEWEST_STEPS * range.max() / codes)
        .flatMap(range -> OpRules.of(operator.name()).guarded(range.min() / 2));
  }

  /** Whether a rule wants activations of a type, without naming the operator. */
  private static boolean wants(RecipeRule rule, TensorType type) {
    return rule.wantsIntegers() && rule.configuration().mode().activation() == type;
  }

  private static boolean isFloat(Subgraph graph, int tensor) {
    return graph.tensor(tensor).type() == TensorType.FLOAT32;
  }

  /** Whether the ranges of what is new can be told. */
  private boolean isKnown(int subgraph, Operator operator, Expression expression) {
    return expression.arguments().stream()
        .allMatch(
            each ->
                each.isConstant()
                    || each.place() >= 0
                        && !isFloat(model.subgraphs().get(subgraph), operator.input(each.place()))
                    || range(subgraph, operator, each).isPresent());
  }

  private Optional<FloatRange> range(int subgraph, Operator operator, Expression expression) {
    if (expression.isConstant()) {
      return Optional.of(new FloatRange(expression.value(), expression.value(), 0, 0));
    }
    if (expression.place() >= 0) {
      return operand(subgraph, operator.input(expression.place()));
    }
    List<FloatRange> all = new ArrayList<>();
    for (Expression each : expression.arguments()) {
      range(subgraph, operator, each).ifPresent(all::add);
    }
    return all.size() == expression.arguments().size()
        ? Optional.of(corners(FUNCTIONS.get(expression.operator()), all))
        : Optional.empty();
  }

  private Optional<FloatRange> operand(int subgraph, int number) {
    Tensor tensor = number < 0 ? null : model.subgraphs().get(subgraph).tensor(number);
    if (tensor == null || tensor.type() != TensorType.FLOAT32 || tensor.isEncoded()) {
      return Optional.empty();
    }
    if (!model.isConstant(tensor)) {
      return ranges
          .range(subgraph, number, true)
          .filter(range -> !range.isEmpty() && range.nans() == 0 && range.infinities() == 0);
    }
    float[] range = IntegerWeights.range(model.contents(tensor));
    return Optional.of(new FloatRange(range[0], range[1], 0, 0));
  }

  private static FloatRange corners(DoubleBinaryOperator function, List<FloatRange> operands) {
    FloatRange first = operands.get(0);
    FloatRange second = operands.get(operands.size() - 1);
    FloatRange all = FloatRange.EMPTY;
    for (float a : new float[] {first.min(), first.max()}) {
      for (float b : new float[] {second.min(), second.max()}) {
        float value = (float) function.applyAsDouble(a, b);
        all = all.merge(new FloatRange(value, value, 0, 0));
      }
    }
    return all;
  }

  private void replace(int subgraph, int number, Operator operator, Expression expression) {
    changed = true;
    Map<Expression, Integer> known = new HashMap<>();
    List<Operator> steps = new ArrayList<>();
    List<Integer> arguments = new ArrayList<>();
    for (Expression each : expression.arguments()) {
      arguments.add(tensor(subgraph, operator, each, known, steps));
    }
    if (expression.operator().equals("MUL") && arguments.get(0).equals(arguments.get(1))) {
      operand(subgraph, operator.outputs()[0])
          .ifPresent(square -> boundByRoot(new Place(subgraph, arguments.get(0)), square));
    }
    steps.add(step(expression.operator(), arguments, operator.outputs()[0]));
    draft.graph(subgraph).replace(number, steps.get(0));
    steps.subList(1, steps.size()).forEach(step -> draft.graph(subgraph).addAfter(number, step));
  }

  /** What is squared reaches no farther than the root of what was seen of the square. */
  private void boundByRoot(Place squared, FloatRange square) {
    float root = (float) Math.sqrt(Math.max(0, square.max()));
    computed.computeIfPresent(
        squared,
        (place, range) ->
            new FloatRange(Math.max(range.min(), -root), Math.min(range.max(), root), 0, 0));
  }

  private static Operator step(String name, List<Integer> inputs, int output) {
    return Operator.of(
        name, 1, inputs.stream().mapToInt(Integer::intValue).toArray(), new int[] {output});
  }

  /** Number of the tensor that holds a part of an expression. */
  private int tensor(
      int subgraph,
      Operator operator,
      Expression expression,
      Map<Expression, Integer> known,
      List<Operator> steps) {
    if (expression.place() >= 0) {
      return operator.input(expression.place());
    }
    Integer there = known.get(expression);
    if (there != null) {
      return there;
    }
    Tensor output = model.subgraphs().get(subgraph).tensor(operator.outputs()[0]);
    int number;
    if (expression.isConstant()) {
      int buffer = constants.computeIfAbsent(expression.value(), this::constant);
      Tensor scalar = Tensor.of(output.name() + "_constant", TensorType.FLOAT32, new int[0]);
      number = draft.graph(subgraph).add(scalar.withBuffer(buffer));
    } else {
      List<Integer> arguments = new ArrayList<>();
      for (Expression each : expression.arguments()) {
        arguments.add(tensor(subgraph, operator, each, known, steps));
      }
      String name = output.name() + "_" + expression.operator().toLowerCase(Locale.ROOT);
      int made = draft.graph(subgraph).add(like(subgraph, arguments, output).withName(name));
      number = made;
      steps.add(step(expression.operator(), arguments, made));
      range(subgraph, operator, expression)
          .ifPresent(range -> computed.put(new Place(subgraph, made), range));
    }
    known.put(expression, number);
    return number;
  }

  /** A tensor of the shape of its only operand that is computed, or of the result of all. */
  private Tensor like(int subgraph, List<Integer> arguments, Tensor result) {
    List<Tensor> computedOnes =
        arguments.stream()
            .map(draft.graph(subgraph)::tensor)
            .filter(tensor -> tensor.buffer() == 0)
            .toList();
    return computedOnes.size() == 1 ? computedOnes.get(0) : result.withBuffer(0);
  }

  private int constant(float value) {
    return draft.addBuffer(Buffer.of(value));
  }
}
