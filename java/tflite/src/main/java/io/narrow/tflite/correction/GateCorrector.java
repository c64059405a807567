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
  private final List<Target> targets = new ArrayList<>();

  /**
   * @param subgraph number of the subgraph that is corrected
   */
  GateCorrector(Plan plan, int subgraph) {
    this.model = plan.model().withEntry(subgraph);
    this.graph = model.subgraphs().get(0);
    this.rounded = Target.rounded(plan, subgraph);
    for (int i = 0; i < graph.operators().size(); i++) {
      Operator operator = graph.operators().get(i);
      if (Lstm.is(operator) && isRounded(new Lstm(operator))) {
        for (int gate : new Lstm(operator).gates()) {
          int weights = Lstm.inputWeights(gate);
          int cells = new Lstm(operator).cells(graph);
          int output = operator.outputs()[0];
          targets.add(new Target(i, output, weights, Lstm.bias(gate), cells, Optional.empty()));
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
  List<Target> targets() {
    return targets;
  }

  /** How far rounding shifts the sums of each target. */
  double[][] shifts(Samples samples) {
    Probe probe = new Probe(model);
    Set<Integer> written = targets.stream().map(Target::output).collect(Collectors.toSet());
    Map<Integer, Integer> places = new HashMap<>(); // of the means of an operator, by its output
    for (Operator operator : graph.operators()) {
      probe.compute(operator);
      if (operator.outputs().length > 0 && written.contains(operator.outputs()[0])) {
        places.put(operator.outputs()[0], 2 * places.size());
        probe.mean(operator.input(0));
        probe.mean(operator.outputs()[0]);
      }
    }
    List<Integer> inputs = Arrays.stream(graph.inputs()).boxed().toList();
    double[][] means = samples.run(probe.finish(inputs, List.of()), inputs, List.of());
    double[][] shifts = new double[targets.size()][];
    for (int i = 0; i < shifts.length; i++) {
      Target target = targets.get(i);
      Operator operator = graph.operators().get(target.operator());
      int place = places.get(target.output());
      int gate = target.bias() - Lstm.bias(0);
      shifts[i] = new double[target.channels()];
      add(shifts[i], operator.input(target.weights()), means[place]);
      if (graph.tensor(operator.input(0)).rank() > 2) { // a single step begins without an output
        add(shifts[i], operator.input(Lstm.recurrentWeights(gate)), means[place + 1]);
      }
    }
    return shifts;
  }

  /** Adds the products of the rounding errors of a matrix and a vector. */
  private void add(double[] to, int weights, double[] by) {
    FloatBuffer exact = model.contents(graph.tensor(weights)).asFloatBuffer();
    float scale = rounded.get(weights).encoding().scale();
    int largest = (1 << rounded.get(weights).type().bits() - 1) - 1;
    for (int row = 0; row < to.length; row++) {
      for (int i = 0; i < by.length; i++) {
        float value = exact.get(row * by.length + i);
        double code = Math.max(-largest, Math.min(largest, Math.rint(value / scale)));
        to[row] += (code * scale - value) * by[i];
      }
    }
  }
}
