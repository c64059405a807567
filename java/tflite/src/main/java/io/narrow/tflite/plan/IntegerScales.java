package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.IntegerRules;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Gives every activation of the main subgraph its scale, and every integer operator its types. */
final class IntegerScales {
  /** An operand whose own range is this much narrower than that of the group gets a requantize. */
  private static final double DEAR = 2;

  /** Fillers like -3.4e38 only mark what a later maximum or softmax ignores: they are clamped. */
  private static final float FILLER = 1e30f;

  /** How many times finer than a product of input and weight steps a result may be. */
  private static final float FINEST = 128;

  private final Model model;
  private final Subgraph subgraph;
  private final IntegerSupport support;
  private final TensorType type;
  private final ScaleGroups groups;
  private final IntegerWeights weights;

  IntegerScales(Model model, IntegerSupport support, TensorType type) {
    this.model = model;
    this.subgraph = model.subgraphs().get(0);
    this.support = support;
    this.type = type;
    this.groups = new ScaleGroups(subgraph.tensors().size());
    this.weights = new IntegerWeights(model, subgraph);
    for (int i = 0; i < subgraph.tensors().size(); i++) {
      if (support.isFloat(i) && !support.isConstant(i)) {
        int tensor = i;
        support.range(i).ifPresent(r -> groups.include(tensor, r.min(), r.max()));
      }
    }
    for (int i = 0; i < subgraph.operators().size(); i++) {
      if (support.objection(i).isEmpty()) {
        group(subgraph.operators().get(i));
      }
    }
    for (int pass = 0; pass < 2; pass++) { // the second for inputs whose group grew after them
      for (int i = 0; i < subgraph.operators().size(); i++) {
        if (support.objection(i).isEmpty()) {
          widen(subgraph.operators().get(i));
        }
      }
    }
  }

  /**
   * The step of a sum of products is that of input times weights: a result much finer than it says
   * nothing more, and XNNPACK refuses a model where it is 256 times finer.
   */
  private void widen(Operator operator) {
    IntegerRule rule = rule(operator);
    if (rule.scales() != Scales.WEIGHTS) {
      return;
    }
    Encoding input = encoding(operator.input(rule.inputs().iterator().next()));
    OpRule row = OpRules.of(operator.name()).orElseThrow();
    float step = 0;
    for (float scale : weights.encode(operator, row, input).weights().scales()) {
      step = Math.max(step, input.scale() * scale / FINEST);
    }
    int result = operator.outputs()[0];
    Encoding output = encoding(result);
    if (output.scale() < step) {
      float span = step * (type == TensorType.INT16 ? Short.MAX_VALUE : 255);
      boolean positive = output.zeroPoint() == Byte.MIN_VALUE;
      float low = positive || type == TensorType.INT16 ? 0 : -span / 2;
      groups.include(result, low, low + span);
    }
  }

  boolean has(int tensor) {
    return groups.has(tensor);
  }

  Encoding encoding(int tensor) {
    return groups.encoding(tensor, type);
  }

  String reason(int tensor) {
    return groups.reason(tensor);
  }

  private static IntegerRule rule(Operator operator) {
    return IntegerRules.of(operator.name()).orElseThrow();
  }

  private void group(Operator operator) {
    IntegerRule rule = rule(operator);
    List<Integer> results = new ArrayList<>();
    for (int place = 0; place < operator.outputs().length; place++) {
      if (rule.writes(place)) {
        results.add(operator.outputs()[place]);
      }
    }
    if (rule.scales().fixed()) {
      Encoding fixed = Encoding.of(type, rule.scales().scale(type), rule.scales().zeroPoint(type));
      results.forEach(result -> groups.fix(result, fixed));
    } else if (rule.scales().same()) {
      share(operator, rule, results);
    }
  }

  private void share(Operator operator, IntegerRule rule, List<Integer> results) {
    List<Integer> computed = new ArrayList<>();
    List<Integer> constants = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      if (rule.reads(place) && tensor >= 0) {
        (support.isConstant(tensor) ? constants : computed).add(tensor);
      }
    }
    if (computed.size() == 1 && constants.isEmpty()) {
      results.forEach(result -> groups.join(computed.get(0), result));
      return;
    }
    int result = results.get(0);
    results.forEach(each -> groups.join(result, each));
    if (operator.name().equals("PADV2")) {
      groups.forget(result); // what it pads with may be a filler: operand and constant say it all
    }
    computed.forEach(
        tensor -> support.range(tensor).ifPresent(r -> groups.include(result, r.min(), r.max())));
    if (rule.scales() != Scales.BOUND) {
      constants.forEach(tensor -> include(result, tensor));
    }
    for (int tensor : computed) {
      if (cheap(tensor, result)) {
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

  private void include(int result, int constant) {
    ByteBuffer contents = model.contents(subgraph.tensor(constant));
    float[] range = IntegerWeights.range(contents);
    if (Math.abs(range[0]) < FILLER && Math.abs(range[1]) < FILLER) {
      groups.include(result, range[0], range[1]);
    }
  }

  /** What an operator of the main subgraph reads and writes. */
  IntegerOperator operator(int number) {
    Operator operator = subgraph.operators().get(number);
    IntegerRule rule = rule(operator);
    List<Encoding> inputs = new ArrayList<>();
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      boolean activation = rule.reads(place) && tensor >= 0;
      inputs.add(activation ? operand(operator, rule, tensor) : Encoding.FLOAT);
    }
    if (rule.scales() == Scales.WEIGHTS) {
      OpRule row = OpRules.of(operator.name()).orElseThrow();
      Encoding input = inputs.get(rule.inputs().iterator().next());
      IntegerWeights.Pair pair = weights.encode(operator, row, input);
      inputs.set(row.weights().get(0), pair.weights());
      if (row.bias() < inputs.size()) {
        inputs.set(row.bias(), pair.bias());
      }
    }
    List<Encoding> outputs = new ArrayList<>();
    for (int place = 0; place < operator.outputs().length; place++) {
      outputs.add(rule.writes(place) ? encoding(operator.outputs()[place]) : Encoding.FLOAT);
    }
    boolean wide = type == TensorType.INT16;
    int version = rule.version(type, operator);
    return new IntegerOperator(0, number, version, wide, inputs, outputs);
  }

  private Encoding operand(Operator operator, IntegerRule rule, int tensor) {
    if (rule.scales().same()) {
      return encoding(operator.outputs()[0]);
    }
    if (!support.isConstant(tensor)) {
      return encoding(tensor);
    }
    ByteBuffer contents = model.contents(subgraph.tensor(tensor));
    if (operator.name().equals("BATCH_MATMUL")) {
      return IntegerWeights.symmetric(type, contents);
    }
    float[] range = IntegerWeights.range(contents);
    return Encoding.activation(type, range[0], range[1]);
  }
}
