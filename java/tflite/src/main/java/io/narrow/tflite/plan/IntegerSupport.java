package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRules;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.Optional;

/** Which operators of the main subgraph compute in integers, and why the others do not. */
final class IntegerSupport {
  /** Larger values mark what is to be ignored, as -1e9 and -3.4e38 before a softmax do. */
  private static final float LARGEST = 1e6f;

  private final Model model;
  private final Subgraph subgraph;
  private final Ranges ranges;
  private final TensorType type;
  private final String[] objections;

  /**
   * @param type type of the activations, int8 or int16
   */
  IntegerSupport(Model model, Ranges ranges, TensorType type, boolean integerBoundary) {
    this.model = model;
    this.subgraph = model.subgraphs().get(0);
    this.ranges = ranges;
    this.type = type;
    this.objections = new String[subgraph.operators().size()];
    for (int i = 0; i < objections.length; i++) {
      objections[i] = objection(subgraph.operators().get(i));
    }
    new Movers(subgraph, objections, integerBoundary).leaveFloat();
  }

  /** Why an operator does not compute in integers, empty if it does. */
  String objection(int operator) {
    return objections[operator];
  }

  boolean isConstant(int tensor) {
    return model.isConstant(subgraph.tensor(tensor));
  }

  boolean isFloat(int tensor) {
    return tensor >= 0 && subgraph.tensor(tensor).type() == TensorType.FLOAT32;
  }

  /** The calibrated range of a tensor, empty if it was not seen or not finite. */
  Optional<FloatRange> range(int tensor) {
    return ranges
        .range(0, tensor)
        .filter(range -> !range.isEmpty() && range.nans() == 0 && range.infinities() == 0);
  }

  private String objection(Operator operator) {
    String name = operator.name();
    Optional<IntegerRule> row = IntegerRules.of(name);
    if (row.isEmpty() || !row.get().has(type)) {
      return name + " has no " + type + " kernel";
    }
    IntegerRule rule = row.get();
    String objection = rule.objection(operator);
    if (objection.isEmpty() && rule.scales() == IntegerRule.Scales.WEIGHTS) {
      objection = weights(operator, OpRules.of(name).orElseThrow());
    }
    boolean any = false;
    for (int place = 0; place < operator.inputs().length && objection.isEmpty(); place++) {
      if (rule.reads(place) && operator.input(place) >= 0) {
        any = true;
        objection = operand(operator.input(place), rule);
      }
    }
    for (int place = 0; place < operator.outputs().length && objection.isEmpty(); place++) {
      if (rule.writes(place)) {
        objection = result(operator.outputs()[place], rule);
      }
    }
    return objection.isEmpty() && !any ? "it reads no activation" : objection;
  }

  private String operand(int number, IntegerRule rule) {
    Tensor tensor = subgraph.tensor(number);
    if (tensor.type() != TensorType.FLOAT32) {
      return "its operand `" + tensor.name() + "` is " + tensor.type();
    }
    if (!model.isConstant(tensor)) {
      return unseen(number);
    }
    if (tensor.isEncoded() || tensor.elements() == 0) {
      return "its constant `" + tensor.name() + "` is sparse, empty or lies in another file";
    }
    boolean finite = WeightScales.finite(model.contents(tensor));
    return finite || rule.operator().equals("PADV2")
        ? ""
        : "its constant `" + tensor.name() + "` holds NaN or infinity";
  }

  private String result(int number, IntegerRule rule) {
    Tensor tensor = subgraph.tensor(number);
    if (tensor.type() != TensorType.FLOAT32) {
      return "its result `" + tensor.name() + "` is " + tensor.type();
    }
    return rule.scales().fixed() || rule.operator().equals("PADV2") ? "" : unseen(number);
  }

  private String unseen(int number) {
    String name = "`" + subgraph.tensor(number).name() + "`";
    if (subgraph.tensor(number).isVariable()) {
      return name + " keeps state from run to run";
    }
    Optional<FloatRange> seen = ranges.range(0, number);
    if (seen.isEmpty() || seen.get().isEmpty()) {
      return "calibration saw no value of " + name;
    }
    if (range(number).isEmpty()) {
      return "calibration saw NaN or infinity in " + name;
    }
    float largest = Math.max(-seen.get().min(), seen.get().max());
    return largest > LARGEST
        ? name + " reaches " + largest + ", beside which integers would lose all smaller values"
        : "";
  }

  private String weights(Operator operator, OpRule rule) {
    String objection = rule.objection(subgraph, operator);
    if (!objection.isEmpty()) {
      return objection;
    }
    int number = operator.input(rule.weights().get(0));
    objection = constant(number);
    int bias = operator.input(rule.bias());
    if (!objection.isEmpty() || bias < 0) {
      return objection;
    }
    Tensor weights = subgraph.tensor(number);
    int channels = weights.dimension(rule.axis().of(operator, weights));
    return subgraph.tensor(bias).elements() == channels
        ? constant(bias)
        : "its bias does not have a value per channel";
  }

  private String constant(int number) {
    if (number < 0) {
      return "it has no weights";
    }
    Tensor tensor = subgraph.tensor(number);
    String name = "`" + tensor.name() + "`";
    if (tensor.type() != TensorType.FLOAT32) {
      return name + " is " + tensor.type() + " already";
    }
    if (!model.isConstant(tensor)) {
      return name + " is computed, not a constant";
    }
    if (tensor.isEncoded()) {
      return name + " is sparse or lies in another file";
    }
    return WeightScales.finite(model.contents(tensor)) ? "" : name + " holds NaN or infinity";
  }
}
