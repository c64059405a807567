package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Finds for the tensors of a quantized model those of the float model that hold the same values: by
 * name, where both have one of that name and shape; else by place, as what the operator of the same
 * kind writes that reads the same values; else as what the next operator of that kind writes, where
 * both models have as many of it.
 *
 * <p>The name of a constant is no pair: converters give those of operators they fuse to constants.
 */
final class Pairing {
  private static final int NONE = -1;

  private final GraphValues floats;
  private final GraphValues quantized;
  private final int[] pairs; // by number of the quantized model's tensor
  private final Map<String, Integer> names = new HashMap<>();
  private final Map<List<Object>, Deque<Integer>> places = new HashMap<>();
  private final Map<String, Deque<Integer>> kinds = new HashMap<>();
  private final Set<Integer> taken = new HashSet<>(); // operators of the float model

  private Pairing(GraphValues floats, GraphValues quantized) {
    this.floats = floats;
    this.quantized = quantized;
    this.pairs = new int[quantized.graph().tensors().size()];
    Arrays.fill(pairs, NONE);
  }

  /**
   * Pairs the tensors of the first subgraphs.
   *
   * @throws NarrowException if inputs or outputs do not correspond: the models are not of the same
   *     origin
   */
  static Pairing of(GraphValues floats, GraphValues quantized) {
    Pairing pairing = new Pairing(floats, quantized);
    pairing.index();
    pairing.pairInputs();
    for (Operator operator : quantized.graph().operators()) {
      pairing.pair(operator);
    }
    pairing.checkOutputs();
    return pairing;
  }

  /** The tensor of the float model that holds the values of one of the quantized model, or -1. */
  int floatTensor(int tensor) {
    return pairs[tensor];
  }

  /** The operator of the float model that computes what one of the quantized model does. */
  Optional<Operator> counterpart(Operator operator) {
    return IntStream.of(operator.outputs())
        .filter(output -> output >= 0 && pairs[output] >= 0)
        .mapToObj(output -> floats.graph().producer(pairs[output]))
        .flatMap(Optional::stream)
        .map(number -> floats.graph().operators().get(number))
        .findFirst();
  }

