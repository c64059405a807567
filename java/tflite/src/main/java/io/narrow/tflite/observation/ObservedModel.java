package io.narrow.tflite.observation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.observation.Run.Way;
import io.narrow.tflite.runtime.TensorInfo;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A model in memory that is run on samples, several at a time, while observers look at its tensors
 * where these lie.
 *
 * <p>XNNPACK runs the model with the tensors to be looked at as outputs. What it gives for the
 * first sample is compared with the built-in kernels, which keep all tensors; where the range of
 * one differs by more than a thousandth, or where XNNPACK cannot be used, these run all samples.
 */
public final class ObservedModel implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(ObservedModel.class.getName());

  private final ByteBuffer bytes;
  private final String name;
  private final List<Integer> shown;
  private final Run run;

  private ObservedModel(ByteBuffer bytes, String name, List<Integer> shown) {
    this.bytes = bytes;
    this.name = name;
    this.shown = List.copyOf(shown);
    this.run = open(shown.isEmpty() ? Way.FAST : Way.SURE);
  }

  /**
   * Loads a model.
   *
   * @param shown numbers of the computed tensors of subgraph 0 that observers look at; empty for
   *     the outputs of the model, which XNNPACK shows without a comparison
   * @throws NarrowException if the runtime does not take the model, or it is larger than 2 GiB
   */
  public static ObservedModel open(Model model, List<Integer> shown) {
    return new ObservedModel(model.bytes(), model.name(), shown);
  }

  private Run open(Way way) {
    return new Run(bytes, name, shown, way);
  }

  /** Its inputs, in the order of the file. */
  public List<TensorInfo> inputs() {
    return run.interpreter().inputs();
  }

  /**
   * Runs the model on samples. State that it keeps is reset before each.
   *
   * @param observers makes an observer; more are made than given back, those of runs that were
   *     compared only
   * @param threads how many samples run at a time, each on an interpreter of its own, which costs
   *     as much memory again
   * @return observers that together have seen every sample once: which has seen what depends on the
   *     number of threads
   * @throws RuntimeException that of the first sample that failed, in their order
   */
  public <O extends Observer> List<O> run(
      Inputs inputs, Supplier<O> observers, int threads, String task, Progress progress) {
    O first = observers.get();
    run.run(inputs, 0, first);
    Way way = shown.isEmpty() ? Way.FAST : Way.SURE;
    Workers.Worker<O> worker = new Workers.Worker<>(run, first);
    if (way == Way.SURE) {
      Optional<Workers.Worker<O>> fast = fast(inputs, observers.get());
      if (fast.isPresent()) {
        run.close();
        way = Way.FAST;
        worker = fast.get();
      }
    }
    List<Workers.Worker<O>> workers = new ArrayList<>(List.of(worker));
    try {
      while (workers.size() < Math.min(threads, inputs.size())) {
        workers.add(new Workers.Worker<>(open(way), observers.get()));
      }
      new Workers<>(inputs, workers, task, progress).run();
    } finally {
      workers.forEach(each -> each.run().close());
    }
    return workers.stream().map(Workers.Worker::observer).toList();
  }

  /** XNNPACK after the first sample, if it can be used and agrees with the built-in kernels. */
  private <O extends Observer> Optional<Workers.Worker<O>> fast(Inputs inputs, O observer) {
    try {
      Run fast = open(Way.FAST);
      try {
        fast.run(inputs, 0, observer);
        if (fast.agrees(run, shown)) {
          return Optional.of(new Workers.Worker<>(fast, observer));
        }
        LOG.log(
            Level.DEBUG, "XNNPACK gives other ranges than the built-in kernels: these are used");
      } catch (RuntimeException | Error e) {
        fast.close();
        throw e;
      }
      fast.close();
    } catch (NarrowException e) {
      LOG.log(Level.DEBUG, "the built-in kernels are used: {0}", e.getMessage());
    }
    return Optional.empty();
  }

  /** Frees the model. Idempotent. */
  @Override
  public void close() {
    run.close();
  }
}
