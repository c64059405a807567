package io.narrow.tflite.fold;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Folds one subgraph of a model. */
final class GraphFold {
  private static final Reason SPARSE = Reason.of(Code.SPARSE, "stored sparse");

  private final Model model;
  private final Draft.Graph graph;
  private final int number;
  private final Contents contents;
  private final int[] instead; // of a tensor: the one that is read in its place
  private final int[] reads; // of a tensor: how often operators read it
  private final BitSet boundary = new BitSet(); // tensors whose number and name others use
  private final BitSet written = new BitSet(); // by an operator that is still there
  private final Map<Integer, Known> known = new HashMap<>();
  private final Map<Integer, Constant> constants = new HashMap<>(); // made by folding
  private final Map<Integer, Reason> changed = new HashMap<>();
  private final List<Integer> order = new ArrayList<>(); // in which they were changed

  GraphFold(Model model, Draft.Graph graph, int number, Contents contents) {
    this.model = model;
    this.graph = graph;
    this.number = number;
    this.contents = contents;
    int tensors = graph.before().tensors().size();
    instead = IntStream.range(0, tensors).toArray();
    reads = new int[tensors];
    IntStream.of(graph.before().inputs()).forEach(boundary::set);
    IntStream.of(graph.before().outputs()).forEach(boundary::set);
    for (Signature signature : model.signatures()) {
      if (signature.subgraph() == number) {
        signature.inputs().values().forEach(boundary::set);
        signature.outputs().values().forEach(boundary::set);
      }
    }
    for (Operator operator : graph.before().operators()) {
      IntStream.of(operator.inputs()).filter(t -> t >= 0).forEach(t -> reads[t]++);
      IntStream.of(operator.outputs()).forEach(written::set);
    }
  }

  /**
   * @param activations whether their encodings become known, and what rounds to them goes
   */
  void fold(boolean activations) {
    int operators = graph.before().operators().size();
    for (boolean again = true; again; ) {
      again = false; // what stands before its operands is seen in the next round
      for (int i = 0; i < operators; i++) {
        if (!graph.isRemoved(i)) {
          graph.replace(i, graph.operator(i).renumbered(t -> written.get(t) ? t : instead[t]));
          again |= constant(i) || activations && (pair(i) || fakeQuantized(i));
        }
      }
    }
    for (int i = 0; i < operators; i++) {
      if (!graph.isRemoved(i)) {
        graph.replace(i, read(graph.operator(i)));
        besideFloats(i);
      }
    }
  }

  /** Encodings by tensor, of those that are float32. */
  Map<Integer, Known> known() {
    return known;
  }

  List<Folded.Change> changes() {
    return order.stream()
        .distinct()
        .filter(t -> instead[t] == t)
        .map(t -> new Folded.Change(number, graph.tensor(t).name(), changed.get(t)))
        .toList();
  }

  /** The operator with what is read instead of its operands. */
  private Operator read(Operator operator) {
    Operator changed = operator;
    for (int place = 0; place < operator.inputs().length; place++) {
      int tensor = operator.input(place);
      if (tensor >= 0 && instead(tensor) != tensor) {
        changed = changed.withInput(place, instead(tensor));
      }
    }
    return changed;
  }

  private int instead(int tensor) {
    int last = tensor;
    while (instead[last] != last) {
      last = instead[last];
    }
    return last;
  }

  /** A tensor with contents that nothing can change, sparse ones with all their zeros. */
  private Optional<Constant> constant(Tensor tensor, int t) {
    if (constants.containsKey(t)) {
      return Optional.of(constants.get(t));
    }
    Buffer stored = contents.of(tensor.buffer());
    if (tensor.isVariable()
        || written.get(t)
        || graph.before().isInput(t)
        || tensor.isEncoded() && !tensor.isSparse()
        || stored.size() == 0) {
      return Optional.empty();
    }
    if (!tensor.isSparse()) {
      return Optional.of(Constant.of(tensor, stored));
    }
    try {
      Buffer dense = contents.computed(stored, List.of(tensor), () -> tensor.dense(stored));
      return Optional.of(Constant.of(tensor.holding(tensor), dense));
    } catch (NarrowException e) {
      throw model.problem(Kind.INPUT, "tensor `" + tensor.name() + "`: " + e.getMessage());
    }
  }

