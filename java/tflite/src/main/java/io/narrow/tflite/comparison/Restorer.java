package io.narrow.tflite.comparison;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Puts operators of a quantized model back to what they are in the float model: between a
 * DEQUANTIZE and a QUANTIZE operator where their operands and results are integers. Tensors of the
 * quantized model keep their numbers.
 */
final class Restorer {
  private final GraphValues floats;
  private final GraphValues quantized;
  private final Pairing pairing;
  private final Draft draft;
  private final Draft.Graph graph;
  private final Map<Integer, Integer> constants = new HashMap<>(); // by number in the float model
  private final Map<Integer, Integer> restored =
      new HashMap<>(); // results that are float, likewise

  /**
   * @param quantized the graph whose operators are restored
   * @param model that it is in
   * @param number of it there
   */
  Restorer(GraphValues floats, GraphValues quantized, Pairing pairing, Model model, int number) {
    this.floats = floats;
    this.quantized = quantized;
    this.pairing = pairing;
    this.draft = new Draft(model);
    this.graph = draft.graph(number);
  }

  Model model() {
    return draft.finish();
  }

  /**
   * Restores an operator. Of several, in the order of the float model, those that follow one
   * another pass on floats.
   *
   * @param number of the operator in the float model
   * @return why it cannot be, and nothing was changed; empty if it was
   */
  Optional<String> restore(int number) {
    Operator operator = floats.graph().operators().get(number);
    if (!operator.calls().isEmpty()) {
      return Optional.of("it calls another subgraph");
    }
    Map<Integer, List<Integer>> results = new HashMap<>(); // by number in the float model
    Set<Integer> writers = new HashSet<>();
    for (int output : operator.outputs()) {
      List<Integer> here = writtenFor(output);
      here.forEach(tensor -> quantized.graph().producer(tensor).ifPresent(writers::add));
      results.put(output, here);
    }
    if (writers.isEmpty()) {
      return Optional.of("no operator of the quantized model writes what it does");
    }
    int first = writers.stream().mapToInt(Integer::intValue).min().orElseThrow();
    for (int writer : writers) {
      for (int output : quantized.graph().operators().get(writer).outputs()) {
        if (results.values().stream().noneMatch(here -> here.contains(output))) {
          return Optional.of("what computes it here computes something else, too");
        }
      }
    }
    Map<Integer, Integer> operands = new HashMap<>();
    for (int input : operator.inputs()) {
      if (restored.containsKey(input)) {
        operands.put(input, restored.get(input));
      } else if (floats.isComputed(input) && !floats.isState(input)) {
        Optional<Integer> here = operand(input, first);
        if (here.isEmpty()) {
          return Optional.of(
              "nothing holds its operand `" + floats.graph().tensor(input).name() + "`");
        }
        operands.put(input, here.get());
      } else if (input >= 0 && !isOwn(input)) {
        String name = floats.graph().tensor(input).name();
        return Optional.of("its operand `" + name + "` is a handle, or depends on a shape");
      }
    }
    writers.forEach(graph::remove);
    write(operator, operands, results, first);
    return Optional.empty();
  }

  private void write(
      Operator operator,
      Map<Integer, Integer> operands,
      Map<Integer, List<Integer>> results,
      int behind) {
    Operator back = operator;
    for (int place = 0; place < operator.inputs().length; place++) {
      int input = operator.input(place);
      if (input >= 0) {
        int here =
            operands.containsKey(input) ? real(operands.get(input), input, behind) : own(input);
        back = back.withInput(place, here);
      }
    }
    List<Operator> conversions = new ArrayList<>();
    for (int place = 0; place < operator.outputs().length; place++) {
      int output = operator.outputs()[place];
      int written = -1;
      for (int tensor : results.get(output)) {
        TensorType type = quantized.graph().tensor(tensor).type();
        boolean same = type == floats.graph().tensor(output).type();
        if (same && written < 0) {
          written = tensor;
        }
      }
      written = written < 0 ? copy(output) : written;
      for (int tensor : results.get(output)) {
        if (tensor != written) {
          TensorType type = quantized.graph().tensor(tensor).type();
          conversions.add(OpRules.quantize(written, type, tensor));
        }
      }
      back = back.withOutput(place, written);
      restored.put(output, written);
    }
    graph.addAfter(behind, back);
    conversions.forEach(conversion -> graph.addAfter(behind, conversion));
  }

