package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.Map;
import java.util.Optional;

/** Which operators of a subgraph compute in integers, and why the others do not. */
final class IntegerSupport {
  /** Larger values mark what is to be ignored, as -1e9 and -3.4e38 before a softmax do. */
  private static final float LARGEST = 1e6f;

  static final Reason FLOAT_VARIABLE =
      Reason.of(Code.NEIGHBOUR, "its variable is float32 where it is used");

  private static final Reason FLOAT_STATE =
      Reason.of(Code.NEIGHBOUR, "it sets the state of an operator that stays float32");

  private final Graph graph;
  private final Reason[] objections;

  /**
   * @param refused why operators that could compute in integers have no kernel for their scales
   */
  IntegerSupport(Graph graph, Map<Integer, Reason> refused) {
    this.graph = graph;
    this.objections = new Reason[graph.operators()];
    for (int i = 0; i < objections.length; i++) {
      Mode mode = graph.configurations().of(i).mode();
      objections[i] =
          mode.integer() ? objection(i, mode.activation()) : graph.configurations().reason(i);
    }
    refused.forEach((operator, why) -> objections[operator] = why);
    new DataMovement(graph, objections).leaveFloat();
    for (int i = 0; i < objections.length; i++) {
      agree(i);
    }
    for (int i = 0; i < objections.length; i++) {
      // What sets a state to zero follows the operator that keeps the state.
      Optional<Subgraph.Reader> keeper = graph.cleared(i);
      if (keeper.isPresent()) {
        boolean integer = objections[keeper.get().operator()].isEmpty();
        objections[i] = integer ? Reason.NONE : FLOAT_STATE;
      }
    }
  }

  /** A variable is held as integers by all that use it or by none. */
  private void agree(int operator) {
    for (int other : graph.variables().together(graph.number(), operator)) {
      if (objections[operator].isEmpty()
          && (!objections[other].isEmpty() || type(other) != type(operator))) {
        objections[operator] = FLOAT_VARIABLE;
      }
    }
  }

  /** Why an operator does not compute in integers, none if it does. */
  Reason objection(int operator) {
    return objections[operator];
  }

  /** Type of the activations that an operator computes with. */
  TensorType type(int operator) {
    return objections[operator].isEmpty()
        ? graph.configurations().of(operator).mode().activation()
        : TensorType.FLOAT32;
  }

  /** Type of the integers that a tensor is written as, or read as where no integers are. */
  TensorType written(int tensor) {
    TensorType type = graph.producer(tensor).map(this::type).orElse(TensorType.FLOAT32);
    for (Subgraph.Reader reader : graph.readers(tensor)) {
      if (type == TensorType.FLOAT32) {
        type = type(reader.operator());
      }
    }
    return type == TensorType.FLOAT32 ? TensorType.INT8 : type;
  }

  private Reason objection(int number, TensorType type) {
    Operator operator = graph.operator(number);
    String name = operator.name();
    IntegerRule rule = graph.rule(number);
    if (!rule.has(type)) {
      return Reason.of(
          Code.NOT_CONSTANT, "its weights are computed, for which it has no " + type + " kernel");
    }
    Reason objection =
        Reason.of(
            Code.KERNEL_LIMIT,
            operator.outputs().length == 0 && rule.writes(0)
                ? "it gives nothing"
                : rule.objection(operator));
    if (objection.isEmpty() && rule.scales() == IntegerRule.Scales.WEIGHTS) {
      objection = weights(operator, OpRules.of(name));
    } else if (objection.isEmpty() && OpRules.of(name).bias() >= 0 && !rule.scales().weighted()) {
      objection = factor(operator, OpRules.of(name));
    }
    if (objection.isEmpty() && rule.scales() == IntegerRule.Scales.COMPARE) {
      boolean any = !graph.isConstant(operator.input(0)) || !graph.isConstant(operator.input(1));
      objection = any ? Reason.NONE : Reason.of(Code.GAINS_NOTHING, "it compares constants");
    }
    if (objection.isEmpty() && rule.scales() == IntegerRule.Scales.VARIABLE) {
      objection = graph.variables().objection(graph.number(), number);
    }
    if (objection.isEmpty() && rule.scales() == IntegerRule.Scales.QUOTIENT) {
      objection = divisor(operator.input(1), type);
    }
    if (objection.isEmpty() && rule.scales().recurrent()) {
      objection = new RecurrentSupport(graph, this).objection(number, rule.scales());
    }
    if (objection.isEmpty() && rule.scales().weighted()) {
      objection = recovered(number, operator);
    }
    boolean any = rule.scales() == IntegerRule.Scales.VARIABLE;
    for (int place = 0; place < operator.inputs().length && objection.isEmpty(); place++) {
      if (rule.reads(place) && operator.input(place) >= 0) {
        any = true;
        objection = operand(operator.input(place), rule, type);
        objection = objection.isEmpty() ? axes(operator.input(place), rule, type) : objection;
      }
    }
    for (int place = 0; place < operator.outputs().length && objection.isEmpty(); place++) {
      if (rule.writes(place)) {
        objection = result(operator.outputs()[place], rule, type);
      }
    }
    return objection.isEmpty() && !any
        ? Reason.of(Code.GAINS_NOTHING, "it reads no activation")
        : objection;
  }

