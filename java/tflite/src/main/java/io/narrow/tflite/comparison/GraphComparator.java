package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** Compares the first subgraphs of two models, and what these call. */
final class GraphComparator {
  private final PairedGraph main;
  private final Comparator.Options options;

  /**
   * @param signature of the float model that they compute
   * @param floatSubgraph number of the float model's in its file
   * @param subgraph number of the quantized model's in its file
   * @throws NarrowException if the float model has nothing to compare with
   */
  GraphComparator(
      Model floats,
      Model quantized,
      String signature,
      int floatSubgraph,
      int subgraph,
      Comparator.Options options) {
    this.main =
        new PairedGraph(floats, quantized, signature, floatSubgraph, subgraph, Optional.empty());
    this.options = options;
  }

  /**
   * What was found; nothing if there are no data.
   *
   * @throws NarrowException if one model was not made of the other, or cannot be run
   */
  Optional<Graph> compare(Function<List<TensorInfo>, Optional<Dataset>> data) {
    try {
      Optional<Graph> graph = run(data);
      main.constants();
      return graph;
    } catch (NarrowException e) {
      main.constants(); // a model of another origin is told before what comes of it
      throw e;
    }
  }

  private Optional<Graph> run(Function<List<TensorInfo>, Optional<Dataset>> data) {
    try (ObservedModel observed =
        ObservedModel.open(main.floats().model(), main.shown(), options.xnnpack())) {
      Optional<Inputs> samples =
          data.apply(observed.inputs())
              .map(found -> found.limit(options.samples()).inputs(observed.inputs()));
      return samples.map(found -> compare(observed, found));
    }
  }

  private Graph compare(ObservedModel observed, Inputs samples) {
    Optional<CalledGraphs> called = CalledGraphs.of(main, options);
    try (Follower whole =
        new Follower(
            main.quantized().model(),
            main.inputs(),
            main::isGiven,
            main.pairs(),
            main.followed(),
            options.xnnpack(),
            false)) {
      Graph graph = compare(observed, samples, whole, called);
      return options.restored() == 0 ? graph : graph.with(restored(graph, called, samples));
    } finally {
      called.ifPresent(CalledGraphs::close);
    }
  }

  private Graph compare(
      ObservedModel observed, Inputs samples, Follower whole, Optional<CalledGraphs> called) {
    Run first = Lockstep.observed(observed, samples);
    Optional<Follower> alone = Optional.empty();
    try (first) {
      main.constants(); // before samples are run for nothing
      alone =
          options.local() ? CalledGraphs.open(main, first, options.xnnpack()) : Optional.empty();
      Distributions values = Distributions.of(main.pairs(), options.histograms());
      List<Tallies> counted =
          Lockstep.run(
              observed,
              first,
              Stream.concat(Stream.of(whole), alone.stream()).toList(),
              called,
              values::counter,
              samples,
              options.threads(),
              "compare",
              options.progress());
      Map<Integer, Tally> local = new HashMap<>();
      if (alone.filter(each -> each.problem().isEmpty()).isPresent()) {
        main.addTo(local, counted.get(1));
      }
      alone.flatMap(Follower::problem).ifPresent(main::missLocal);
      List<Graph> bodies = called.map(CalledGraphs::graphs).orElse(List.of());
      return main.graph(samples.size(), counted.get(0), local, values.counted(), bodies);
    } finally {
      alone.ifPresent(Follower::close);
    }
  }

  private List<Restored> restored(Graph graph, Optional<CalledGraphs> called, Inputs samples) {
    List<PairedGraph> all =
        Stream.concat(Stream.of(main), called.stream().flatMap(each -> each.pairs().stream()))
            .toList();
    return new Restoration(all, options).restore(graph, samples);
  }
}
