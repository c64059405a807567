package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The scale of every activation of a subgraph, and the encodings of every integer operator. */
final class IntegerScales {
  /** How many times finer than its operand the result of a QUANTIZE may be. */
  private static final float FINEST_REQUANTIZED = 32;

  private final Graph graph;
  private final IntegerSupport support;
  private final ScaleGroups groups;
  private final IntegerWeights weights;
  private final RecurrentScales recurrent;

  IntegerScales(Graph graph, IntegerSupport support) {
    this.graph = graph;
    this.support = support;
    this.weights = new IntegerWeights(graph);
    this.recurrent = new RecurrentScales(graph);
    this.groups = ScaleSolver.solve(graph, support, weights);
  }

  boolean has(int tensor) {
    return groups.has(tensor);
  }

  /** How a tensor is written. */
  Encoding encoding(int tensor) {
    return groups.encoding(tensor, support.written(tensor));
  }

  /** How an input of the model is held that is given as integers. */
  Encoding encoding(int tensor, TensorType type) {
    return groups.encoding(tensor, type);
  }

  Reason reason(int tensor) {
    return groups.reason(tensor);
  }

  /** How both operands of a comparison are read. */
  private Encoding compared(Operator operator, IntegerRule rule, TensorType type) {
    FloatRange range = FloatRange.EMPTY;
    Encoding widest = null;
    for (int place : rule.inputs()) {
      int tensor = operator.input(place);
      if (!graph.isConstant(tensor)) {
        Encoding written = groups.encoding(tensor, type);
        range = range.merge(new FloatRange(written.lowest(), written.highest(), 0, 0));
        widest = widest == null || widest.scale() < written.scale() ? written : widest;
      }
    }
    for (int place : rule.inputs()) {
      int tensor = operator.input(place);
      if (graph.isConstant(tensor) && groups.isFixed(operator.input(1 - place))) {
        range = range.merge(IntegerWeights.near(graph.contents(tensor), range.min(), range.max()));
      }
    }
    float half = widest.scale() / 2;
    if (widest.lowest() - half > range.min() || widest.highest() + half < range.max()) {
      widest = Encoding.activation(type, range.min(), range.max());
    }
    // A little coarser than needed is better than float; the kernel rounds to such steps.
    float wider = (float) (rule.limits(type).finest() / widest.scale());
    return wider > 1 && wider <= ScaleSolver.DEAR
        ? Encoding.of(type, (float) rule.limits(type).finest(), widest.zeroPoint())
        : widest;
  }

