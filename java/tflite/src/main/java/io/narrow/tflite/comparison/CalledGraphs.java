package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.comparison.Comparison.Caller;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.comparison.PairedGraph.PairedCall;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.observation.Calls;
import io.narrow.tflite.observation.Observer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The subgraphs that operators of two models run, compared call by call on the built-in kernels:
 * end to end each model on what it has computed, and every operator alone on what the float model
 * has.
 */
final class CalledGraphs implements AutoCloseable {
  /** What is compared of a pair of subgraphs. */
  private static final class Body {
    private final PairedGraph graph;
    private final Distributions values;
    private final List<Seen> seen = new ArrayList<>();
    private Optional<Follower> alone = Optional.empty();
    private boolean opened;
    private Optional<String> problem = Optional.empty();

    Body(PairedGraph graph, boolean histograms) {
      this.graph = graph;
      this.values = Distributions.of(graph.pairs(), histograms);
    }
  }

  /** What one thread has seen of it. */
  private static final class Seen {
    private final Tallies whole;
    private final Observer counter;
    private Optional<Follower.Thread> alone = Optional.empty();
    private int times;

    Seen(Tallies whole, Observer counter) {
      this.whole = whole;
      this.counter = counter;
    }
  }

  private final PairedGraph main;
  private final Comparator.Options options;
  private final Calls calls;
  // By numbers of the float and the quantized model's subgraph, callers first.
  private final Map<List<Integer>, Body> bodies = new LinkedHashMap<>();
  private final Map<List<Integer>, PairedGraph> callers = new HashMap<>();
  private final Map<Operator, Integer> parted = new LinkedHashMap<>(); // those of the float model

  private CalledGraphs(PairedGraph main, Comparator.Options options) {
    this.main = main;
    this.options = options;
    this.calls = new Calls(List.of(main.floats().model(), main.quantized().model()));
    find(List.of(0, 0), main);
  }

  /** What a graph calls; nothing if it calls nothing that can be compared. */
  static Optional<CalledGraphs> of(PairedGraph main, Comparator.Options options) {
    return main.calls().isEmpty() ? Optional.empty() : Optional.of(new CalledGraphs(main, options));
  }

  private void find(List<Integer> key, PairedGraph caller) {
    callers.put(key, caller);
    for (PairedCall call : caller.calls()) {
      for (int place = 0; place < call.quantized().calls().size(); place++) {
        List<Integer> called =
            List.of(call.floats().calls().get(place), call.quantized().calls().get(place));
        if (!callers.containsKey(called)) {
          pair(called, call, caller);
        }
      }
    }
  }

  private void pair(List<Integer> key, PairedCall call, PairedGraph caller) {
    Model quantized = main.quantized().model();
    try {
      PairedGraph graph =
          new PairedGraph(
              main.floats().model().withEntry(key.get(0)),
              quantized.withEntry(key.get(1)),
              "",
              key.get(0),
              key.get(1),
              Optional.of(
                  new Caller(
                      caller.subgraph(), caller.name(), call.number(), call.quantized().name())));
      graph.constants();
      bodies.put(key, new Body(graph, options.histograms()));
      find(key, graph);
    } catch (NarrowException e) {
      callers.put(key, caller); // not once more
      String name = quantized.subgraphs().get(key.get(1)).name();
      main.miss("`" + name + "` of " + text(call) + ": " + e.getMessage());
    }
  }

  private static String text(PairedCall call) {
    return call.quantized().name() + " (operator " + call.number() + ")";
  }

  /** In one more thread. */
  synchronized Thread start(Tally.Scratch scratch) {
    return new Thread(calls.another(), scratch);
  }

  /** It in one thread. */
  final class Thread implements Calls.Watcher, AutoCloseable {
    private final Calls calls;
    private final Tally.Scratch scratch;
    private final Map<List<Integer>, Seen> seen = new HashMap<>();

    private Thread(Calls calls, Tally.Scratch scratch) {
      this.calls = calls;
      this.scratch = scratch;
    }

    /** The float model has been given a sample. */
    void keep(Observer.Tensors floats) {
      calls.keep(0, floats);
    }

    /** And so has the other. */
    void keepOther(Observer.Tensors quantized) {
      calls.keep(1, quantized);
    }

    /** Both have been run. */
    void follow(Observer.Tensors floats, Observer.Tensors quantized) {
      calls.follow(List.of(floats, quantized), this);
    }

    @Override
    public List<List<Operator>> calls(List<Integer> subgraphs) {
      PairedGraph graph = callers.get(subgraphs);
      boolean known = subgraphs.equals(List.of(0, 0)) || bodies.containsKey(subgraphs);
      return known
          ? graph.calls().stream().map(call -> List.of(call.floats(), call.quantized())).toList()
          : List.of();
    }

