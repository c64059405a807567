package io.narrow.tflite.calibration;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.Lstm;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A step of an LSTM that has float32 constants, gate by gate as TensorFlow Lite's kernel computes
 * it. The output gate, on which the cell does not depend, is left out where nobody asks for it.
 */
final class LstmCell {
  /** What the kernel adds to a variance. */
  private static final double LEAST_VARIANCE = 1e-8;

  private final Model model;
  private final Subgraph graph;
  private final Lstm lstm;
  private final boolean normalized;
  private final List<Integer> gates;
  private final int cells;
  private final float[] inputWeights; // by input, then gate, then cell
  private final float[] recurrentWeights; // by output, then gate, then cell
  private final List<float[]> biases = new ArrayList<>(); // these by gate
  private final List<float[]> peepholes = new ArrayList<>();
  private final List<float[]> coefficients = new ArrayList<>();
  private final float clip;

  /**
   * @param operator one that {@link #fits}
   */
  LstmCell(Model model, Subgraph graph, Operator operator) {
    this.model = model;
    this.graph = graph;
    this.lstm = new Lstm(operator);
    normalized = lstm.hasLayerNormalization();
    boolean all = normalized || lstm.hasProjection();
    gates = lstm.gates().stream().filter(gate -> all || gate != Lstm.OUTPUT_GATE).toList();
    cells = lstm.cells(graph);
    inputWeights = byColumn(gates.stream().map(Lstm::inputWeights).toList());
    recurrentWeights = byColumn(gates.stream().map(Lstm::recurrentWeights).toList());
    for (int gate : gates) {
      biases.add(values(Lstm.bias(gate)));
      peepholes.add(values(Lstm.peephole(gate)));
      coefficients.add(values(Lstm.coefficients(gate)));
    }
    clip = operator.realOption("cell_clip");
  }

  /** Whether an operator is an LSTM with float32 constants, all of usual shapes, and tanh. */
  static boolean fits(Model model, Subgraph graph, Operator operator) {
    if (!Lstm.is(operator)
        || operator.option("fused_activation_function") != IntegerRule.TANH
        || !new Lstm(operator).objection(graph).isEmpty()) {
      return false;
    }
    return graph.tensor(operator.input(0)).type() == TensorType.FLOAT32
        && new Lstm(operator)
            .constants().stream()
                .map(place -> graph.tensor(operator.input(place)))
                .allMatch(
                    constant ->
                        constant.type() == TensorType.FLOAT32
                            && model.isConstant(constant)
                            && !constant.isEncoded());
  }

  private float[] values(int place) {
    int number = lstm.tensor(place);
    if (number < 0) {
      return new float[0];
    }
    FloatBuffer contents = model.contents(graph.tensor(number)).asFloatBuffer();
    float[] values = new float[contents.remaining()];
    contents.get(values);
    return values;
  }

  /** Matrices one upon the other, column after column: so their products are sums of vectors. */
  private float[] byColumn(List<Integer> places) {
    int columns = graph.tensor(lstm.tensor(places.get(0))).dimension(1);
    float[] all = new float[columns * places.size() * cells];
    for (int g = 0; g < places.size(); g++) {
      float[] rows = values(places.get(g));
      for (int i = 0; i < rows.length; i++) {
        all[(i % columns * places.size() + g) * cells + i / columns] = rows[i];
      }
    }
    return all;
  }

  /** How many there are. */
  int cells() {
    return cells;
  }

  int inputs() {
    return inputWeights.length / (gates.size() * cells);
  }

  private int outputs() {
    return recurrentWeights.length / (gates.size() * cells);
  }

  /** The first step of a sequence, which begins with zeros. */
  Step first() {
    return new Step();
  }

  /** What a step reads and writes, of one sequence. */
  final class Step {
    /** Input of the step. */
    final float[] input = new float[inputs()];

    /** Output of the step before. */
    final float[] output = new float[outputs()];

    /** The cell after the step before, and then after this. */
    final float[] cell = new float[cells];

    private final float[] hidden = new float[cells];
    private final float[] sums = new float[gates.size() * cells];
    private final float[] before = new float[gates.size() * cells]; // the normalization

    /** Computes the state of the cell from that of the step before, and the intermediates. */
    void compute() {
      for (int g = 0; g < gates.size(); g++) {
        float[] first = normalized ? new float[cells] : biases.get(g);
        System.arraycopy(first, 0, sums, g * cells, cells);
      }
      multiply(inputWeights, input);
      multiply(recurrentWeights, output);
      int output = gates.indexOf(Lstm.OUTPUT_GATE);
      IntStream.range(0, output < 0 ? gates.size() : output).forEach(this::finish);
      update();
      if (output > 0) {
        finish(output);
        for (int k = 0; k < cells; k++) {
          hidden[k] = (float) (sigmoid(sums[output * cells + k]) * tanh(cell[k]));
        }
      }
    }

    private void multiply(float[] byColumn, float[] vector) {
      for (int column = 0; column < vector.length; column++) {
        if (vector[column] != 0) {
          add(byColumn, column * sums.length, vector[column], sums);
        }
      }
    }

    /** A loop that the compiler turns into vector instructions. */
    private static void add(float[] from, int start, float by, float[] to) {
      for (int i = 0; i < to.length; i++) {
        to[i] += from[start + i] * by;
      }
    }

    private void finish(int gate) {
      int start = gate * cells;
      float[] peephole = peepholes.get(gate);
      for (int k = 0; k < peephole.length; k++) {
        sums[start + k] += peephole[k] * cell[k];
      }
      System.arraycopy(sums, start, before, start, cells);
      if (normalized) {
        normalize(start, coefficients.get(gate), biases.get(gate));
      }
    }

    private void normalize(int start, float[] by, float[] bias) {
      double mean = 0;
      for (int k = 0; k < cells; k++) {
        mean += sums[start + k] / (double) cells;
      }
      double variance = 0;
      for (int k = 0; k < cells; k++) {
        double distance = sums[start + k] - mean;
        variance += distance * distance / cells;
      }
      double factor = 1 / Math.sqrt(variance + LEAST_VARIANCE);
      for (int k = 0; k < cells; k++) {
        sums[start + k] = (float) ((sums[start + k] - mean) * factor * by[k] + bias[k]);
      }
    }

    private void update() {
      int forget = gates.indexOf(Lstm.FORGET_GATE) * cells;
      int values = gates.indexOf(Lstm.CELL_GATE) * cells;
      for (int k = 0; k < cells; k++) {
        double keep = sigmoid(sums[forget + k]);
        double take = forget == 0 ? 1 - keep : sigmoid(sums[k]);
        double now = keep * cell[k] + take * tanh(sums[values + k]);
        cell[k] = (float) (clip > 0 ? Math.max(-clip, Math.min(clip, now)) : now);
      }
    }

    /** The cell or, by number, an intermediate of the operator. */
    float[] values(int number) {
      if (number == Activation.ITSELF || number == Lstm.HIDDEN) {
        return number == Lstm.HIDDEN ? hidden : cell;
      }
      int start = gates.indexOf(number) * cells;
      return Arrays.copyOfRange(before, start, start + cells);
    }
  }

  /** With StrictMath, which gives the same on every machine, and so the same ranges. */
  private static double sigmoid(double x) {
    return 1 / (1 + StrictMath.exp(-x));
  }

  private static double tanh(double x) {
    return 2 * sigmoid(2 * x) - 1; // StrictMath.tanh takes three times as long
  }
}