  /** Replaces an operator by what it gives, if that is constant. */
  private boolean constant(int i) {
    Operator operator = read(graph.operator(i));
    Optional<Evaluations.Evaluation> evaluation = Evaluations.of(operator.name());
    if (evaluation.isEmpty() || operator.outputs().length != 1 || operator.inputs().length == 0) {
      return false;
    }
    List<Constant> operands = new ArrayList<>();
    for (int input : operator.inputs()) {
      Optional<Constant> operand =
          input < 0 ? Optional.empty() : constant(graph.tensor(input), input);
      if (operand.isEmpty()) {
        return false;
      }
      operands.add(operand.get());
    }
    int output = operator.outputs()[0];
    Optional<Constant> result =
        evaluation.get().of(operator, operands, graph.tensor(output), contents);
    if (result.isEmpty() || graph.tensor(output).isVariable()) {
      return false;
    }
    Reason what = what(operator, operands.get(0));
    for (int input : operator.inputs()) {
      reads[input]--;
    }
    graph.remove(i);
    written.clear(output);
    place(operator.input(0), output, result.get(), what);
    return true;
  }

  private Reason what(Operator operator, Constant source) {
    return switch (operator.name()) {
      case "DEQUANTIZE" -> Reason.of(Code.FOLDED, "stored as " + source.tensor().type());
      case "DENSIFY" -> SPARSE;
      case "QUANTIZE", "FAKE_QUANT" -> Reason.of(Code.FOLDED, "with codes chosen in training");
      default -> Reason.of(Code.COMPUTED, "given by " + operator.name() + " of constants");
    };
  }

  /**
   * Puts a constant where its source stood if nothing else needs that, so that the model is that
   * which always had the constant; else where it was computed.
   */
  private void place(int source, int output, Constant constant, Reason what) {
    boolean free = reads[source] == 0 && !boundary.get(source) && !boundary.get(output);
    int place = free ? Math.min(source, output) : output;
    Tensor named = graph.tensor(place);
    graph.replace(
        place, named.holding(constant.tensor().withBuffer(contents.number(constant.contents()))));
    constants.put(place, new Constant(graph.tensor(place), constant.contents(), constant.known()));
    if (place != output) {
      instead[output] = place;
      reads[place] += reads[output];
    }
    known.remove(place);
    if (constant.tensor().type() == TensorType.FLOAT32) {
      constant.known().ifPresent(k -> known.put(place, k));
    }
    // What a constant was stored as says more than what moved it later.
    Reason before = changed.getOrDefault(source, what);
    changed.put(place, what.code() == Code.COMPUTED ? before : what);
    order.add(place);
  }

  /** Removes a QUANTIZE operator and the DEQUANTIZE operators behind it. */
  private boolean pair(int i) {
    Operator quantize = read(graph.operator(i));
    if (!quantize.name().equals("QUANTIZE") || quantize.outputs().length != 1) {
      return false;
    }
    int codes = quantize.outputs()[0];
    List<Integer> readers =
        graph.before().readers(codes).stream().map(reader -> reader.operator()).distinct().toList();
    boolean pair =
        !boundary.get(codes)
            && !readers.isEmpty()
            && readers.stream()
                .allMatch(
                    r -> graph.operator(r).name().equals("DEQUANTIZE") && !graph.isRemoved(r));
    Optional<Encoding> encoding = Codes.encoding(graph.tensor(codes));
    if (!pair || encoding.isEmpty() || !become(quantize.input(0), readers, encoding.get())) {
      return false;
    }
    graph.remove(i);
    return true;
  }

