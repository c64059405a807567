package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Plans of what operators that compute in integers keep to themselves: states, intermediates. */
final class RecurrentPlans {
  private final Graph graph;
  private final Map<Integer, ActivationPlan> plans = new HashMap<>();
  private final Map<Integer, Reason> notes = new HashMap<>();

  RecurrentPlans(Graph graph) {
    this.graph = graph;
  }

  void add(IntegerOperator integer) {
    int number = integer.operator();
    Operator operator = graph.operator(number);
    String owner = operator.name() + " (operator " + number + ")";
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      if (tensor >= 0 && graph.tensor(tensor).isVariable()) {
        boolean shared = Lstm.is(operator) && place == Lstm.OUTPUT_STATE;
        boolean cell = Lstm.is(operator) && place == Lstm.CELL_STATE;
        String why =
            shared
                ? "with the scale of its output"
                : text(graph.range(tensor, TensorType.INT16))
                    + (cell ? ", its scale a power of two" : "");
        add(tensor, integer.inputs().get(place), "state of " + owner + ", " + why);
      }
    }
    if (integer.intermediates().isEmpty()) {
      return;
    }
    List<String> known = new ArrayList<>();
    for (int i : new Lstm(operator).intermediates()) {
      String name = Lstm.INTERMEDIATES.get(i);
      known.add(
          name
              + " "
              + text(graph.intermediate(number, i))
              + " as "
              + integer.intermediates().get(i));
    }
    notes.put(number, Reason.of(Code.QUANTIZED, String.join("; ", known)));
    for (int i = 0; i < operator.intermediates().length && i < Lstm.INTERMEDIATES.size(); i++) {
      String name = Lstm.INTERMEDIATES.get(i);
      add(operator.intermediates()[i], integer.intermediates().get(i), name + " of " + owner);
    }
  }

  private void add(int tensor, Encoding encoding, String text) {
    String name = graph.tensor(tensor).name();
    Reason reason = Reason.of(Code.QUANTIZED, text);
    plans.put(tensor, new ActivationPlan(graph.number(), tensor, name, encoding, encoding, reason));
  }

  private static String text(Optional<FloatRange> range) {
    return range.map(r -> "range [" + r.min() + ", " + r.max() + "]").orElseThrow();
  }

  /** The plan of a tensor that is one of these. */
  Optional<ActivationPlan> of(int tensor) {
    return Optional.ofNullable(plans.get(tensor));
  }

  /** What is to be said of an operator's intermediates; none if it has none. */
  Reason note(int operator) {
    return notes.getOrDefault(operator, Reason.NONE);
  }
}
