package io.narrow.tflite.calibration;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.calibration.Activation.Role;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.runtime.Inputs;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Runs a float model on samples and keeps statistics of its activations.
 *
 * <p>Variable tensors are reset before each sample, as {@code Evaluator} does. Of an LSTM over a
 * sequence the cell counts at every step, which is computed again as the runtime shows the last
 * only. The bodies of WHILE and IF count each time that they are run.
 */
public final class Calibrator {
  /**
   * How to calibrate.
   *
   * @param samples at most so many
   * @param threads how many samples are run at a time, each on an interpreter of its own, which
   *     costs as much memory again
   * @param method how the result chooses ranges; {@link RangeMethod.Kind#MOVING_AVERAGE} depends on
   *     the order of the samples, so that it is computed in one thread
   * @param progress is told of each sample
   */
  public record Options(int samples, int threads, RangeMethod method, Progress progress) {
    /** All samples, one thread, the usual ranges, no progress. */
    public static final Options DEFAULT =
        new Options(Integer.MAX_VALUE, 1, RangeMethod.AUTO, Progress.NONE);

    public Options {
      if (threads < 1) {
        throw NarrowException.input("threads " + threads + ": has to be 1 or more");
      }
    }

    public Options withSamples(int samples) {
      return new Options(samples, threads, method, progress);
    }

    public Options withThreads(int threads) {
      return new Options(samples, threads, method, progress);
    }

    public Options withMethod(RangeMethod method) {
      return new Options(samples, threads, method, progress);
    }

    public Options withProgress(Progress progress) {
      return new Options(samples, threads, method, progress);
    }

    private Optional<RangeMethod> averaging() {
      return Optional.of(method).filter(m -> m.kind() == RangeMethod.Kind.MOVING_AVERAGE);
    }
  }

  private Calibrator() {}

  /**
   * Runs a model on samples: each of its signatures, as far as there are data for it. The result
   * does not depend on the order of the samples or the number of threads, moving averages excepted.
   *
   * @param model a float model
   * @param data as the inputs demand, which is checked before the first run
   * @throws NarrowException if the model cannot be loaded or run, the data do not fit it, or an
   *     activation is NaN or infinite: the message then names tensor, operator and sample
   */
  public static Calibration calibrate(Model model, Datasets data, Options options) {
    data.check(model.signatures().stream().map(Signature::key).toList(), model.name());
    Calibration calibration = Calibration.EMPTY.withMethod(options.method);
    Parts parts = Parts.ONE;
    SortedMap<Integer, Calibration> all = new TreeMap<>();
    for (int entry : model.entries()) {
      Optional<Found> found = calibrate(model, entry, data.limit(options.samples), options);
      if (found.isPresent()) {
        SortedMap<Integer, Calibration> byPart = found.get().byPart();
        Optional<Calibration> whole = byPart.values().stream().reduce(Calibration::merge);
        calibration = whole.isPresent() ? calibration.with(entry, whole.get()) : calibration;
        parts = entry == 0 ? found.get().parts() : parts;
        byPart.forEach(
            (part, one) ->
                all.merge(part, Calibration.EMPTY.with(entry, one), (a, b) -> a.with(entry, one)));
      }
    }
    return parts.equals(Parts.ONE) ? calibration : calibration.with(new Folds(parts, all));
  }

  /** What was found on samples, by the part that they are in. */
  private record Found(Parts parts, SortedMap<Integer, Calibration> byPart) {}

  /** As {@link #calibrate(Model, Datasets, Options)}, with the same data for all signatures. */
  public static Calibration calibrate(Model model, Dataset data, Options options) {
    return calibrate(model, Datasets.of(data), options);
  }

  private static Optional<Found> calibrate(
      Model all, int entry, Datasets datasets, Options options) {
    Model model = all.withEntry(entry);
    List<Activation> activations = Activation.of(model);
    List<LstmTrace> traces = LstmTrace.of(model);
    List<Integer> computed =
        activations.stream()
            .filter(activation -> activation.role() == Role.OUTPUT)
            .map(Activation::tensor)
            .toList();
    try (ObservedModel observed = ObservedModel.withCalls(model, computed)) {
      Optional<Dataset> data = datasets.of(all.signatureOf(entry), observed.inputs(), entry == 0);
      if (data.isEmpty()) {
        return Optional.empty();
      }
      Inputs samples = data.get().inputs(observed.inputs());
      Parts parts =
          options.method.equals(RangeMethod.AUTO)
              ? Parts.of(samples.size(), activations.size())
              : Parts.ONE;
      SortedMap<Integer, Calibration> byPart = new TreeMap<>();
      observed
          .run(
              samples,
              () ->
                  new Recorder(
                      model,
                      parts,
                      activations,
                      traces.stream().map(LstmTrace::another).toList(),
                      options.averaging()),
              options.averaging().isPresent() ? 1 : options.threads,
              "calibrate",
              options.progress)
          .forEach(
              recorder ->
                  recorder
                      .calibrations()
                      .forEach((part, found) -> byPart.merge(part, found, Calibration::merge)));
      return Optional.of(new Found(parts, byPart));
    }
  }
}
