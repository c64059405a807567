package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Gives every activation of a subgraph its scale, and every integer operator its types. */
final class IntegerScales {
  /** An operand whose own range is this much narrower than that of the group gets a requantize. */
  private static final double DEAR = 2;

  /** Fillers like -3.4e38 only mark what a later maximum or softmax ignores: they are clamped. */
  private static final float FILLER = 1e30f;

  /** How many times finer than its operand the result of a QUANTIZE may be. */
  private static final float FINEST_REQUANTIZED = 32;

  /** A constant that is compared lies beyond all values, or this part of their range at most. */
  private static final float BEYOND = 32;

  /** How many times finer than a product of input and weight steps a result may be. */
  private static final float FINEST = 128;

  private static final Reason FIXED = Reason.of(Code.QUANTIZED, "fixed by its kernel");

  private final Graph graph;
  private final IntegerSupport support;
  private final ScaleGroups groups;
  private final IntegerWeights weights;
  private final RecurrentScales recurrent;

  IntegerScales(Graph graph, IntegerSupport support) {
    this.graph = graph;
    this.support = support;
    this.groups = new ScaleGroups(graph.subgraph().tensors().size());
    this.weights = new IntegerWeights(graph);
    this.recurrent = new RecurrentScales(graph);
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && !graph.isConstant(i)) {
        include(i, i);
      }
    }
    for (int i = 0; i < graph.operators(); i++) {
      if (support.objection(i).isEmpty()) {
        group(i);
      }
    }
    for (int i = 0; i < graph.operators(); i++) {
      int operand = graph.operator(i).input(0);
      if (support.objection(i).isEmpty() && graph.rule(i).ranks()) {
        graph.seen(operand).ifPresent(r -> groups.include(operand, r.min(), r.max()));
      }
    }
    clampToWhatIsUsed();
    for (int pass = 0; pass < 2; pass++) { // the second for inputs whose group grew after them
      for (int i = 0; i < graph.operators(); i++) {
        if (support.objection(i).isEmpty()) {
          widen(i);
        }
      }
    }
  }

  /** Type of the integers that a tensor is written as, or read as where no integers are. */
  private TensorType type(int tensor) {
    TensorType type = graph.producer(tensor).map(support::type).orElse(TensorType.FLOAT32);
    for (Subgraph.Reader reader : graph.readers(tensor)) {
      if (type == TensorType.FLOAT32) {
        type = support.type(reader.operator());
      }
    }
    return type == TensorType.FLOAT32 ? TensorType.INT8 : type;
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
        boolean seenWhole = graph.isOutput(i) || type(i) != TensorType.INT8;
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

  /** Widens the range of a tensor's group by what was seen of another. */
  private void include(int tensor, int other) {
    graph.range(other, type(other)).ifPresent(r -> groups.include(tensor, r.min(), r.max()));
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

  /** Gives the operand of a function of differences a scale that its kernel tells from 0. */
  private void coarsen(Operator operator, double finest) {
    double span = 256 * finest / steepness(operator);
    groups.include(operator.input(0), 0, (float) span);
  }

  /** What a softmax multiplies its operand with. */
  private static double steepness(Operator operator) {
    return operator.hasOption("beta") ? operator.realOption("beta") : 1;
  }

  boolean has(int tensor) {
    return groups.has(tensor);
  }

  /** How a tensor is written. */
  Encoding encoding(int tensor) {
    return groups.encoding(tensor, type(tensor));
  }

  /** How an input of the model is held that is given as integers. */
  Encoding encoding(int tensor, TensorType type) {
    return groups.encoding(tensor, type);
  }

  Reason reason(int tensor) {
    return groups.reason(tensor);
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
    } else if (rule.scales() == Scales.VARIABLE && !begins(number)) {
      shareWithVariable(operator, held(number), type);
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

  private boolean begins(int number) {
    return graph.variables().begins(graph.number(), number);
  }

  /** The tensor that is read from a variable, or assigned to it. */
  private static int value(Operator operator) {
    return operator.outputs().length > 0 ? operator.outputs()[0] : operator.input(1);
  }

  private void shareWithVariable(Operator operator, int held, TensorType type) {
    int value = value(operator);
    if (operator.outputs().length > 0) {
      groups.join(held, value);
    } else if (graph.isConstant(value)) {
      includeConstant(held, value);
    } else {
      include(held, value);
      if (type(value) == type && cheap(value, held)) {
        groups.join(held, value);
      }
    }
  }

  /** The tensor whose scale is that of the variable that an operator uses. */
  private int held(int number) {
    return value(graph.operator(graph.variables().together(graph.number(), number).get(0)));
  }

  /** Equal values have equal codes where the operands share a scale. */
  private void compare(Operator operator, TensorType type) {
    int first = operator.input(0);
    int second = operator.input(1);
    if (graph.isConstant(first) || graph.isConstant(second)) {
      int computed = graph.isConstant(first) ? second : first;
      FloatRange own = groups.bounds(computed);
      FloatRange range = near(graph.isConstant(first) ? first : second, own.min(), own.max());
      groups.include(computed, range.min(), range.max());
    } else if (type(first) == type
        && type(second) == type
        && cheap(first, second)
        && !groups.isFixed(second)) {
      groups.join(first, second);
    }
  }

  /** The range of a constant, of which it only counts whether it is beyond these bounds. */
  private FloatRange near(int constant, float min, float max) {
    float[] range = IntegerWeights.range(graph.contents(constant));
    float beyond = (max - min) / BEYOND;
    float low = Math.max(min - beyond, Math.min(max + beyond, range[0]));
    float high = Math.max(min - beyond, Math.min(max + beyond, range[1]));
    return new FloatRange(low, high, 0, 0);
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
        range = range.merge(near(tensor, range.min(), range.max()));
      }
    }
    float half = widest.scale() / 2;
    if (widest.lowest() - half > range.min() || widest.highest() + half < range.max()) {
      widest = Encoding.activation(type, range.min(), range.max());
    }
    // A little coarser than needed is better than float; the kernel rounds to such steps.
    float wider = (float) (rule.limits(type).finest() / widest.scale());
    return wider > 1 && wider <= DEAR
        ? Encoding.of(type, (float) rule.limits(type).finest(), widest.zeroPoint())
        : widest;
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
   * Whether nothing but an operator that clamps it reads a tensor: then what lies beyond the range
   * of the result need not be told apart, and its step can be that of the result.
   */
  private boolean clampedAlone(int tensor, TensorType type) {
    return graph.readers(tensor).size() == 1
        && !graph.isOutput(tensor)
        && graph.producer(tensor).isPresent()
        && type(tensor) == type
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
    if (computed.size() == 1 && constants.isEmpty() && type(computed.get(0)) == type) {
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
      if (type(tensor) == type && cheap(tensor, result)) {
        groups.join(result, tensor);
      }
    }
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

  /** Why the kernel of an operator does not take its scales; none if it does. */
  Reason objection(int number, IntegerOperator integer) {
    Operator operator = graph.operator(number);
    IntegerRule rule = graph.rule(number);
    List<Float> operands = new ArrayList<>();
    List<Float> results = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      if (rule.reads(place) && operator.input(place) >= 0) {
        operands.add((float) (integer.inputs().get(place).scale() * steepness(operator)));
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
    int version = rule.version(type, graph.treatments().of(number).weightType(), operator);
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
      return begins(number)
          ? graph.variables().encoding(graph.number(), number)
          : groups.encoding(held(number), type);
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