  /**
   * The tensors that are written in place of one of the float model: by operators other than
   * conversions, and by those that make floats of it again, so that it need not be rounded.
   */
  private List<Integer> writtenFor(int output) {
    return IntStream.range(0, quantized.graph().tensors().size())
        .filter(t -> pairing.floatTensor(t) == output)
        .filter(
            t ->
                quantized.graph().producer(t).stream()
                    .map(quantized.graph().operators()::get)
                    .anyMatch(
                        writer ->
                            !GraphValues.converts(writer)
                                || quantized.graph().tensor(t).type() == TensorType.FLOAT32
                                    && pairing.floatTensor(writer.input(0)) == output))
        .boxed()
        .toList();
  }

  /**
   * The tensor that holds the values of one of the float model before an operator: floats first.
   */
  private Optional<Integer> operand(int input, int before) {
    Subgraph here = quantized.graph();
    int origin = floats.origin(input);
    return IntStream.range(0, here.tensors().size())
        .filter(t -> pairing.floatTensor(t) >= 0)
        .filter(t -> floats.origin(pairing.floatTensor(t)) == origin)
        .filter(t -> here.isInput(t) || here.producer(t).filter(p -> p < before).isPresent())
        .boxed()
        .max(Comparator.comparingInt(t -> here.tensor(t).type().bits()));
  }

  /** The number of a tensor with the same values in the type of the float model. */
  private int real(int tensor, int input, int behind) {
    if (restored.containsKey(input)) {
      return tensor;
    }
    TensorType from = quantized.graph().tensor(tensor).type();
    if (from == floats.graph().tensor(input).type()) {
      return tensor;
    }
    int number = copy(input);
    graph.addAfter(behind, OpRules.dequantize(tensor, from, false, number));
    return number;
  }

  /** A tensor of the float model without its contents. */
  private int copy(int tensor) {
    Tensor own = floats.graph().tensor(tensor);
    return graph.add(own.withBuffer(0).withName(own.name() + "_restored"));
  }

  /** Whether {@link #own} can bring a tensor along. */
  private boolean isOwn(int tensor) {
    Tensor own = floats.graph().tensor(tensor);
    Optional<Operator> writer =
        floats.graph().producer(tensor).map(floats.graph().operators()::get);
    return own.isVariable()
        || floats.model().isConstant(own)
        || writer.filter(w -> !OpRules.of(w.name()).ofShape() && w.calls().isEmpty()).isPresent()
            && IntStream.of(writer.get().inputs()).allMatch(t -> t < 0 || isOwn(t));
  }

  /** A constant, a state, or what is computed from constants alone. */
  private int own(int tensor) {
    Integer known = constants.get(tensor);
    if (known != null) {
      return known;
    }
    Tensor own = floats.graph().tensor(tensor);
    int number;
    if (floats.model().isConstant(own)) {
      int buffer = draft.addBuffer(floats.model().buffers().get(own.buffer()));
      number = graph.add(own.withBuffer(buffer).withName(own.name() + "_restored"));
    } else {
      number = copy(tensor);
      floats
          .graph()
          .producer(tensor)
          .map(floats.graph().operators()::get)
          .ifPresent(
              operator -> {
                Operator made = operator.withOutput(0, number);
                for (int place = 0; place < operator.inputs().length; place++) {
                  if (operator.input(place) >= 0) {
                    made = made.withInput(place, own(operator.input(place)));
                  }
                }
                graph.addFirst(made);
              });
    }
    constants.put(tensor, number);
    return number;
  }
}
