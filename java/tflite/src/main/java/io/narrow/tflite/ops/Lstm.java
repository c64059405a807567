package io.narrow.tflite.ops;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the operands of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM are to it, by their place among its
 * inputs. Gates are numbered: 0 input, 1 forget, 2 cell, 3 output.
 *
 * @param operator one of these two
 */
public record Lstm(Operator operator) {
  public static final int FORGET_GATE = 1;
  public static final int CELL_GATE = 2;
  public static final int OUTPUT_GATE = 3;

  /** Place of the weights of the projection. */
  public static final int PROJECTION = 16;

  public static final int PROJECTION_BIAS = 17;
  public static final int OUTPUT_STATE = 18;
  public static final int CELL_STATE = 19;

  /**
   * The values inside it whose scales an integer kernel has to know, by number: the gates before
   * their layer normalization, and what the projection is applied to.
   */
  public static final List<String> INTERMEDIATES =
      List.of("input_gate", "forget_gate", "cell_gate", "output_gate", "hidden");

  /** Number of the last of them. */
  public static final int HIDDEN = 4;

  private static final Set<Integer> COUNTS = Set.of(20, 24);

  /** Whether an operator is one of these. */
  public static boolean is(Operator operator) {
    return OpRules.of(operator.name())
        .integer()
        .filter(rule -> rule.scales() == IntegerRule.Scales.LSTM)
        .isPresent();
  }

  /** Place of the weights of a gate that are applied to the input. */
  public static int inputWeights(int gate) {
    return 1 + gate;
  }

  /** Place of the weights of a gate that are applied to the output of the step before. */
  public static int recurrentWeights(int gate) {
    return 5 + gate;
  }

  /** Place of the weights of a gate that are applied to the cell; the cell gate has none. */
  public static int peephole(int gate) {
    return gate == CELL_GATE ? -1 : gate == OUTPUT_GATE ? 11 : 9 + gate;
  }

  public static int bias(int gate) {
    return 12 + gate;
  }

  /** Place of what a gate is multiplied with after its layer normalization. */
  public static int coefficients(int gate) {
    return 20 + gate;
  }

  /** Number of a tensor, -1 if the operator does not have it. */
  public int tensor(int place) {
    return place < 0 ? -1 : operator.input(place);
  }

  private boolean has(int place) {
    return tensor(place) >= 0;
  }

  /** The gates that it has: in place of the input gate it may use what the forget gate leaves. */
  public List<Integer> gates() {
    int first = has(inputWeights(0)) ? 0 : FORGET_GATE;
    return IntStream.rangeClosed(first, OUTPUT_GATE).boxed().toList();
  }

  public boolean hasPeephole() {
    return has(peephole(OUTPUT_GATE));
  }

  public boolean hasProjection() {
    return has(PROJECTION);
  }

  public boolean hasLayerNormalization() {
    return has(coefficients(FORGET_GATE));
  }

  /** Numbers of those of the {@link #INTERMEDIATES} that it has. */
  public List<Integer> intermediates() {
    List<Integer> numbers = new ArrayList<>(hasLayerNormalization() ? gates() : List.of());
    if (hasProjection()) {
      numbers.add(HIDDEN);
    }
    return numbers;
  }

  /** Places of the constants that it has. */
  public List<Integer> constants() {
    return IntStream.range(1, operator.inputs().length)
        .filter(place -> place != OUTPUT_STATE && place != CELL_STATE && has(place))
        .boxed()
        .toList();
  }

  /** Size of its cell. */
  public int cells(Subgraph graph) {
    return (int) graph.tensor(tensor(bias(FORGET_GATE))).elements();
  }

  /** Size of its output. */
  public int outputs(Subgraph graph) {
    return columns(graph.tensor(tensor(recurrentWeights(FORGET_GATE))));
  }

  /**
   * What keeps it from being a complete LSTM of the usual shapes, in words; empty if nothing does.
   */
  public String objection(Subgraph graph) {
    if (!COUNTS.contains(operator.inputs().length)) {
      return "it has " + operator.inputs().length + " inputs, and only with 20 or 24 a kernel";
    }
    for (int place : required()) {
      if (!has(place)) {
        return "it has no input " + place;
      }
    }
    for (int place : constants()) {
      Tensor tensor = graph.tensor(tensor(place));
      int[] usual = usualShape(place, graph);
      if (!Arrays.equals(tensor.shape(), usual) || tensor.elements() == 0) {
        String name = "`" + tensor.name() + "`";
        return name + " has shape " + tensor.shapeText() + ", usual is " + Arrays.toString(usual);
      }
    }
    long states = graph.tensor(tensor(CELL_STATE)).elements();
    return states == 0 || states % cells(graph) != 0 ? "its cell state has no usual shape" : "";
  }

  private List<Integer> required() {
    List<Integer> places = new ArrayList<>(List.of(0, OUTPUT_STATE, CELL_STATE));
    for (int gate : gates()) {
      places.addAll(List.of(inputWeights(gate), recurrentWeights(gate), bias(gate)));
      if (hasLayerNormalization()) {
        places.add(coefficients(gate));
      }
    }
    return places;
  }

  private static int columns(Tensor tensor) {
    return tensor.rank() == 0 ? 1 : tensor.dimension(tensor.rank() - 1);
  }

  private int[] usualShape(int place, Subgraph graph) {
    int cells = cells(graph);
    int outputs = outputs(graph);
    if (place >= inputWeights(0) && place <= inputWeights(OUTPUT_GATE)) {
      return new int[] {cells, columns(graph.tensor(tensor(0)))};
    }
    if (place >= recurrentWeights(0) && place <= recurrentWeights(OUTPUT_GATE)) {
      return new int[] {cells, outputs};
    }
    return switch (place) {
      case PROJECTION -> new int[] {outputs, cells};
      case PROJECTION_BIAS -> new int[] {outputs};
      default -> new int[] {cells};
    };
  }
}
