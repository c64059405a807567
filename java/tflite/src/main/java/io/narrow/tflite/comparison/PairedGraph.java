package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.comparison.Comparison.Caller;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.observation.Observer;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The first subgraphs of two models, with what corresponds to each other in them. */
final class PairedGraph {
  /**
   * Operators of both that run other subgraphs, which can be run apart.
   *
   * @param number of the quantized model's
   */
  record PairedCall(int number, Operator floats, Operator quantized) {}

  private final GraphValues floats;
  private final GraphValues quantized;
  private final String signature;
  private final int floatSubgraph;
  private final int subgraph;
  private final Optional<Caller> caller;
  private final Pairing pairing;
  private final List<Pair> pairs;
  private final List<PairedCall> calls = new ArrayList<>();
  private final List<String> unseen = new ArrayList<>();
  private final FutureTask<List<Comparison.Constant>> constants;

  /**
   * @param signature of the float model that they compute
   * @param floatSubgraph number of the float model's in its file
   * @param subgraph number of the quantized model's in its file
   * @param caller what runs it
   * @throws NarrowException if the float model has nothing to compare with
   */
  PairedGraph(
      Model floats,
      Model quantized,
      String signature,
      int floatSubgraph,
      int subgraph,
      Optional<Caller> caller) {
    this.floats = new GraphValues(floats);
    this.quantized = new GraphValues(quantized);
    this.signature = signature;
    this.floatSubgraph = floatSubgraph;
    this.subgraph = subgraph;
    this.caller = caller;
    this.pairing = Pairing.of(this.floats, this.quantized);
    this.pairs = pair();
    this.constants =
        new FutureTask<>(() -> Constants.of(this.floats, this.quantized, this.pairing));
    Thread comparing = new Thread(constants, "constants");
    comparing.setDaemon(true);
    comparing.start();
  }

  /**
   * The constants of both, which are compared while the models are loaded.
   *
   * @throws NarrowException if one model was not made of the other
   */
  List<Comparison.Constant> constants() {
    try {
      return constants.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    }
  }

  GraphValues floats() {
    return floats;
  }

  GraphValues quantized() {
    return quantized;
  }

  Pairing pairing() {
    return pairing;
  }

  /** The number of the quantized model's subgraph in its file. */
  int subgraph() {
    return subgraph;
  }

  /** What can be compared, in the order of computation. */
  List<Pair> pairs() {
    return pairs;
  }

  /** Those of {@link #pairs} that operators compute. */
  List<Pair> computed() {
    return pairs.stream().filter(pair -> !quantized.graph().isInput(pair.number())).toList();
  }

  /** The operators whose subgraphs can be compared as well. */
  List<PairedCall> calls() {
    return calls;
  }

  /** Says that something is not compared. */
  void miss(String line) {
    unseen.add(line);
  }

  /** Says why no operator is run alone. */
  void missLocal(String reason) {
    miss("no local errors: operators cannot be run alone: " + reason);
  }

  /** Whether a caller of the float model gives a tensor of it, and rounds it for the other. */
  boolean isGiven(int floatTensor) {
    return caller.isEmpty() && floats.graph().isInput(floatTensor);
  }

  /** Adds what was counted of {@link #computed}, by number of the quantized model's tensor. */
  void addTo(Map<Integer, Tally> local, Tallies alone) {
    List<Pair> computed = computed();
    for (int i = 0; i < alone.all().size(); i++) {
      local.put(computed.get(i).number(), alone.all().get(i));
    }
  }

  /** The quantized model's subgraph as messages call it. */
  String name() {
    String name = quantized.graph().name();
    return name.isEmpty() ? "main" : name;
  }

  /** Numbers of the float model's tensors that the inputs are given. */
  List<Integer> inputs() {
    return IntStream.of(quantized.graph().inputs()).mapToObj(pairing::floatTensor).toList();
  }

  /** The float model's tensors that are looked at: its inputs, and all that others stand for. */
  List<Integer> shown() {
    Set<Integer> shown = new LinkedHashSet<>();
    IntStream.of(floats.graph().inputs()).forEach(shown::add);
    IntStream.range(0, quantized.graph().tensors().size())
        .map(pairing::floatTensor)
        .filter(t -> t >= 0 && floats.graph().reads(t) > 0 && !floats.isState(t))
        .forEach(shown::add);
    shown.addAll(read(calls.stream().map(PairedCall::floats), floats.graph()));
    return List.copyOf(shown);
  }

  /** The quantized model's tensors that are looked at. */
  List<Integer> followed() {
    Set<Integer> shown = new LinkedHashSet<>();
    pairs.forEach(pair -> shown.add(pair.number()));
    shown.addAll(read(calls.stream().map(PairedCall::quantized), quantized.graph()));
    return List.copyOf(shown);
  }

  /** What operators read that others have computed. */
  private static List<Integer> read(Stream<Operator> operators, Subgraph graph) {
    return operators
        .flatMapToInt(operator -> IntStream.of(operator.inputs()))
        .filter(number -> number >= 0 && graph.producer(number).isPresent())
        .boxed()
        .toList();
  }

  /** The elements that the float model's tensors have as it runs, where a file need not say it. */
  Map<Integer, Long> sizes(Observer.Tensors run) {
    Map<Integer, Long> sizes = new HashMap<>();
    shown().forEach(tensor -> sizes.put(tensor, run.info(tensor).elements()));
    return sizes;
  }

  /** Those that can be compared, in the order of computation; says why others cannot. */
  private List<Pair> pair() {
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
        pairCall(i, operator, writer);
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
    if (pairs.isEmpty() && caller.isEmpty()) {
      throw floats
          .model()
          .problem(
              NarrowException.Kind.INPUT,
              "has no float32 tensor to compare with: the float model comes first");
    }
    return pairs;
  }

  private void pairCall(int number, Operator operator, String writer) {
    Optional<Operator> other =
        pairing
            .counterpart(operator)
            .filter(o -> o.name().equals(operator.name()))
            .filter(o -> o.calls().size() == operator.calls().size());
    boolean runs =
        OpRules.call(operator, quantized.model()).isPresent()
            && other.filter(o -> OpRules.call(o, floats.model()).isPresent()).isPresent();
    if (runs) {
      calls.add(new PairedCall(number, other.orElseThrow(), operator));
    } else {
      String why =
          other.isEmpty()
              ? "nothing in the float model corresponds to it"
              : "they keep a state, or cannot be run apart";
      unseen.add("what " + writer + " runs, though its results are: " + why);
    }
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

  /**
   * What was found in it.
   *
   * @param samples how often it was run
   * @param whole of {@link #pairs}
   * @param local by number of the quantized model's tensor
   * @param values by number of the float model's tensor
   * @param bodies what was found in the subgraphs that it calls
   */
  Graph graph(
      int samples,
      Tallies whole,
      Map<Integer, Tally> local,
      Map<Integer, Distribution> values,
      List<Graph> bodies) {
    List<Comparison.Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      Pair pair = pairs.get(i);
      Tally tally = whole.all().get(i);
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
              Optional.ofNullable(values.get(pair.floatNumber())),
              Optional.empty()));
    }
    return new Graph(
        signature,
        name(),
        subgraph,
        floatSubgraph,
        caller,
        samples,
        tensors,
        constants(),
        unseen,
        List.of(),
        bodies);
  }

  private Role role(int tensor) {
    return quantized.graph().isInput(tensor)
        ? Role.INPUT
        : quantized.graph().isOutput(tensor) ? Role.OUTPUT : Role.INTERMEDIATE;
  }
}
