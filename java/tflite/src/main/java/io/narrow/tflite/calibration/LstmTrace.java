package io.narrow.tflite.calibration;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.Lstm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Computes again what an LSTM does not show in a run: its cell at every step, not only at the last,
 * and the values inside it whose scales an integer kernel has to know. Input and output of the
 * operator are known, and the output of a step is the state that the next one starts from: errors
 * of rounding build up only in the cell, which forgets.
 */
final class LstmTrace {
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final LstmCell cell;
  private final Operator operator;
  private final int batch;
  private final boolean given;
  private final boolean cleared;
  private final Map<Integer, ByteBuffer> values = new HashMap<>();
  private ByteBuffer kept = NOTHING;
  private ByteBuffer outputs = NOTHING; // the states that a run begins with, if not with zeros
  private ByteBuffer cells = NOTHING;

  /**
   * @param batch how many sequences run beside each other
   * @param given whether the input of the operator is one of the model
   * @param cleared whether the model sets the states itself: to zeros
   */
  private LstmTrace(LstmCell cell, Operator operator, int batch, boolean given, boolean cleared) {
    this.cell = cell;
    this.operator = operator;
    this.batch = batch;
    this.given = given;
    this.cleared = cleared;
    values.put(Activation.ITSELF, NOTHING);
    new Lstm(operator).intermediates().forEach(number -> values.put(number, NOTHING));
  }

  /** Those of the operators of subgraph 0 that an integer kernel might take. */
  static List<LstmTrace> of(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    List<LstmTrace> traces = new ArrayList<>();
    for (Operator operator : graph.operators()) {
      if (LstmCell.fits(model, graph, operator)) {
        LstmCell cell = new LstmCell(model, graph, operator);
        long states = graph.tensor(operator.input(Lstm.CELL_STATE)).elements();
        int batch = Math.toIntExact(states / cell.cells());
        boolean given = IntStream.of(graph.inputs()).anyMatch(i -> i == operator.input(0));
        boolean cleared = graph.producer(operator.input(Lstm.CELL_STATE)).isPresent();
        traces.add(new LstmTrace(cell, operator, batch, given, cleared));
      }
    }
    return traces;
  }

  /** Another for the same operator, to be used beside this one. */
  LstmTrace another() {
    return new LstmTrace(cell, operator, batch, given, cleared);
  }

  /** Whether the values of an activation are computed here. */
  boolean knows(Activation activation) {
    int owner =
        activation.intermediate() == Activation.ITSELF
            ? operator.input(Lstm.CELL_STATE)
            : operator.outputs()[0];
    return activation.tensor() == owner;
  }

  /** To be called before a run, which may write over the inputs of the model. */
  void before(IntFunction<ByteBuffer> memory) {
    if (given) {
      kept = copy(memory.apply(operator.input(0)), kept);
    }
    if (!cleared) {
      outputs = copy(memory.apply(operator.input(Lstm.OUTPUT_STATE)), outputs);
      cells = copy(memory.apply(operator.input(Lstm.CELL_STATE)), cells);
    }
  }

  private static ByteBuffer copy(ByteBuffer from, ByteBuffer old) {
    ByteBuffer to = sized(old, from.remaining());
    to.duplicate().put(from.duplicate());
    return to;
  }

  /** Computes the values of a run from what it has begun with. */
  void after(IntFunction<ByteBuffer> memory) {
    FloatBuffer input = floats(given ? kept : memory.apply(operator.input(0)));
    FloatBuffer output = floats(memory.apply(operator.outputs()[0]));
    int steps = input.remaining() / (batch * cell.inputs());
    values.replaceAll((number, old) -> sized(old, batch * steps * cell.cells() * Float.BYTES));
    boolean timeMajor = operator.option("time_major") != 0;
    for (int b = 0; b < batch; b++) {
      LstmCell.Step step = cell.first();
      if (!cleared) {
        floats(outputs).get(b * step.output.length, step.output);
        floats(cells).get(b * step.cell.length, step.cell);
      }
      for (int t = 0; t < steps; t++) {
        int at = timeMajor ? t * batch + b : b * steps + t;
        input.get(at * step.input.length, step.input);
        step.compute();
        values.forEach((number, to) -> floats(to).put(at * cell.cells(), step.values(number)));
        output.get(at * step.output.length, step.output);
      }
    }
  }

  /** What {@link #after} has computed of an activation that this {@link #knows}. */
  ByteBuffer values(Activation activation) {
    return values.get(activation.intermediate());
  }

  private static FloatBuffer floats(ByteBuffer bytes) {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static ByteBuffer sized(ByteBuffer old, int bytes) {
    return old.capacity() == bytes ? old : ByteBuffer.allocateDirect(bytes);
  }
}
