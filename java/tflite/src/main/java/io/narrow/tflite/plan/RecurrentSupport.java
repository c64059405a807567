package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
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

  /** Empty if there is none. */
  String objection(int number, Scales scales) {
    Operator operator = graph.operator(number);
    return scales == Scales.LSTM ? lstm(number, new Lstm(operator)) : svdf(operator);
  }

  private String lstm(int number, Lstm lstm) {
    String objection = lstm.objection(graph.subgraph());
    if (!objection.isEmpty()) {
      return objection;
    }
    int cells = lstm.cells(graph.subgraph());
    if (lstm.hasPeephole() && cells != lstm.outputs(graph.subgraph())) {
      return "its integer kernel has peepholes to as many cells as there are outputs, not to all";
    }
    int cell = lstm.tensor(Lstm.CELL_STATE);
    List<String> all = new ArrayList<>();
    lstm.constants().forEach(place -> all.add(support.constant(lstm.tensor(place))));
    all.add(state(lstm.tensor(Lstm.OUTPUT_STATE)));
    all.add(state(cell));
    all.add(support.unknown(cell, TensorType.INT16));
    for (int each : lstm.intermediates()) {
      boolean known = graph.intermediate(number, each).isPresent();
      all.add(known ? "" : "calibration saw no value of its " + Lstm.INTERMEDIATES.get(each));
    }
    objection = first(all);
    if (!objection.isEmpty()) {
      return objection;
    }
    FloatRange range = graph.range(cell, TensorType.INT16).orElseThrow();
    float largest = Math.max(-range.min(), range.max());
    return largest > LARGEST_CELL
        ? "its cell reaches " + largest + ", and in its integer kernel only " + LARGEST_CELL
        : "";
  }

  private String svdf(Operator operator) {
    OpRule rule = OpRules.of(operator.name());
    List<String> all = new ArrayList<>();
    for (int place : rule.weights()) {
      all.add(support.constant(operator.input(place)));
      all.add(filters(operator.input(place), operator.option("rank")));
    }
    int bias = operator.input(rule.bias());
    all.add(bias < 0 ? "" : support.constant(bias));
    int state = operator.input(rule.state());
    all.add(state(state));
    all.add(state < 0 ? "" : support.unknown(state, TensorType.INT16));
    return first(all);
  }

  /** Weights are a matrix of so many rows for each unit. */
  private String filters(int number, long each) {
    boolean usual =
        number >= 0
            && each > 0
            && graph.tensor(number).rank() == 2
            && graph.tensor(number).elements() > 0
            && graph.tensor(number).dimension(0) % each == 0;
    return usual ? "" : "its weights have no usual shape";
  }

  private static String first(List<String> objections) {
    return objections.stream().filter(each -> !each.isEmpty()).findFirst().orElse("");
  }

  /** A state becomes of a type that only its operator understands. */
  private String state(int number) {
    if (number < 0) {
      return "it has no state";
    }
    Tensor tensor = graph.tensor(number);
    if (!tensor.isVariable() || tensor.type() != TensorType.FLOAT32) {
      return "its state `" + tensor.name() + "` is no float32 variable";
    }
    boolean alone =
        graph.readers(number).size() == 1
            && (graph.producer(number).isEmpty() || graph.clearing(number).isPresent())
            && !graph.isInput(number)
            && !graph.isOutput(number);
    return alone ? "" : "its state `" + tensor.name() + "` is used elsewhere too";
  }
}
