package io.narrow.tflite.comparison;

import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.runtime.Inputs;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Measures what the outputs of a quantized model gain where operators are restored. */
final class Restoration {
  /**
   * An operator of the float model that is to be restored.
   *
   * @param tensor shows the local error of its counterpart
   */
  private record Suspect(PairedGraph graph, int operator, Comparison.Tensor tensor) {}

  private final PairedGraph main;
  private final List<PairedGraph> graphs;
  private final Comparator.Options options;

  /**
   * @param graphs whose operators are restored: the one that is run, then those that it calls
   */
  Restoration(List<PairedGraph> graphs, Comparator.Options options) {
    this.main = graphs.get(0);
    this.graphs = graphs;
    this.options = options;
  }

  /**
   * Restores the operators that add the most noise alone, worst first: each alone, and each with
   * those before it.
   *
   * @param found without
   */
  List<Restored> restore(Comparison.Graph found, Inputs samples) {
    List<Pair> outputs = new ArrayList<>();
    List<Comparison.Error> before = new ArrayList<>();
    for (Comparison.Tensor tensor : found.tensors()) {
      if (tensor.role() == Role.OUTPUT) {
        outputs.add(new Pair(tensor.number(), tensor.floatNumber()));
        before.add(tensor.accumulated());
      }
    }
    Set<Integer> shown = new LinkedHashSet<>(main.inputs());
    outputs.forEach(pair -> shown.add(pair.floatNumber()));
    List<Restored> restored = new ArrayList<>();
    List<Suspect> together = new ArrayList<>();
    try (ObservedModel observed =
            ObservedModel.open(main.floats().model(), List.copyOf(shown), options.xnnpack());
        Run first = Lockstep.observed(observed, samples)) {
      for (Suspect suspect : worst(found)) {
        Optional<String> problem =
            outputs.isEmpty()
                ? Optional.of("the model has no output of real numbers")
                : restorer(suspect.graph, main.quantized().model()).restore(suspect.operator);
        List<Double> after = List.of(Double.NaN, Double.NaN);
        if (problem.isEmpty()) {
          together.add(suspect);
          List<Model> models = List.of(restored(List.of(suspect)), restored(together));
          after = run(observed, first, models, outputs, samples);
        }
        restored.add(
            new Restored(
                suspect.graph.floats().graph().operators().get(suspect.operator).name(),
                suspect.tensor.floatName(),
                suspect.tensor.local().orElseThrow().sqnrDb(),
                sqnrDb(before),
                after.get(0),
                after.get(1),
                keepFloat(suspect),
                problem.orElse("")));
      }
    }
    return restored;
  }

  /** Those whose counterparts add the most noise alone, worst first. */
  private List<Suspect> worst(Comparison.Graph found) {
    List<Suspect> all = new ArrayList<>();
    for (Comparison.Graph graph : found.all()) {
      PairedGraph paired =
          graphs.stream().filter(g -> g.subgraph() == graph.subgraph()).findFirst().orElseThrow();
      for (Comparison.Tensor tensor : graph.worst()) {
        Operator writer = paired.quantized().graph().operators().get(tensor.operator());
        boolean calls = paired.calls().stream().anyMatch(c -> c.quantized() == writer);
        if (!GraphValues.converts(writer) && !calls) {
          paired.floats().graph().producer(tensor.floatNumber()).stream()
              .map(operator -> new Suspect(paired, operator, tensor))
              .forEach(all::add);
        }
      }
    }
    all.sort(
        java.util.Comparator.comparing(
            suspect -> suspect.tensor.local().orElseThrow(), Comparison.Error.WORST_FIRST));
    Set<List<Integer>> known = new HashSet<>();
    all.removeIf(suspect -> !known.add(List.of(suspect.graph.subgraph(), suspect.operator)));
    return all.subList(0, Math.min(all.size(), options.restored()));
  }

  private Restorer restorer(PairedGraph graph, Model model) {
    int number = graph == main ? 0 : graph.subgraph();
    GraphValues here = new GraphValues(model.withEntry(number));
    return new Restorer(graph.floats(), here, graph.pairing(), model, number);
  }

  /** The quantized model with operators restored: those of one graph after those of another. */
  private Model restored(List<Suspect> suspects) {
    Model model = main.quantized().model();
    for (PairedGraph graph : graphs) {
      List<Integer> operators =
          suspects.stream().filter(s -> s.graph == graph).map(Suspect::operator).sorted().toList();
      if (!operators.isEmpty()) {
        Restorer restorer = restorer(graph, model);
        operators.forEach(restorer::restore);
        model = restorer.model();
      }
    }
    return model;
  }

  /** The outputs' SQNR of each model: no more than these are held in memory at a time. */
  private List<Double> run(
      ObservedModel observed, Run first, List<Model> models, List<Pair> outputs, Inputs samples) {
    List<Follower> followers = new ArrayList<>();
    try {
      for (Model model : models) {
        followers.add(
            new Follower(
                model,
                main.inputs(),
                main::isGiven,
                outputs,
                Follower.numbers(outputs),
                options.xnnpack(),
                false));
      }
      return Lockstep.run(
              observed,
              first,
              followers,
              Optional.empty(),
              () -> (sample, tensors) -> {},
              samples,
              options.threads(),
              "restore",
              options.progress())
          .stream()
          .map(counted -> sqnrDb(counted.all().stream().map(Tally::error).toList()))
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
  private static String keepFloat(Suspect suspect) {
    Subgraph graph = suspect.graph.floats().graph();
    return RecipeRule.only(RecipeRule.scope(graph.operators().get(suspect.operator), graph));
  }
}