  private boolean fakeQuantized(int i) {
    Operator operator = read(graph.operator(i));
    if (!operator.name().equals("FAKE_QUANT")) {
      return false;
    }
    return Codes.fakeQuantized(operator, graph.tensor(operator.input(0)))
        .flatMap(Codes::encoding)
        .map(encoding -> become(operator.input(0), List.of(i), encoding))
        .orElse(false);
  }

  /**
   * Lets what is rounded to an encoding be read as it is, and the encoding be known.
   *
   * @param rounders operators that give the rounded values
   */
  private boolean become(int tensor, List<Integer> rounders, Encoding encoding) {
    Known before = known.get(tensor);
    int[] outputs = rounders.stream().mapToInt(r -> graph.operator(r).outputs()[0]).toArray();
    int[] given = IntStream.of(outputs).filter(boundary::get).toArray();
    Optional<Integer> producer = graph.before().producer(tensor);
    boolean movable = !boundary.get(tensor) && producer.isPresent() && reads[tensor] == 1;
    if (tensor < 0
        || graph.tensor(tensor).type() != TensorType.FLOAT32
        || IntStream.of(outputs).anyMatch(o -> graph.tensor(o).type() != TensorType.FLOAT32)
        || before != null && !before.encoding().equals(encoding)
        || given.length > 1
        || given.length == 1 && !movable) {
      return false;
    }
    for (int r : rounders) {
      graph.remove(r);
      written.clear(graph.operator(r).outputs()[0]);
    }
    int home = tensor;
    if (given.length == 1) {
      home = given[0];
      write(producer.get(), tensor, home);
      graph.replace(home, graph.tensor(home).holding(graph.tensor(tensor)));
    }
    reads[tensor]--;
    for (int output : outputs) {
      if (output != home) {
        instead[output] = home;
        reads[home] += reads[output];
      }
    }
    known.put(home, new Known(encoding, Optional.empty(), Codes.TRAINED));
    changed.put(home, Folded.TRAINED);
    order.add(home);
    return true;
  }

  private void write(int producer, int tensor, int home) {
    Operator operator = graph.operator(producer);
    for (int place = 0; place < operator.outputs().length; place++) {
      if (operator.outputs()[place] == tensor) {
        operator = operator.withOutput(place, home);
      }
    }
    graph.replace(producer, operator);
    written.clear(tensor);
    written.set(home);
    instead[tensor] = home;
  }

  /** Makes float32 of weights that kernels take in integers or sparse beside float activations. */
  private void besideFloats(int i) {
    Operator operator = graph.operator(i);
    OpRule rule = OpRules.of(operator.name());
    for (int place : rule.weights()) {
      int t = operator.input(place);
      if (t < 0 || boundary.get(t) || constants.containsKey(t)) {
        continue;
      }
      Tensor tensor = graph.tensor(t);
      boolean integers = Codes.isQuantized(tensor) && rule.kernel(tensor.type()).isPresent();
      if (!integers && !(tensor.isSparse() && tensor.type() == TensorType.FLOAT32)
          || !graph.before().readers(t).stream()
              .allMatch(r -> readsBesideFloats(r.operator(), t))) {
        continue;
      }
      Optional<Constant> stored = constant(tensor, t);
      Optional<Constant> values =
          integers ? stored.flatMap(s -> Codes.dequantize(s, contents)) : stored;
      values.ifPresent(
          v ->
              place(
                  t,
                  t,
                  v,
                  tensor.isSparse()
                      ? SPARSE
                      : Reason.of(
                          Code.FOLDED,
                          "stored as " + tensor.type() + " beside float32 activations")));
    }
  }

  private boolean readsBesideFloats(int i, int tensor) {
    Operator operator = graph.operator(i);
    OpRule rule = OpRules.of(operator.name());
    return !graph.isRemoved(i)
        && rule.hasWeights()
        && !rule.copiesRows()
        && operator.option("weights_format") == 0
        && graph.tensor(operator.outputs()[0]).type() == TensorType.FLOAT32
        && IntStream.range(0, operator.inputs().length)
            .allMatch(p -> operator.input(p) != tensor || rule.weights().contains(p));
  }
}
