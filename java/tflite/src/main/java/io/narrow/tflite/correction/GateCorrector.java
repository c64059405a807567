package io.narrow.tflite.correction;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The gates of LSTMs are sums of products like those that {@link BiasCorrector} looks at, but the
 * runtime does not show them. How far rounding shifts them follows from the means of what their
 * weights are applied to: the input, and the output of the step before, for which the mean over all
 * steps is taken. Gates with layer normalization, behind which their bias is added, are left out.
 */
final class GateCorrector {
  private final Model model;
  private final Subgraph graph;
  private final Map<Integer, TensorPlan> rounded;
  private final List<CorrectableBias> correctables = new ArrayList<>();

  /**
   * @param subgraph number of the subgraph that is corrected
   */
  GateCorrector(Plan plan, int subgraph) {
    this.model = plan.model().withEntry(subgraph);
    this.graph = model.subgraphs().get(0);
    this.rounded = CorrectableBias.rounded(plan, subgraph);
    for (int i = 0; i < graph.operators().size(); i++) {
      Operator operator = graph.operators().get(i);
      if (Lstm.is(operator) && isRounded(new Lstm(operator))) {
        for (int gate : new Lstm(operator).gates()) {
          int weights = Lstm.inputWeights(gate);
          int cells = new Lstm(operator).cells(graph);
          int output = operator.outputs()[0];
          correctables.add(
              new CorrectableBias(i, output, weights, Lstm.bias(gate), cells, Optional.empty()));
        }
      }
    }
  }

  private boolean isRounded(Lstm lstm) {
    return lstm.objection(graph).isEmpty()
        && !lstm.hasLayerNormalization()
        && lstm.gates().stream()
            .allMatch(
                gate ->
                    rounded.containsKey(lstm.tensor(Lstm.inputWeights(gate)))
                        && rounded.containsKey(lstm.tensor(Lstm.recurrentWeights(gate)))
                        && isKnown(graph.tensor(lstm.tensor(Lstm.bias(gate)))));
  }

  private boolean isKnown(Tensor bias) {
    return bias.type() == TensorType.FLOAT32 && model.isConstant(bias) && !bias.isEncoded();
  }

  /** One for each gate. */
  List<CorrectableBias> correctables() {
    return correctables;
  }

  /** How far rounding shifts the sums of each correctable, by sample and channel. */
  float[][][] shifts(Samples samples) {
    PartialModel part = new PartialModel(model);
    Set<Integer> written =
        correctables.stream().map(CorrectableBias::output).collect(Collectors.toSet());
    Map<Integer, Integer> places = new HashMap<>(); // of the means of an operator, by its output
    for (Operator operator : graph.operators()) {
      part.compute(operator);
      if (operator.outputs().length > 0 && written.contains(operator.outputs()[0])) {
        places.put(operator.outputs()[0], 2 * places.size());
        part.mean(operator.input(0));
        part.mean(operator.outputs()[0]);
      }
    }
    List<Integer> inputs = Arrays.stream(graph.inputs()).boxed().toList();
    float[][][] means = samples.run(part.finish(inputs, List.of()), inputs, List.of());
    float[][][] shifts = new float[correctables.size()][][];
    for (int i = 0; i < shifts.length; i++) {
      CorrectableBias correctable = correctables.get(i);
      Operator operator = graph.operators().get(correctable.operator());
      int place = places.get(correctable.output());
      int gate = correctable.bias() - Lstm.bias(0);
      double[][] sums = new double[samples.size()][correctable.channels()];
      add(sums, operator.input(correctable.weights()), means[place]);
      if (graph.tensor(operator.input(0)).rank() > 2) { // a single step begins without an output
        add(sums, operator.input(Lstm.recurrentWeights(gate)), means[place + 1]);
      }
      shifts[i] = Arrays.stream(sums).map(GateCorrector::floats).toArray(float[][]::new);
    }
    return shifts;
  }

  /** Adds the products of the rounding errors of a matrix and the vector of each sample. */
  private void add(double[][] to, int weights, float[][] by) {
    FloatBuffer exact = model.contents(graph.tensor(weights)).asFloatBuffer();
    float scale = rounded.get(weights).encoding().scale();
    int largest = (int) rounded.get(weights).type().largest();
    double[] errors = new double[by[0].length];
    for (int row = 0; row < to[0].length; row++) {
      for (int i = 0; i < errors.length; i++) {
        float value = exact.get(row * errors.length + i);
        errors[i] = Weights.nearest(value / scale, largest) * scale - value;
      }
      for (int sample = 0; sample < by.length; sample++) {
        for (int i = 0; i < errors.length; i++) {
          to[sample][row] += errors[i] * by[sample][i];
        }
      }
    }
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
