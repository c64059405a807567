package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;

/**
 * Operators that only move values, or choose among them, gain nothing from integers where no
 * neighbour computes in integers: they would lose precision, and a QUANTIZE and a DEQUANTIZE would
 * be added around them.
 */
final class Movers {
  private final Graph graph;
  private final Reason[] objections;
  private final Set<Integer> waiting = new HashSet<>();
  private final Set<Integer> touched = new HashSet<>(); // tensors that something has as integers
  private final Queue<Integer> fresh = new ArrayDeque<>(); // of these, not looked at yet

  Movers(Graph graph, Reason[] objections) {
    this.graph = graph;
    this.objections = objections;
  }

  void leaveFloat() {
    if (graph.isEntry()) {
      touchBoundary(graph.recipe().inputType(), graph.subgraph().inputs());
      touchBoundary(graph.recipe().outputType(), graph.subgraph().outputs());
    }
    for (int i = 0; i < objections.length; i++) {
      if (!objections[i].isEmpty()) {
        continue;
      }
      if (graph.rule(i).scales().same()) {
        waiting.add(i);
      } else {
        touch(i);
      }
    }
    while (!fresh.isEmpty()) {
      int tensor = fresh.remove();
      graph.producer(tensor).ifPresent(this::reach);
      for (Subgraph.Reader reader : graph.readers(tensor)) {
        if (waiting.contains(reader.operator())
            && graph.rule(reader.operator()).reads(reader.place())) {
          reach(reader.operator());
        }
      }
    }
    for (int i : waiting) {
      objections[i] =
          Reason.of(
              Code.GAINS_NOTHING,
              "it only moves values, and no operator beside it computes in integers");
    }
  }

  private void reach(int operator) {
    if (waiting.remove(operator)) {
      touch(operator);
    }
  }

  private void touch(int number) {
    Operator operator = graph.operator(number);
    for (int place = 0; place < operator.inputs().length; place++) {
      if (graph.rule(number).reads(place)) {
        touchTensor(operator.input(place));
      }
    }
    for (int output : operator.outputs()) {
      touchTensor(output);
    }
  }

  private void touchBoundary(TensorType type, int[] tensors) {
    if (type != TensorType.FLOAT32) {
      for (int tensor : tensors) {
        touchTensor(tensor);
      }
    }
  }

  private void touchTensor(int tensor) {
    if (touched.add(tensor)) {
      fresh.add(tensor);
    }
  }
}
