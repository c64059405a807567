package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Compares the first subgraphs of two models. */
final class GraphComparator {
  private final GraphValues floats;
  private final GraphValues quantized;
  private final String signature;
  private final int subgraph;
  private final Comparator.Options options;
  private final Pairing pairing;
  private final List<String> unseen = new ArrayList<>();
  private List<Comparison.Constant> constants = List.of();

  /**
   * @param signature of the float model that they compute
   * @param subgraph number of the quantized model's in its file
   */
  GraphComparator(
      Model floats, Model quantized, String signature, int subgraph, Comparator.Options options) {
    this.floats = new GraphValues(floats);
    this.quantized = new GraphValues(quantized);
    this.signature = signature;
    this.subgraph = subgraph;
    this.options = options;
    this.pairing = Pairing.of(this.floats, this.quantized);
  }

  /** What was found; nothing if there are no data. */
  Optional<Graph> compare(Function<List<TensorInfo>, Optional<Dataset>> data) {
    List<Pair> pairs = pairs();
    constants = Constants.of(floats, quantized, pairing);
    try (ObservedModel observed = ObservedModel.open(floats.model(), shown(), options.xnnpack())) {
      Optional<Feed> feed =
          data.apply(observed.inputs())
              .map(found -> found.limit(options.samples()).feed(observed.inputs()));
      if (feed.isEmpty()) {
        return Optional.empty();
      }
      Graph graph = compare(observed, feed.get(), pairs);
      return Optional.of(options.restored() == 0 ? graph : graph.with(restored(graph, feed.get())));
    }
  }

  private Graph compare(ObservedModel observed, Feed feed, List<Pair> pairs) {
    List<Pair> computed =
        options.local() ? pairs.stream().filter(pair -> !isInput(pair)).toList() : List.of();
    try (Follower whole =
        new Follower(
            quantized.model(),
            inputs(),
            floats.graph()::isInput,
            pairs,
            options.xnnpack(),
            false)) {
      Run first = Lockstep.observed(observed, feed);
      Optional<Follower> alone = Optional.empty();
      try (first) {
        alone = alone(first, computed);
        List<Follower> followers = Stream.concat(Stream.of(whole), alone.stream()).toList();
        Distributions values =
            new Distributions(
                options.histograms()
                    ? pairs.stream().map(Pair::floatNumber).distinct().toList()
                    : List.of());
        List<Lockstep.Counted> counted =
            Lockstep.run(
                observed,
                first,
                followers,
                values::counter,
                feed,
                options.threads(),
                "compare",
                options.progress());
        Map<Integer, Tally> local = new HashMap<>();
        if (alone.isPresent() && alone.get().problem().isEmpty()) {
          for (int i = 0; i < computed.size(); i++) {
            local.put(computed.get(i).number(), counted.get(1).tallies().get(i));
          }
        }
        alone.flatMap(Follower::problem).ifPresent(this::noLocal);
        return graph(feed.size(), pairs, counted.get(0), local, values.counted());
      } finally {
        alone.ifPresent(Follower::close);
      }
    }
  }

  /** What runs every operator alone, unless the runtime refuses it. */
  private Optional<Follower> alone(Run first, List<Pair> computed) {
    if (computed.isEmpty()) {
      return Optional.empty();
    }
    try {
      LocalModel cut = LocalModel.of(floats, quantized, pairing, sizes(first));
      return Optional.of(
          new Follower(
              cut.model(),
              cut.inputs(),
              floats.graph()::isInput,
              computed,
              options.xnnpack(),
              true));
    } catch (NarrowException e) {
      noLocal(e.getMessage());
      return Optional.empty();
    }
  }

  /** The elements that the float model's tensors have as it runs, where a file need not say it. */
  private Map<Integer, Long> sizes(Run first) {
    Map<Integer, Long> sizes = new HashMap<>();
    shown().forEach(tensor -> sizes.put(tensor, first.info(tensor).elements()));
    return sizes;
  }

  private void noLocal(String reason) {
    unseen.add("no local errors: operators cannot be run alone: " + reason);
  }

  private List<Integer> inputs() {
    return IntStream.of(quantized.graph().inputs()).mapToObj(pairing::floatTensor).toList();
  }

  private boolean isInput(Pair pair) {
    return quantized.graph().isInput(pair.number());
  }

  /** The float model's tensors that are looked at: its inputs, and all that others stand for. */
  private List<Integer> shown() {
    Set<Integer> shown = new LinkedHashSet<>();
    IntStream.of(floats.graph().inputs()).forEach(shown::add);
    IntStream.range(0, quantized.graph().tensors().size())
        .map(pairing::floatTensor)
        .filter(t -> t >= 0 && floats.graph().reads(t) > 0 && !floats.isState(t))
        .forEach(shown::add);
    return List.copyOf(shown);
  }

