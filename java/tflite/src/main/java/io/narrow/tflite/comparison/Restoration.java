package io.narrow.tflite.comparison;

import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.plan.Rule;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Measures what the outputs of a quantized model gain where operators are restored. */
final class Restoration {
  private final GraphValues floats;
  private final GraphValues quantized;
  private final Pairing pairing;
  private final Comparator.Options options;

  Restoration(
      GraphValues floats, GraphValues quantized, Pairing pairing, Comparator.Options options) {
    this.floats = floats;
    this.quantized = quantized;
    this.pairing = pairing;
    this.options = options;
  }

  /**
   * Restores operators: each alone, and each with those before it.
   *
   * @param operators by number in the float model, with the tensor that shows its local error
   * @param graph what was found without
   * @param inputs numbers of the float model's tensors that the inputs are given
   */
  List<Restored> restore(
      Map<Integer, Comparison.Tensor> operators,
      Comparison.Graph graph,
      List<Integer> inputs,
      Feed feed) {
    List<Pair> outputs = new ArrayList<>();
    List<Comparison.Error> before = new ArrayList<>();
    for (Comparison.Tensor tensor : graph.tensors()) {
      if (tensor.role() == Role.OUTPUT) {
        outputs.add(new Pair(tensor.number(), tensor.floatNumber()));
        before.add(tensor.accumulated());
      }
    }
    Set<Integer> shown = new LinkedHashSet<>(inputs);
    outputs.forEach(pair -> shown.add(pair.floatNumber()));
    List<Restored> restored = new ArrayList<>();
    SortedSet<Integer> together = new TreeSet<>();
    try (ObservedModel observed =
            ObservedModel.open(floats.model(), List.copyOf(shown), options.xnnpack());
        Run first = Lockstep.observed(observed, feed)) {
      for (Map.Entry<Integer, Comparison.Tensor> entry : operators.entrySet()) {
        int operator = entry.getKey();
        Restorer alone = new Restorer(floats, quantized, pairing);
        Optional<String> problem =
            outputs.isEmpty()
                ? Optional.of("the model has no output of real numbers")
                : alone.restore(operator);
        List<Double> after = List.of(Double.NaN, Double.NaN);
        if (problem.isEmpty()) {
          together.add(operator);
          Restorer all = new Restorer(floats, quantized, pairing);
          together.forEach(all::restore);
          after = run(observed, first, List.of(alone.model(), all.model()), inputs, outputs, feed);
        }
        restored.add(
            new Restored(
                floats.graph().operators().get(operator).name(),
                entry.getValue().floatName(),
                entry.getValue().local().orElseThrow().sqnrDb(),
                sqnrDb(before),
                after.get(0),
                after.get(1),
                keepFloat(operator),
                problem.orElse("")));
      }
    }
    return restored;
  }

  /** The outputs' SQNR of each model: no more than these are held in memory at a time. */
  private List<Double> run(
      ObservedModel observed,
      Run first,
      List<Model> models,
      List<Integer> inputs,
      List<Pair> outputs,
      Feed feed) {
    List<Follower> followers = new ArrayList<>();
    try {
      for (Model model : models) {
        followers.add(
            new Follower(
                model, inputs, floats.graph()::isInput, outputs, options.xnnpack(), false));
      }
      return Lockstep.run(
              observed,
              first,
              followers,
              () -> (sample, tensors) -> {},
              feed,
              options.threads(),
              "restore",
              options.progress())
          .stream()
          .map(counted -> sqnrDb(counted.tallies().stream().map(Tally::error).toList()))
          .toList();
    } finally {
      followers.forEach(Follower::close);
    }
  }

  /** Of several outputs, each in relation to its own signal. */
  private static double sqnrDb(List<Comparison.Error> outputs) {
    double noise =
        outputs.stream()
            .filter(error -> error.meanSquaredError() > 0)
            .mapToDouble(error -> error.meanSquaredError() / error.signalPower())
            .sum();
    return noise == 0 ? Double.POSITIVE_INFINITY : -10 * Math.log10(noise / outputs.size());
  }

  /** What finds the names of what it writes, each followed by a semicolon as in a recipe. */
  private String keepFloat(int operator) {
    return Rule.only(Rule.scope(floats.graph().operators().get(operator), floats.graph()));
  }
}
