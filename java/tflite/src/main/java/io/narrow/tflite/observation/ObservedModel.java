package io.narrow.tflite.observation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.observation.Run.Way;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import io.narrow.tflite.runtime.TensorInfo;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * A model in memory that is run on samples, several at a time, while observers look at its tensors
 * where these lie.
 *
 * <p>XNNPACK runs the model with the tensors to be looked at as outputs. What it gives for the
 * first sample is compared with the built-in kernels, which keep all tensors; where the range of
 * one differs by more than rounding explains, or where XNNPACK cannot be used, these run all
 * samples. What only XNNPACK computes right is not compared.
 */
public final class ObservedModel implements AutoCloseable {
  private final RunnableModel model;
  private final String name;
  private final List<Integer> shown;
  private final Optional<Bodies> bodies;
  private Run first;
  private boolean decided;
  private boolean taken;
  private volatile boolean checked;

  private ObservedModel(
      Model model, List<Integer> shown, Optional<Bodies> bodies, boolean xnnpack) {
    this.model = RunnableModel.of(model);
    this.name = model.name();
    this.shown = List.copyOf(shown);
    this.bodies = bodies;
    // XNNPACK keeps a copy of the weights for each thread, too much of over 2 GiB.
    boolean fast = xnnpack && model.fitsMemory();
    // Outputs, which XNNPACK shows as they are, or what nothing else computes.
    boolean asTheyAre = fast && (shown.isEmpty() || OpRules.needFast(model));
    this.decided = asTheyAre || !fast;
    try {
      this.first = open(asTheyAre ? Way.FAST : Way.SURE);
    } catch (RuntimeException | Error e) {
      this.model.close();
      throw e;
    }
  }

  /**
   * Loads a model.
   *
   * @param shown numbers of the tensors of subgraph 0 that observers look at, which are computed,
   *     or inputs that are to stay as they are given; empty for the outputs of the model, which
   *     XNNPACK shows without a comparison
   * @throws NarrowException if the runtime does not take the model
   */
  public static ObservedModel open(Model model, List<Integer> shown) {
    return open(model, shown, true);
  }

  /**
   * As {@link #open(Model, List)}.
   *
   * @param xnnpack whether XNNPACK may be used; the built-in kernels always run it otherwise
   */
  public static ObservedModel open(Model model, List<Integer> shown, boolean xnnpack) {
    return new ObservedModel(model, shown, Optional.empty(), xnnpack);
  }

  /**
   * Loads a model of which observers look into the subgraphs that its operators call, too, at each
   * call of one: these run once more then, on the built-in kernels. Subgraphs with state or chance
   * in them cannot be run apart, and are not.
   *
   * @param shown as for {@link #open}; at least one, where there are such operators
   */
  public static ObservedModel withCalls(Model model, List<Integer> shown) {
    Bodies bodies = new Bodies(model);
    Set<Integer> all = new LinkedHashSet<>(shown);
    bodies.calls(0).stream()
        .flatMapToInt(operator -> IntStream.of(operator.inputs()))
        .filter(number -> number >= 0 && bodies.graph(0).producer(number).isPresent())
        .forEach(all::add);
    return new ObservedModel(
        model, List.copyOf(all), Optional.of(bodies).filter(b -> !b.calls(0).isEmpty()), true);
  }

  private Run open(Way way) {
    Run run = new Run(model, shown, way, bodies, !checked);
    checked |= way == Way.FAST;
    return run;
  }

  /** Its inputs, in the order of the file. */
  public List<TensorInfo> inputs() {
    return first.interpreter().inputs();
  }

  /**
   * Runs the model on samples. State that it keeps is reset before each.
   *
   * @param observers makes an observer for each thread
   * @param threads how many samples run at a time, each on an interpreter of its own, which costs
   *     as much memory again
   * @return observers that together have seen every sample once, each in their order: which has
   *     seen what differs from run to run
   * @throws RuntimeException that of the first sample that failed, in their order
   */
  public <O extends Observer> List<O> run(
      Inputs inputs, Supplier<O> observers, int threads, String task, Progress progress) {
    List<Workers.Worker<O>> workers = new ArrayList<>();
    try {
      int count = Math.min(threads, inputs.size());
      for (int i = 0; i < count; i++) {
        workers.add(
            new Workers.Worker<>(
                () -> start(interpreter -> inputs.write(0, interpreter)), observers.get()));
      }
      new Workers<>(inputs, workers, task, progress).run();
    } finally {
      workers.forEach(Workers.Worker::close);
    }
    return workers.stream().map(Workers.Worker::observer).toList();
  }

  /**
   * A run for one thread that decides itself what it runs on. Safe for use by several threads.
   *
   * @param sample writes a sample to the inputs; the first one that is given here is what the two
   *     kinds of kernels are compared on
   * @return to be closed by the caller
   */
  public Run start(Consumer<Interpreter> sample) {
    synchronized (this) {
      if (!decided) {
        decide(sample);
        decided = true;
      }
      if (!taken) {
        taken = true;
        return first;
      }
    }
    return open(first.way());
  }

  /** Replaces the first run by one on XNNPACK, if that agrees with the built-in kernels. */
  private void decide(Consumer<Interpreter> sample) {
    first.run(sample);
    try {
      Run fast = open(Way.FAST);
      try {
        fast.run(sample);
        if (fast.agrees(first, shown)) {
          first.close();
          first = fast;
          return;
        }
        log("{0}: XNNPACK gives other ranges than the built-in kernels: these are used", name);
      } catch (RuntimeException | Error e) {
        fast.close();
        throw e;
      }
      fast.close();
    } catch (NarrowException e) {
      log("the built-in kernels are used: {0}", e.getMessage());
    }
  }

  /** Seldom needed: setting up the JDK's loggers takes 10 ms of a short run. */
  private static void log(String message, Object argument) {
    System.getLogger(ObservedModel.class.getName()).log(Level.DEBUG, message, argument);
  }

  /**
   * Frees the model, but for what is {@linkplain #start started} and not yet closed. Idempotent.
   */
  @Override
  public void close() {
    if (!taken) {
      first.close();
    }
    model.close();
  }
}
