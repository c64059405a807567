package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Operators that only move values, or choose among them, gain nothing from integers where no
 * neighbour computes in integers: they would lose precision, and a QUANTIZE and a DEQUANTIZE would
 * be added around them.
 */
final class DataMovement {
  private final Graph graph;
  private final Reason[] objections;
  private final Set<Integer> waiting = new HashSet<>();
  private final Set<Integer> touched = new HashSet<>(); // tensors that something has as integers
  private final Queue<Integer> fresh = new ArrayDeque<>(); // of these, not looked at yet

  DataMovement(Graph graph, Reason[] objections) {
    this.graph = graph;
    this.objections = objections;
  }

  void leaveFloat() {
    if (graph.isEntry()) {
      touchBoundary(graph.recipe().inputType(), graph.subgraph().inputs());
      touchBoundary(graph.recipe().outputType(), graph.subgraph().outputs());
    } else {
      leaveWhatIsPassed();
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

  /**
   * A body is given float32 and gives it at each call. Of a sequence it mostly reads a part or adds
   * one to it: to make integers of all of it at every step would cost the square of the steps.
   */
  private void leaveWhatIsPassed() {
    for (int i = 0; i < objections.length; i++) {
      if (isMover(i) && read(i).allMatch(this::isHeldAsFloat) && elements(read(i)) >= written(i)) {
        objections[i] = Reason.of(Code.GAINS_NOTHING, "it only moves what is float32 before it");
      }
    }
    for (int i = objections.length - 1; i >= 0; i--) {
      if (isMover(i)
          && IntStream.of(graph.operator(i).outputs()).allMatch(this::isTakenAsFloat)
          && elements(read(i).filter(tensor -> !isHeldAsFloat(tensor))) <= written(i)) {
        objections[i] = Reason.of(Code.GAINS_NOTHING, "it only moves what is float32 behind it");
      }
    }
  }

  private boolean isMover(int operator) {
    return objections[operator].isEmpty() && graph.rule(operator).scales().same();
  }

  /** The activations that a mover moves. */
  private IntStream read(int number) {
    Operator operator = graph.operator(number);
    return IntStream.range(0, operator.inputs().length)
        .filter(place -> graph.rule(number).reads(place))
        .map(operator::input)
        .filter(tensor -> tensor >= 0 && !graph.isConstant(tensor));
  }

  private long written(int operator) {
    return elements(IntStream.of(graph.operator(operator).outputs()));
  }

  private long elements(IntStream tensors) {
    return tensors.mapToLong(tensor -> graph.tensor(tensor).elements()).sum();
  }

  private boolean isHeldAsFloat(int tensor) {
    return graph.producer(tensor).map(producer -> !objections[producer].isEmpty()).orElse(true);
  }

  private boolean isTakenAsFloat(int tensor) {
    return graph.readers(tensor).stream()
        .noneMatch(reader -> objections[reader.operator()].isEmpty());
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