  private void index() {
    Subgraph graph = floats.graph();
    for (int t = 0; t < graph.tensors().size(); t++) {
      if (floats.isComputed(t)) {
        // Of a name that two have, it is not known which is meant.
        names.merge(graph.tensor(t).name(), t, (one, other) -> NONE);
      }
    }
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < graph.operators().size(); i++) {
      Operator operator = graph.operators().get(i);
      if (isPlaced(floats, operator)) {
        places.computeIfAbsent(place(operator, floats, t -> t), k -> new ArrayDeque<>()).add(i);
        kinds.computeIfAbsent(operator.name(), k -> new ArrayDeque<>()).add(i);
        counts.merge(operator.name(), 1, Integer::sum);
      }
    }
    for (Operator operator : quantized.graph().operators()) {
      if (isPlaced(quantized, operator)) {
        counts.merge(operator.name(), -1, Integer::sum);
      }
    }
    kinds.keySet().removeIf(kind -> counts.get(kind) != 0);
  }

  private static boolean isPlaced(GraphValues values, Operator operator) {
    return !GraphValues.converts(operator)
        && IntStream.of(operator.outputs()).anyMatch(values::isComputed);
  }

  /** What an operator is to a float model: its kind, and where the values it reads come from. */
  private static List<Object> place(Operator operator, GraphValues values, IntUnaryOperator named) {
    List<Integer> reads = new ArrayList<>();
    for (int input : operator.inputs()) {
      if (values.isComputed(input) && !values.isState(input)) {
        reads.add(named.applyAsInt(values.origin(input)));
      }
    }
    return List.of(operator.name(), reads);
  }

  private void pairInputs() {
    int[] wanted = floats.graph().inputs();
    int[] given = quantized.graph().inputs();
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < given.length; i++) {
      int named = named(given[i]);
      int at = named != NONE && floats.graph().isInput(named) ? named : NONE;
      if (at == NONE && wanted.length == given.length && fits(given[i], wanted[i])) {
        at = wanted[i];
      }
      pairs[given[i]] = at;
      if (at == NONE) {
        problems.add("input " + described(quantized, given[i]));
      }
    }
    if (!problems.isEmpty() || given.length != wanted.length) {
      throw unlike(
          problems.isEmpty() ? given.length + " inputs" : String.join(", ", problems),
          IntStream.of(wanted).mapToObj(t -> described(floats, t)).toList());
    }
  }

  private void checkOutputs() {
    List<String> problems = new ArrayList<>();
    for (int output : quantized.graph().outputs()) {
      if (quantized.isComputed(output) && pairs[output] == NONE) {
        problems.add("output " + described(quantized, output));
      }
    }
    if (!problems.isEmpty()) {
      throw unlike(
          String.join(", ", problems),
          IntStream.of(floats.graph().outputs()).mapToObj(t -> described(floats, t)).toList());
    }
  }

  private NarrowException unlike(String what, List<String> others) {
    return NarrowException.input(
        quantized.model().name()
            + " was not made of "
            + floats.model().name()
            + ": nothing there corresponds to "
            + what
            + "; it has "
            + String.join(", ", others));
  }

  private static String described(GraphValues values, int number) {
    Tensor tensor = values.graph().tensor(number);
    return "`" + tensor.name() + "` " + tensor.type() + tensor.shapeText().replace(" ", "");
  }

  private void pair(Operator operator) {
    int[] outputs = operator.outputs();
    boolean found = false;
    for (int output : outputs) {
      if (quantized.isComputed(output) && !quantized.isState(output) && pairs[output] == NONE) {
        int named = named(output);
        if (named != NONE) {
          pairs[output] = named;
          floats.graph().producer(named).ifPresent(taken::add);
          found = true;
        }
      }
    }
    if (GraphValues.converts(operator) && quantized.isComputed(outputs[0])) {
      int from = operator.input(0);
      if (!found) {
        pairs[outputs[0]] = pairs[from];
      } else if (pairs[from] == NONE && fits(from, pairs[outputs[0]])) {
        pairs[from] = pairs[outputs[0]];
      }
    } else if (!found && isPlaced(quantized, operator)) {
      pairByPlace(operator);
    }
  }

  private void pairByPlace(Operator operator) {
    Deque<Integer> same = places.getOrDefault(placeOf(operator), new ArrayDeque<>());
    int candidate = next(same, operator);
    if (candidate == NONE && kinds.containsKey(operator.name())) {
      candidate = next(kinds.get(operator.name()), operator);
    }
    if (candidate == NONE) {
      return;
    }
    taken.add(candidate);
    int[] written = floats.graph().operators().get(candidate).outputs();
    for (int i = 0; i < written.length; i++) {
      pairs[operator.outputs()[i]] = written[i];
    }
  }

  /** Where an operator of the quantized model would be in the float model. */
  private List<Object> placeOf(Operator operator) {
    return place(operator, quantized, t -> pairs[t] == NONE ? NONE : floats.origin(pairs[t]));
  }

  /** The first operator of these that is not taken and writes tensors of the same shapes. */
  private int next(Deque<Integer> candidates, Operator operator) {
    while (!candidates.isEmpty() && taken.contains(candidates.element())) {
      candidates
          .remove(); // so that a chain of one kind is not gone through from its start each time
    }
    for (int candidate : candidates) {
      int[] written = floats.graph().operators().get(candidate).outputs();
      boolean fits =
          written.length == operator.outputs().length
              && IntStream.range(0, written.length)
                  .allMatch(i -> fits(operator.outputs()[i], written[i]));
      if (fits && !taken.contains(candidate)) {
        return candidate;
      }
    }
    return NONE;
  }

  /** The computed tensor of the float model that has the name and the shape, -1 if none has. */
  private int named(int tensor) {
    int number = names.getOrDefault(quantized.graph().tensor(tensor).name(), NONE);
    return number != NONE && fits(tensor, number) ? number : NONE;
  }

  private boolean fits(int tensor, int floatTensor) {
    return Arrays.equals(
        quantized.graph().tensor(tensor).shape(), floats.graph().tensor(floatTensor).shape());
  }
}
