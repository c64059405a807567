package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Encodings of what LSTM and SVDF have beside input and output (specification section 3.5). */
final class RecurrentScales {
  /** Weights of time have ten bits, which leaves room for sums of products with a state. */
  private static final int LARGEST_TIME = 512;

  /** The scale of what layer normalization has made of a gate. */
  private static final float NORMALIZED = 1f / 1024;

  private final Graph graph;

  RecurrentScales(Graph graph) {
    this.graph = graph;
  }

  /**
   * Sets the encodings of constants and states.
   *
   * @param inputs of all operands; that of the first is known
   * @param output of the result, and so of the state that is the result of the step before
   */
  void encode(int number, Scales scales, List<Encoding> inputs, Encoding output) {
    Operator operator = graph.operator(number);
    if (scales == Scales.LSTM) {
      lstm(new Lstm(operator), number, inputs, output);
    } else {
      svdf(operator, number, inputs);
    }
  }

  private void lstm(Lstm lstm, int number, List<Encoding> inputs, Encoding output) {
    Operator operator = lstm.operator();
    Encoding input = inputs.get(0);
    for (int gate : lstm.gates()) {
      Encoding weights = weights(number, Lstm.inputWeights(gate));
      if (lstm.hasLayerNormalization()) {
        int coefficients = Lstm.coefficients(gate);
        inputs.set(Lstm.inputWeights(gate), weights);
        Encoding exact = vector(lstm.tensor(coefficients));
        product(operator, inputs, coefficients, exact, NORMALIZED, Lstm.bias(gate));
      } else {
        int place = Lstm.inputWeights(gate);
        product(operator, inputs, place, weights, input.scale(), Lstm.bias(gate));
      }
      inputs.set(Lstm.recurrentWeights(gate), weights(number, Lstm.recurrentWeights(gate)));
      int peephole = Lstm.peephole(gate);
      if (lstm.tensor(peephole) >= 0) {
        inputs.set(peephole, vector(lstm.tensor(peephole)));
      }
    }
    if (lstm.hasProjection()) {
      float hidden = intermediates(number, output).get(Lstm.HIDDEN).scale();
      Encoding weights = weights(number, Lstm.PROJECTION);
      product(operator, inputs, Lstm.PROJECTION, weights, hidden, Lstm.PROJECTION_BIAS);
    }
    inputs.set(Lstm.OUTPUT_STATE, output);
    inputs.set(Lstm.CELL_STATE, cell(lstm.tensor(Lstm.CELL_STATE)));
  }

  private void svdf(Operator operator, int number, List<Encoding> inputs) {
    OpRule rule = OpRules.of(operator.name());
    int features = rule.weights().get(0);
    int time = rule.weights().get(1);
    FloatRange range = graph.range(operator.input(rule.state()), TensorType.INT16).orElseThrow();
    Encoding state = Encoding.activation(TensorType.INT16, range.min(), range.max());
    inputs.set(features, weights(number, features));
    inputs.set(rule.state(), state);
    int bias = operator.input(rule.bias());
    Encoding factor = time(operator.input(time), bias, operator.option("rank"), state.scale());
    product(operator, inputs, time, factor, state.scale(), rule.bias());
  }

  /** Weights of time, whose scale grows where a sum could not be held by an int32. */
  private Encoding time(int time, int bias, long rank, float state) {
    float[] weights = values(time);
    float[] biases = bias < 0 ? new float[0] : values(bias);
    int each = Math.toIntExact(rank * graph.tensor(time).dimension(1)); // of a unit
    double scale = magnitude(time) / LARGEST_TIME;
    double room = Integer.MAX_VALUE - 0.5 * each * -Short.MIN_VALUE; // but for rounding
    for (int unit = 0; unit < weights.length / each; unit++) {
      double sum = unit < biases.length ? Math.abs(biases[unit]) / (double) state : 0;
      for (int i = unit * each; i < (unit + 1) * each; i++) {
        sum += Math.abs(weights[i]) * -(double) Short.MIN_VALUE;
      }
      scale = Math.max(scale, sum / room);
    }
    return Encoding.symmetric(TensorType.INT16, 0, (float) scale, 1);
  }

  /** A power of two, which the kernel demands. */
  private Encoding cell(int number) {
    FloatRange range = graph.range(number, TensorType.INT16).orElseThrow();
    int exponent = 0;
    while (1 << exponent < Math.max(-range.min(), range.max())) {
      exponent++;
    }
    return Encoding.of(TensorType.INT16, (1 << exponent) / -(float) Short.MIN_VALUE, 0);
  }

  /** Encodings of the intermediates of an LSTM, float32 for those that its kernel does not use. */
  List<Encoding> intermediates(int number, Encoding output) {
    Lstm lstm = new Lstm(graph.operator(number));
    List<Encoding> all = new ArrayList<>(Collections.nCopies(Lstm.HIDDEN, Encoding.FLOAT));
    all.add(output);
    for (int each : lstm.intermediates()) {
      FloatRange range = graph.intermediate(number, each).orElseThrow();
      // A zero point of what is projected has another sign in old kernels than in new ones.
      all.set(
          each,
          each == Lstm.HIDDEN
              ? Encoding.symmetric(TensorType.INT8, range.min(), range.max(), Byte.MAX_VALUE)
              : Encoding.activation(TensorType.INT16, range.min(), range.max()));
    }
    if (lstm.hasLayerNormalization() && lstm.gates().get(0) == Lstm.FORGET_GATE) {
      // The kernel asks for the scale of a gate that is not there, and crashes without an answer.
      all.set(0, all.get(Lstm.FORGET_GATE));
    }
    return all;
  }

  /** Sets the encodings of a factor and of the bias that is added to its products. */
  private void product(
      Operator operator, List<Encoding> inputs, int place, Encoding factor, float by, int bias) {
    float[] scales = factor.scales();
    float[] biases = {operator.input(bias) < 0 ? 0 : magnitude(operator.input(bias))};
    float[] products = IntegerWeights.products(by, scales, biases, IntegerWeights.LARGEST_BIAS, 0);
    inputs.set(place, Encoding.of(factor.type(), scales[0], 0));
    if (operator.input(bias) >= 0) {
      inputs.set(bias, Encoding.of(TensorType.INT32, products[0], 0));
    }
  }

  private Encoding weights(int number, int place) {
    int tensor = graph.operator(number).input(place);
    float[] scales =
        WeightScales.of(
            graph.contents(tensor),
            graph.tensor(tensor).elements(),
            new float[] {magnitude(tensor)},
            graph.configurations().of(number));
    return Encoding.of(TensorType.INT8, scales[0], 0);
  }

  private Encoding vector(int number) {
    return Encoding.activation(TensorType.INT16, 0, magnitude(number));
  }

  private float magnitude(int number) {
    return WeightScales.magnitudes(graph.contents(number), 1, graph.tensor(number).elements())[0];
  }

  private float[] values(int number) {
    ByteBuffer contents = graph.contents(number);
    float[] values = new float[contents.remaining() / Float.BYTES];
    contents.asFloatBuffer().get(values);
    return values;
  }
}