  /** Those that can be compared, in the order of computation; says why others cannot. */
  private List<Pair> pairs() {
    List<Pair> pairs = new ArrayList<>();
    Subgraph graph = quantized.graph();
    for (int input : graph.inputs()) {
      if (isReal(input)) {
        pairs.add(new Pair(input, pairing.floatTensor(input)));
      }
    }
    for (int i = 0; i < graph.operators().size(); i++) {
      Operator operator = graph.operators().get(i);
      String writer = operator.name() + " (operator " + i + ")";
      if (!operator.calls().isEmpty()) {
        unseen.add(
            writer + ": what the subgraphs that it calls compute is not seen, but its results");
      }
      for (int output : operator.outputs()) {
        if (output < 0 || !quantized.isComputed(output) || !isShown(operator, output)) {
          continue;
        }
        if (pairing.floatTensor(output) < 0) {
          unseen.add(
              "`"
                  + graph.tensor(output).name()
                  + "` of "
                  + writer
                  + ": nothing in the float model corresponds to it");
        } else if (isReal(output)) {
          pairs.add(new Pair(output, pairing.floatTensor(output)));
        }
      }
    }
    if (pairs.isEmpty()) {
      throw floats
          .model()
          .problem(
              NarrowException.Kind.INPUT,
              "has no float32 tensor to compare with: the float model comes first");
    }
    return pairs;
  }

  /** A result of control flow that nobody reads has no memory of its own. */
  private boolean isShown(Operator operator, int output) {
    return !quantized.isState(output)
        && (operator.calls().isEmpty() || quantized.graph().reads(output) > 0);
  }

  private boolean isReal(int number) {
    int other = pairing.floatTensor(number);
    if (other < 0 || floats.graph().tensor(other).type() != TensorType.FLOAT32) {
      return false;
    }
    Tensor tensor = quantized.graph().tensor(number);
    return switch (tensor.type()) {
      case FLOAT32, FLOAT16 -> true;
      case INT8, UINT8, INT16 -> tensor.scales().length == 1;
      default -> false;
    };
  }

  private Graph graph(
      int samples,
      List<Pair> pairs,
      Lockstep.Counted whole,
      Map<Integer, Tally> local,
      Map<Integer, Distribution> values) {
    List<Comparison.Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      Pair pair = pairs.get(i);
      Tally tally = whole.tallies().get(i);
      TensorInfo info = whole.infos().get(i);
      Optional<Integer> writer = quantized.graph().producer(pair.number());
      tensors.add(
          new Comparison.Tensor(
              pair.number(),
              info.name(),
              pair.floatNumber(),
              floats.graph().tensor(pair.floatNumber()).name(),
              role(pair.number()),
              writer.orElse(-1),
              writer.map(w -> quantized.graph().operators().get(w).name()).orElse(""),
              info.type(),
              IntStream.of(info.shape()).boxed().toList(),
              info.scale(),
              info.zeroPoint(),
              tally.clipped(),
              tally.error(),
              Optional.ofNullable(local.get(pair.number())).map(Tally::error),
              Optional.ofNullable(values.get(pair.floatNumber()))));
    }
    String name = quantized.graph().name();
    return new Graph(
        signature,
        name.isEmpty() ? "main" : name,
        subgraph,
        samples,
        tensors,
        constants,
        unseen,
        List.of());
  }

  private Role role(int tensor) {
    return quantized.graph().isInput(tensor)
        ? Role.INPUT
        : quantized.graph().isOutput(tensor) ? Role.OUTPUT : Role.INTERMEDIATE;
  }

  /** Operators of the float model whose counterparts add the most noise alone, worst first. */
  private Map<Integer, Comparison.Tensor> worst(Graph graph) {
    Map<Integer, Comparison.Tensor> worst = new LinkedHashMap<>();
    for (Comparison.Tensor tensor : graph.worst()) {
      Operator writer = quantized.graph().operators().get(tensor.operator());
      Optional<Integer> operator = floats.graph().producer(tensor.floatNumber());
      if (!GraphValues.converts(writer)
          && operator.isPresent()
          && worst.size() < options.restored()) {
        worst.putIfAbsent(operator.get(), tensor);
      }
    }
    return worst;
  }

  private List<Restored> restored(Graph graph, Feed feed) {
    return new Restoration(floats, quantized, pairing, options)
        .restore(worst(graph), graph, inputs(), feed);
  }
}