  private Reason axes(int number, IntegerRule rule, TensorType type) {
    int most = rule.limits(type).axes();
    Tensor tensor = graph.tensor(number);
    return tensor.rank() <= most
        ? Reason.NONE
        : Reason.of(
            Code.KERNEL_LIMIT,
            "its " + type + " kernel takes " + most + " axes at most, and ",
            tensor.name(),
            " has " + tensor.rank());
  }

  private Reason operand(int number, IntegerRule rule, TensorType type) {
    Tensor tensor = graph.tensor(number);
    if (tensor.type() != TensorType.FLOAT32) {
      return Reason.of(Code.OTHER_TYPE, "its operand ", tensor.name(), " is " + tensor.type());
    }
    if (!graph.isConstant(number)) {
      return unseen(unpadded(number), type);
    }
    if (tensor.isEncoded() || tensor.elements() == 0) {
      return Reason.of(
          Code.NOT_READABLE,
          "its constant ",
          tensor.name(),
          " is sparse, empty or lies in another file");
    }
    boolean finite = WeightScales.finite(graph.contents(number));
    return finite || rule.fills()
        ? Reason.NONE
        : Reason.of(Code.NOT_FINITE, "its constant ", tensor.name(), " holds NaN or infinity");
  }

  /** Why weights are not the codes that they are to be already; none if nobody asks for it. */
  private Reason recovered(int number, Operator operator) {
    boolean asked = graph.configurations().of(number).scales() == WeightScaling.RECOVERED;
    return OpRules.of(operator.name()).weights().stream()
        .map(operator::input)
        .filter(weight -> asked && graph.isFloat(weight) && graph.isConstant(weight))
        .filter(weight -> graph.known(weight).isEmpty())
        .findFirst()
        .map(weight -> graph.tensor(weight).name())
        .map(name -> Reason.of(Code.NO_GRID, "its weights ", name, " are no multiples of a step"))
        .orElse(Reason.NONE);
  }

  /** What was padded, if a tensor is: a filler need not be told from the least other value. */
  private int unpadded(int number) {
    return graph
        .producer(number)
        .map(graph::operator)
        .filter(
            operator ->
                OpRules.of(operator.name()).integer().filter(IntegerRule::fills).isPresent())
        .map(operator -> operator.input(0))
        .filter(operand -> !graph.isConstant(operand))
        .orElse(number);
  }

  private Reason result(int number, IntegerRule rule, TensorType type) {
    Tensor tensor = graph.tensor(number);
    if (tensor.type() != TensorType.FLOAT32) {
      return Reason.of(Code.OTHER_TYPE, "its result ", tensor.name(), " is " + tensor.type());
    }
    return rule.scales().fixed() || rule.fills() ? Reason.NONE : unseen(number, type);
  }

