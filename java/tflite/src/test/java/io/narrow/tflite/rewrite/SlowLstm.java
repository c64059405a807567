package io.narrow.tflite.rewrite;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The only operator of a model, an LSTM, as textbooks have it: in double, number by number. It
 * keeps its state from one run to the next, and the ranges of all that it computes.
 */
public final class SlowLstm {
  /** Stands for the cell among the {@link #ranges}, beside the numbers of intermediates. */
  public static final int CELL = -1;

  private final Model model;
  private final Subgraph graph;
  private final Operator operator;
  private final int batch;
  private final int cells;
  private final int outputs;
  private final Map<Integer, FloatRange> ranges = new TreeMap<>();
  private double[][] output;
  private double[][] cell;

  public SlowLstm(Model model) {
    this.model = model;
    graph = model.subgraphs().get(0);
    operator = graph.operators().get(0);
    batch = graph.tensor(operator.input(19)).dimension(0);
    cells = graph.tensor(operator.input(19)).dimension(1);
    outputs = graph.tensor(operator.input(18)).dimension(1);
    reset();
  }

  /** Begins a new sequence. */
  public void reset() {
    output = new double[batch][outputs];
    cell = new double[batch][cells];
  }

  /** Of all runs so far. */
  public Map<Integer, FloatRange> ranges() {
    return ranges;
  }

  /** Computes the output for an input, both in the layout of the operator. */
  public float[] run(float[] input) {
    Tensor x = graph.tensor(operator.input(0));
    int inputs = x.dimension(x.rank() - 1);
    int steps = input.length / batch / inputs;
    float[] result = new float[batch * steps * outputs];
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < steps; t++) {
        int at = operator.option("time_major") != 0 ? t * batch + b : b * steps + t;
        double[] now = new double[inputs];
        for (int i = 0; i < inputs; i++) {
          now[i] = input[at * inputs + i];
        }
        step(b, now);
        for (int i = 0; i < outputs; i++) {
          result[at * outputs + i] = (float) output[b][i];
        }
      }
    }
    return result;
  }

  private void step(int b, double[] input) {
    double[] forget = gate(1, b, input);
    double[] fresh = gate(2, b, input);
    double[] take = operator.input(1) < 0 ? null : gate(0, b, input);
    for (int k = 0; k < cells; k++) {
      double part = take == null ? 1 - sigmoid(forget[k]) : sigmoid(take[k]);
      double now = sigmoid(forget[k]) * cell[b][k] + part * Math.tanh(fresh[k]);
      cell[b][k] = clip(now, operator.realOption("cell_clip"));
      see(CELL, cell[b][k]);
    }
    double[] through = gate(3, b, input);
    double[] hidden = new double[cells];
    for (int k = 0; k < cells; k++) {
      hidden[k] = sigmoid(through[k]) * Math.tanh(cell[b][k]);
      see(4, hidden[k]);
    }
    if (operator.input(16) < 0) {
      output[b] = hidden;
      return;
    }
    for (int i = 0; i < outputs; i++) {
      double sum = operator.input(17) < 0 ? 0 : value(17, i);
      for (int k = 0; k < cells; k++) {
        sum += value(16, i * cells + k) * hidden[k];
      }
      output[b][i] = clip(sum, operator.realOption("proj_clip"));
    }
  }

  private double[] gate(int gate, int b, double[] input) {
    int peephole = new int[] {9, 10, -1, 11}[gate];
    boolean normalized = operator.input(21) >= 0;
    double[] sums = new double[cells];
    for (int k = 0; k < cells; k++) {
      sums[k] = normalized ? 0 : value(12 + gate, k);
      for (int i = 0; i < input.length; i++) {
        sums[k] += value(1 + gate, k * input.length + i) * input[i];
      }
      for (int i = 0; i < outputs; i++) {
        sums[k] += value(5 + gate, k * outputs + i) * output[b][i];
      }
      if (peephole >= 0 && operator.input(peephole) >= 0) {
        sums[k] += value(peephole, k) * cell[b][k];
      }
      see(gate, sums[k]);
    }
    if (!normalized) {
      return sums;
    }
    double mean = 0;
    double square = 0;
    for (double sum : sums) {
      mean += sum / cells;
      square += sum * sum / cells;
    }
    double deviation = Math.sqrt(square - mean * mean);
    for (int k = 0; k < cells; k++) {
      sums[k] = (sums[k] - mean) / deviation * value(20 + gate, k) + value(12 + gate, k);
    }
    return sums;
  }

  private double value(int place, int i) {
    return model.contents(graph.tensor(operator.input(place))).getFloat(Float.BYTES * i);
  }

  private void see(int what, double value) {
    float seen = (float) value;
    ranges.merge(what, new FloatRange(seen, seen, 0, 0), FloatRange::merge);
  }

  private static double clip(double value, double limit) {
    return limit > 0 ? Math.max(-limit, Math.min(limit, value)) : value;
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The ranges over the inputs that {@link RuntimeComparison} feeds. */
  static Ranges ofRandomRuns(Path file, float offset) {
    SlowLstm slow = new SlowLstm(Model.read(file));
    try (Interpreter interpreter =
        Interpreter.open(file, Interpreter.Options.DEFAULT.withPreserveAllTensors(true))) {
      RuntimeComparison.run(interpreter, offset, () -> slow.run(floats(interpreter.input(0))));
    }
    MeasuredRanges others = MeasuredRanges.ofRandomRuns(file, offset);
    int cellState = slow.operator.input(19);
    return new Ranges() {
      @Override
      public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
        return tensor == cellState
            ? Optional.of(slow.ranges.get(CELL))
            : others.range(subgraph, tensor, whole);
      }

      @Override
      public Optional<FloatRange> intermediate(
          int subgraph, int output, int number, boolean whole) {
        return Optional.ofNullable(slow.ranges.get(number));
      }
    };
  }

  public static float[] floats(ByteBuffer bytes) {
    float[] floats = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(floats);
    return floats;
  }
}
