package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** A subgraph that is planned, with what is known of it. */
final class Graph {
  /** An operator that reads a tensor, and the place of the tensor among its inputs. */
  record Reader(int operator, int place) {}

  private final Model model;
  private final int number;
  private final Subgraph subgraph;
  private final Recipe recipe;
  private final Ranges ranges;
  private final Treatments treatments;
  private final Map<Integer, Integer> producers = new HashMap<>();
  private final Map<Integer, List<Reader>> readers = new HashMap<>();

  Graph(Model model, int number, Recipe recipe, Ranges ranges) {
    this.model = model;
    this.number = number;
    this.subgraph = model.subgraphs().get(number);
    this.recipe = recipe;
    this.ranges = ranges;
    this.treatments = new Treatments(model, subgraph, recipe);
    for (int i = 0; i < operators(); i++) {
      for (int tensor : operator(i).outputs()) {
        producers.put(tensor, i);
      }
      for (int place = 0; place < operator(i).inputs().length; place++) {
        readers
            .computeIfAbsent(operator(i).input(place), t -> new ArrayList<>())
            .add(new Reader(i, place));
      }
    }
  }

  Model model() {
    return model;
  }

  int number() {
    return number;
  }

  Subgraph subgraph() {
    return subgraph;
  }

  Recipe recipe() {
    return recipe;
  }

  Treatments treatments() {
    return treatments;
  }

  int operators() {
    return subgraph.operators().size();
  }

  Operator operator(int i) {
    return subgraph.operators().get(i);
  }

  Tensor tensor(int i) {
    return subgraph.tensor(i);
  }

  boolean isFloat(int tensor) {
    return tensor >= 0 && tensor(tensor).type() == TensorType.FLOAT32;
  }

  boolean isConstant(int tensor) {
    return model.isConstant(tensor(tensor));
  }

  ByteBuffer contents(int tensor) {
    return model.contents(tensor(tensor));
  }

  boolean isOutput(int tensor) {
    return IntStream.of(subgraph.outputs()).anyMatch(output -> output == tensor);
  }

  boolean isInput(int tensor) {
    return IntStream.of(subgraph.inputs()).anyMatch(input -> input == tensor);
  }

  /** Number of the operator that writes a tensor. */
  Optional<Integer> producer(int tensor) {
    return Optional.ofNullable(producers.get(tensor));
  }

  List<Reader> readers(int tensor) {
    return readers.getOrDefault(tensor, List.of());
  }

  /** The range of all values that were seen of a tensor. */
  Optional<FloatRange> seen(int tensor) {
    return ranges.range(number, tensor, true).filter(range -> !range.isEmpty());
  }

  /** The range of a tensor for codes of this type, empty if it was not seen or not finite. */
  Optional<FloatRange> range(int tensor, TensorType type) {
    return ranges.range(number, tensor, type == TensorType.INT16).filter(Graph::isFinite);
  }

  /** The range of an intermediate of an LSTM, likewise. */
  Optional<FloatRange> intermediate(int operator, int place) {
    int output = operator(operator).outputs()[0];
    return ranges.intermediate(number, output, place, place != Lstm.HIDDEN).filter(Graph::isFinite);
  }

  private static boolean isFinite(FloatRange range) {
    return !range.isEmpty() && range.nans() == 0 && range.infinities() == 0;
  }

  /** Whether there are ranges of anything computed in it. */
  boolean wasSeen() {
    return IntStream.range(0, subgraph.tensors().size())
        .anyMatch(t -> isFloat(t) && !isConstant(t) && seen(t).isPresent());
  }

  /** Why there are no ranges of anything computed in it. */
  String whyNotSeen() {
    if (number == 0) {
      return "it was not calibrated";
    }
    return isEntry()
        ? "there are no calibration data for signature `" + model.signatureOf(number) + "`"
        : "calibration cannot look into `" + subgraph.name() + "`, which another operator calls";
  }

  /** Whether the caller of the model gives its inputs and takes its outputs. */
  boolean isEntry() {
    return model.entries().contains(number);
  }
}