  private Reason divisor(int number, TensorType type) {
    Tensor tensor = graph.tensor(number);
    boolean constant = graph.isConstant(number);
    Optional<Float> least = graph.least(number);
    if (tensor.isEncoded() || tensor.type() != TensorType.FLOAT32 || least.isEmpty()) {
      return Reason.of(
          Code.NOT_CONSTANT, "a computed divisor that rounds to zero would stop the model");
    }
    FloatRange range =
        constant
            ? graph.values(number)
            : graph.range(number, type).orElse(new FloatRange(0, least.get(), 0, 0));
    return least.get() > Encoding.activation(type, range.min(), range.max()).scale()
        ? Reason.NONE
        : Reason.of(
            Code.KERNEL_LIMIT,
            "its divisor has values that are negative or round to zero, which the kernel does not"
                + " take");
  }

  private Reason unseen(int number, TensorType type) {
    return graph.tensor(number).isVariable()
        ? Reason.of(Code.STATE, "", graph.tensor(number).name(), " keeps state from run to run")
        : unknown(number, type);
  }

  /** Why the range of a tensor cannot be divided into integers; none if it can. */
  Reason unknown(int number, TensorType type) {
    String name = graph.tensor(number).name();
    Optional<FloatRange> seen = graph.seen(number);
    if (seen.isEmpty()) {
      return graph.whyNotSeen(number);
    }
    if (graph.range(number, type).isEmpty()) {
      return Reason.of(Code.SAW_NOT_FINITE, "calibration saw NaN or infinity in ", name, "");
    }
    float largest = Math.max(-seen.get().min(), seen.get().max());
    if (largest > 0 && largest < Encoding.NARROWEST) {
      String why = " reaches only " + largest + ", too little for the scale of an integer";
      return Reason.of(Code.TOO_NEAR, "", name, why);
    }
    return largest > LARGEST
        ? Reason.of(
            Code.TOO_FAR,
            "",
            name,
            " reaches " + largest + ", beside which integers would lose all smaller values")
        : Reason.NONE;
  }

  private Reason limits(Operator operator, OpRule rule) {
    return Reason.of(Code.KERNEL_LIMIT, rule.objection(graph.subgraph(), operator));
  }

  private Reason weights(Operator operator, OpRule rule) {
    Reason objection = limits(operator, rule);
    if (!objection.isEmpty()) {
      return objection;
    }
    int number = operator.input(rule.weights().get(0));
    objection = constant(number);
    return objection.isEmpty() ? bias(operator, rule, graph.tensor(number)) : objection;
  }

  /** Weights that are computed have one scale, and a bias beside them. */
  private Reason factor(Operator operator, OpRule rule) {
    Reason objection = limits(operator, rule);
    int number = operator.input(rule.weights().get(0));
    return objection.isEmpty() ? bias(operator, rule, graph.tensor(number)) : objection;
  }

  private Reason bias(Operator operator, OpRule rule, Tensor weights) {
    int bias = operator.input(rule.bias());
    if (bias < 0) {
      return Reason.NONE;
    }
    int channels = weights.dimension(rule.axis().of(operator, weights));
    return graph.tensor(bias).elements() == channels
        ? constant(bias)
        : Reason.of(Code.KERNEL_LIMIT, "its bias does not have a value per channel");
  }

  /** Why a tensor cannot be stored as integers; none if it can. */
  Reason constant(int number) {
    if (number < 0) {
      return Reason.of(Code.KERNEL_LIMIT, "it has no weights");
    }
    Tensor tensor = graph.tensor(number);
    String name = tensor.name();
    if (tensor.type() != TensorType.FLOAT32) {
      return Reason.of(Code.OTHER_TYPE, "", name, " is " + tensor.type() + " already");
    }
    if (!graph.isConstant(number)) {
      return Reason.of(Code.NOT_CONSTANT, "", name, " is computed, not a constant");
    }
    if (tensor.isEncoded()) {
      return Reason.of(Code.NOT_READABLE, "", name, " is sparse or lies in another file");
    }
    return WeightScales.finite(graph.contents(number))
        ? Reason.NONE
        : Reason.of(Code.NOT_FINITE, "", name, " holds NaN or infinity");
  }
}
