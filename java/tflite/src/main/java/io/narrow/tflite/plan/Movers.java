package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRules;
import java.util.HashSet;
import java.util.Set;

/**
 * Operators that only move values, or choose among them, gain nothing from integers where no
 * neighbour computes in integers: they would lose precision, and a QUANTIZE and a DEQUANTIZE would
 * be added around them.
 */
final class Movers {
  private final Graph graph;
  private final String[] objections;

  Movers(Graph graph, String[] objections) {
    this.graph = graph;
    this.objections = objections;
  }

  void leaveFloat() {
    Set<Integer> touched = new HashSet<>(); // tensors that something else has as integers
    if (graph.isEntry()) {
      addBoundary(touched, graph.recipe().inputType(), graph.subgraph().inputs());
      addBoundary(touched, graph.recipe().outputType(), graph.subgraph().outputs());
    }
    Set<Integer> waiting = new HashSet<>();
    for (int i = 0; i < objections.length; i++) {
      if (!objections[i].isEmpty()) {
        continue;
      }
      if (rule(i).scales().same()) {
        waiting.add(i);
      } else {
        touch(touched, i);
      }
    }
    for (boolean changed = true; changed; ) {
      changed = waiting.removeIf(i -> reached(touched, i) && touch(touched, i));
    }
    for (int i : waiting) {
      objections[i] = "it only moves values, and no operator beside it computes in integers";
    }
  }

  private IntegerRule rule(int operator) {
    return OpRules.of(graph.operator(operator).name()).integer().orElseThrow();
  }

  private boolean reached(Set<Integer> touched, int number) {
    Operator operator = graph.operator(number);
    for (int place = 0; place < operator.inputs().length; place++) {
      if (rule(number).reads(place) && touched.contains(operator.input(place))) {
        return true;
      }
    }
    for (int output : operator.outputs()) {
      if (touched.contains(output)) {
        return true;
      }
    }
    return false;
  }

  private boolean touch(Set<Integer> touched, int number) {
    Operator operator = graph.operator(number);
    for (int place = 0; place < operator.inputs().length; place++) {
      if (rule(number).reads(place)) {
        touched.add(operator.input(place));
      }
    }
    add(touched, operator.outputs());
    return true;
  }

  private static void addBoundary(Set<Integer> touched, TensorType type, int[] tensors) {
    if (type != TensorType.FLOAT32) {
      add(touched, tensors);
    }
  }

  private static void add(Set<Integer> touched, int[] tensors) {
    for (int tensor : tensors) {
      touched.add(tensor);
    }
  }
}