  /** Why the kernel of an operator does not take its scales; none if it does. */
  Reason objection(int number, IntegerOperator integer) {
    Operator operator = graph.operator(number);
    IntegerRule rule = graph.rule(number);
    List<Float> operands = new ArrayList<>();
    List<Float> results = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      if (rule.reads(place) && operator.input(place) >= 0) {
        operands.add(
            (float) (integer.inputs().get(place).scale() * ScaleSolver.steepness(operator)));
      }
    }
    for (int place = 0; place < operator.outputs().length; place++) {
      if (rule.writes(place)) {
        results.add(integer.outputs().get(place).scale());
      }
    }
    if (rule.scales() == Scales.QUOTIENT
        && graph.least(operator.input(1)).orElseThrow() < integer.inputs().get(1).scale()) {
      return Reason.of(Code.KERNEL_LIMIT, "a divisor that rounds to zero would stop the model");
    }
    return Reason.of(
        Code.KERNEL_LIMIT, rule.limits(support.type(number)).objection(operands, results));
  }

  /** What an operator reads and writes. */
  IntegerOperator operator(int number) {
    Operator operator = graph.operator(number);
    IntegerRule rule = graph.rule(number);
    Optional<Subgraph.Reader> keeper = graph.cleared(number);
    if (keeper.isPresent()) {
      Encoding state = operator(keeper.get().operator()).inputs().get(keeper.get().place());
      return clearing(number, rule, state);
    }
    TensorType type = support.type(number);
    List<Encoding> inputs = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      boolean activation = rule.reads(place) && tensor >= 0;
      inputs.add(activation ? operand(number, rule, type, place) : Encoding.FLOAT);
    }
    OpRule row = OpRules.of(operator.name());
    if (rule.scales() == Scales.WEIGHTS) {
      Encoding input = inputs.get(rule.inputs().iterator().next());
      float result = groups.encoding(operator.outputs()[0], type).scale();
      IntegerWeights.Pair pair = weights.encode(number, input, result);
      inputs.set(row.weights().get(0), pair.weights());
      if (row.bias() < inputs.size()) {
        inputs.set(row.bias(), pair.bias());
      }
    } else if (rule.scales() == Scales.PRODUCT
        && row.bias() >= 0
        && operator.input(row.bias()) >= 0) {
      addBias(operator, row, inputs);
    }
    List<Encoding> outputs = new ArrayList<>();
    for (int place = 0; place < operator.outputs().length; place++) {
      int tensor = operator.outputs()[place];
      outputs.add(rule.writes(place) ? groups.encoding(tensor, type) : Encoding.FLOAT);
    }
    List<Encoding> intermediates = List.of();
    if (rule.scales().recurrent()) {
      recurrent.encode(number, rule.scales(), inputs, outputs.get(0));
    }
    if (rule.scales() == Scales.LSTM) {
      intermediates = recurrent.intermediates(number, outputs.get(0));
    }
    boolean wide = type == TensorType.INT16;
    int version = rule.version(type, graph.configurations().of(number).weightType(), operator);
    return new IntegerOperator(
        graph.number(), number, version, wide, inputs, outputs, intermediates);
  }

  /** An operator that moves zeros to a state, in the encoding that the state has. */
  private IntegerOperator clearing(int number, IntegerRule rule, Encoding state) {
    Operator operator = graph.operator(number);
    List<Encoding> inputs =
        IntStream.range(0, operator.inputs().length)
            .mapToObj(place -> rule.reads(place) ? state : Encoding.FLOAT)
            .toList();
    boolean wide = state.type() == TensorType.INT16;
    int version = rule.version(state.type(), TensorType.INT8, operator);
    return new IntegerOperator(
        graph.number(), number, version, wide, inputs, List.of(state), List.of());
  }

  /** A bias beside a second factor that is computed: it has the scale of their products. */
  private void addBias(Operator operator, OpRule row, List<Encoding> inputs) {
    int place = row.weights().get(0);
    float[] range = IntegerWeights.range(graph.contents(operator.input(row.bias())));
    float[] biases = {Math.max(-range[0], range[1])};
    float[] scales = {inputs.get(place).scale()};
    float input = inputs.get(0).scale();
    float[] products =
        IntegerWeights.products(input, scales, biases, IntegerWeights.LARGEST_BIAS, 0);
    inputs.set(place, Encoding.of(inputs.get(place).type(), scales[0], 0));
    inputs.set(row.bias(), Encoding.of(TensorType.INT32, products[0], 0));
  }

  private Encoding operand(int number, IntegerRule rule, TensorType type, int place) {
    Operator operator = graph.operator(number);
    int tensor = operator.input(place);
    if (rule.scales() == Scales.VARIABLE) {
      return graph.variables().begins(graph.number(), number)
          ? graph.variables().encoding(graph.number(), number)
          : groups.encoding(graph.held(number), type);
    }
    if (rule.scales() == Scales.COMPARE) {
      return compared(operator, rule, type);
    }
    if (rule.scales().same()) {
      return groups.encoding(operator.outputs()[0], type);
    }
    boolean symmetric = rule.scales() == Scales.PRODUCT && place == 1;
    if (!graph.isConstant(tensor)) {
      Encoding written = groups.encoding(tensor, type);
      return symmetric && written.zeroPoint() != 0 ? symmetric(tensor, written) : written;
    }
    ByteBuffer contents = graph.contents(tensor);
    if (symmetric) {
      return IntegerWeights.symmetric(type, contents);
    }
    float[] range = IntegerWeights.range(contents);
    return Encoding.activation(type, range[0], range[1]);
  }

  /**
   * As far as the tensor's own values reach, however much wider those it shares a scale with are.
   */
  private Encoding symmetric(int tensor, Encoding written) {
    float reach = Math.max(-written.lowest(), written.highest());
    FloatRange own = graph.seen(tensor).orElse(new FloatRange(-reach, reach, 0, 0));
    reach = Math.min(reach, Math.max(-own.min(), own.max()));
    // Finer steps than these would only make the codes that are written more precise than they are.
    float scale = Math.max(reach / Byte.MAX_VALUE, written.scale() / FINEST_REQUANTIZED);
    return Encoding.of(written.type(), scale, 0);
  }
}