    @Override
    public void after(List<Integer> subgraphs, List<? extends Observer.Tensors> tensors) {
      Body body = bodies.get(subgraphs);
      if (body != null) {
        look(body, seen.computeIfAbsent(subgraphs, key -> see(body)), tensors);
      }
    }

    private Seen see(Body body) {
      synchronized (body) {
        Tallies whole =
            new Tallies(body.graph.quantized().model().name(), body.graph.pairs(), scratch);
        Seen one = new Seen(whole, body.values.counter());
        body.seen.add(one);
        return one;
      }
    }

    private void look(Body body, Seen one, List<? extends Observer.Tensors> tensors) {
      Observer.Tensors floats = tensors.get(0);
      try {
        one.whole.add(floats, tensors.get(1));
      } catch (NarrowException e) {
        synchronized (body) {
          body.problem = Optional.of(e.getMessage());
        }
      }
      if (one.times == 0) {
        one.alone = alone(body, floats).map(each -> each.start(scratch, Optional.empty()));
      }
      one.alone.ifPresent(each -> each.follow(floats));
      one.counter.after(one.times, floats);
      one.times++;
    }

    @Override
    public void part(List<Integer> subgraphs, List<Operator> operators) {
      synchronized (parted) {
        parted.merge(operators.get(0), 1, Integer::sum);
      }
    }

    @Override
    public void close() {
      seen.values().forEach(each -> each.alone.ifPresent(Follower.Thread::close));
      calls.close();
    }
  }

  /** What runs every operator of a body alone, unless the runtime refuses it. */
  private Optional<Follower> alone(Body body, Observer.Tensors floats) {
    synchronized (body) {
      if (!body.opened) {
        body.opened = true;
        body.alone = options.local() ? open(body.graph, floats, false) : Optional.empty();
      }
      return body.alone;
    }
  }

  /**
   * What runs every operator of a graph alone, unless the runtime refuses it.
   *
   * @param floats the float model after a sample
   * @param xnnpack whether XNNPACK may run it
   */
  static Optional<Follower> open(PairedGraph graph, Observer.Tensors floats, boolean xnnpack) {
    List<Pair> computed = graph.computed();
    if (computed.isEmpty()) {
      return Optional.empty();
    }
    try {
      LocalModel cut =
          LocalModel.of(graph.floats(), graph.quantized(), graph.pairing(), graph.sizes(floats));
      cut.openText().ifPresent(graph::miss);
      return Optional.of(
          new Follower(
              cut.model(),
              cut.inputs(),
              graph::isGiven,
              computed,
              Follower.numbers(computed),
              xnnpack,
              true));
    } catch (NarrowException e) {
      graph.missLocal(e.getMessage());
      return Optional.empty();
    }
  }

  /** The pairs of subgraphs, for their operators to be restored. */
  List<PairedGraph> pairs() {
    return bodies.values().stream().map(body -> body.graph).toList();
  }

  /** What was found in each of them that computes real numbers. */
  List<Graph> graphs() {
    for (PairedGraph caller : callers.values()) {
      for (PairedCall call : caller.calls()) {
        Integer times = parted.remove(call.floats());
        if (times != null) {
          main.miss(
              text(call)
                  + ": both models took other ways "
                  + (times == 1 ? "once" : times + " times")
                  + "; what they computed there from then on");
        }
      }
    }
    List<Graph> found = new ArrayList<>();
    for (Body body : bodies.values()) {
      if (!body.graph.computed().isEmpty()) {
        graph(body).ifPresent(found::add);
      }
    }
    return found;
  }

  private Optional<Graph> graph(Body body) {
    int times = body.seen.stream().mapToInt(one -> one.times).sum();
    Optional<String> problem =
        times == 0
            ? Optional.of("no sample runs it, or what it is given is not to be seen")
            : body.problem;
    if (problem.isPresent()) {
      main.miss("`" + body.graph.name() + "`: " + problem.get());
      return Optional.empty();
    }
    Tallies whole = Tallies.sum(body.seen.stream().map(one -> one.whole));
    Map<Integer, Tally> local = new HashMap<>();
    body.alone.flatMap(Follower::problem).ifPresent(body.graph::missLocal);
    if (body.alone.filter(each -> each.problem().isEmpty()).isPresent()) {
      Stream<Follower.Thread> alone = body.seen.stream().flatMap(one -> one.alone.stream());
      body.graph.addTo(local, Tallies.sum(alone.map(Follower.Thread::tallies)));
    }
    return Optional.of(body.graph.graph(times, whole, local, body.values.counted(), List.of()));
  }

  @Override
  public void close() {
    bodies.values().forEach(body -> body.alone.ifPresent(Follower::close));
    calls.close();
  }
}
