package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.List;

/**
 * Why LSTM and SVDF cannot compute in integers (specification section 3.5), as far as other
 * operators have no such reasons.
 */
final class RecurrentSupport {
  /** Above it the kernel (seen with 2.21) leaves out the tanh of the cell, without a word. */
  private static final float LARGEST_CELL = 64;

  private final Graph graph;
  private final IntegerSupport support;

  /**
   * @param support knows about constants and ranges
   */
  RecurrentSupport(Graph graph, IntegerSupport support) {
    this.graph = graph;
    this.support = support;
  }

  /** {@link Reason#NONE} if there is none. */
  Reason objection(int number, Scales scales) {
    Operator operator = graph.operator(number);
    return scales == Scales.LSTM ? lstm(number, new Lstm(operator)) : svdf(operator);
  }

  private Reason lstm(int number, Lstm lstm) {
    Reason objection = Reason.of(Code.KERNEL_LIMIT, lstm.objection(graph.subgraph()));
    if (!objection.isEmpty()) {
      return objection;
    }
    int cells = lstm.cells(graph.subgraph());
    if (lstm.hasPeephole() && cells != lstm.outputs(graph.subgraph())) {
      return Reason.of(
          Code.KERNEL_LIMIT,
          "its integer kernel has peepholes to as many cells as there are outputs, not to all");
    }
    int cell = lstm.tensor(Lstm.CELL_STATE);
    List<Reason> all = new ArrayList<>();
    lstm.constants().forEach(place -> all.add(support.constant(lstm.tensor(place))));
    all.add(state(lstm.tensor(Lstm.OUTPUT_STATE)));
    all.add(state(cell));
    all.add(support.unknown(cell, TensorType.INT16));
    for (int each : lstm.intermediates()) {
      boolean known = graph.intermediate(number, each).isPresent();
      String unknown = "calibration saw no value of its " + Lstm.INTERMEDIATES.get(each);
      all.add(known ? Reason.NONE : Reason.of(Code.NOT_SEEN, unknown));
    }
    objection = first(all);
    if (!objection.isEmpty()) {
      return objection;
    }
    FloatRange range = graph.range(cell, TensorType.INT16).orElseThrow();
    float largest = Math.max(-range.min(), range.max());
    return largest > LARGEST_CELL
        ? Reason.of(
            Code.KERNEL_LIMIT,
            "its cell reaches " + largest + ", and in its integer kernel only " + LARGEST_CELL)
        : Reason.NONE;
  }

  private Reason svdf(Operator operator) {
    OpRule rule = OpRules.of(operator.name());
    List<Reason> all = new ArrayList<>();
    for (int place : rule.weights()) {
      all.add(support.constant(operator.input(place)));
      all.add(filters(operator.input(place), operator.option("rank")));
    }
    int bias = operator.input(rule.bias());
    all.add(bias < 0 ? Reason.NONE : support.constant(bias));
    int state = operator.input(rule.state());
    all.add(state(state));
    all.add(state < 0 ? Reason.NONE : support.unknown(state, TensorType.INT16));
    return first(all);
  }

  /** Weights are a matrix of so many rows for each unit. */
  private Reason filters(int number, long each) {
    boolean usual =
        number >= 0
            && each > 0
            && graph.tensor(number).rank() == 2
            && graph.tensor(number).elements() > 0
            && graph.tensor(number).dimension(0) % each == 0;
    return usual ? Reason.NONE : Reason.of(Code.KERNEL_LIMIT, "its weights have no usual shape");
  }

  private static Reason first(List<Reason> objections) {
    return objections.stream().filter(each -> !each.isEmpty()).findFirst().orElse(Reason.NONE);
  }

  /** A state becomes of a type that only its operator understands. */
  private Reason state(int number) {
    if (number < 0) {
      return Reason.of(Code.KERNEL_LIMIT, "it has no state");
    }
    Tensor tensor = graph.tensor(number);
    if (!tensor.isVariable() || tensor.type() != TensorType.FLOAT32) {
      return Reason.of(Code.STATE, "its state ", tensor.name(), " is no float32 variable");
    }
    boolean alone =
        graph.readers(number).size() == 1
            && (graph.producer(number).isEmpty() || graph.clearing(number).isPresent())
            && !graph.isInput(number)
            && !graph.isOutput(number);
    return alone
        ? Reason.NONE
        : Reason.of(Code.STATE, "its state ", tensor.name(), " is used elsewhere too");
  }
}
