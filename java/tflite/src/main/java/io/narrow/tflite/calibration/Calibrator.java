package io.narrow.tflite.calibration;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.calibration.Recorder.Way;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Runs a float model on samples and keeps statistics of its activations.
 *
 * <p>XNNPACK runs the model with every activation an output, so that each is looked at in its own
 * memory. What it gives for the first sample is compared with the built-in kernels, which keep all
 * tensors; where a range differs by more than a thousandth, or where XNNPACK cannot be used, these
 * run all samples.
 *
 * <p>Variable tensors are reset before each sample, as {@code Evaluator} does. Of an LSTM over a
 * sequence the cell counts at every step, which is computed again as the runtime shows the last
 * only.
 */
public final class Calibrator {
  private static final System.Logger LOG = System.getLogger(Calibrator.class.getName());

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
        throw NarrowException.input("--threads " + threads + ": has to be 1 or more");
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
   * @param file a float model
   * @param data as the inputs demand, which is checked before the first run
   * @throws NarrowException if the model cannot be loaded or run, the data do not fit it, or an
   *     activation is NaN or infinite: the message then names tensor, operator and sample
   */
  public static Calibration calibrate(Path file, Datasets data, Options options) {
    Model model = Model.read(file);
    data.check(model.signatures().stream().map(Signature::key).toList(), model.name());
    Calibration calibration = Calibration.EMPTY.withMethod(options.method);
    for (int entry : model.entries()) {
      Model one = model.withEntry(entry);
      Optional<Calibration> found =
          entry == 0
              ? calibrate(file, one, model.signatureOf(0), true, data, options)
              : inFile(one, f -> calibrate(f, one, model.signatureOf(entry), false, data, options));
      if (found.isPresent()) {
        calibration = calibration.with(entry, found.get());
      }
    }
    return calibration;
  }

  /** As {@link #calibrate(Path, Datasets, Options)}, with the same data for all signatures. */
  public static Calibration calibrate(Path file, Dataset data, Options options) {
    return calibrate(file, Datasets.of(data), options);
  }

  private static Optional<Calibration> calibrate(
      Path file,
      Model model,
      String signature,
      boolean needed,
      Datasets datasets,
      Options options) {
    List<Activation> activations = Activation.of(model);
    List<LstmTrace> traces = LstmTrace.of(model);
    try (Recorder sure = new Recorder(file, activations, traces, options.averaging(), Way.SURE)) {
      Optional<Dataset> data =
          datasets.limit(options.samples).of(signature, sure.interpreter().inputs(), needed);
      if (data.isEmpty()) {
        return Optional.empty();
      }
      Feed feed = data.get().feed(sure.interpreter().inputs());
      sure.record(feed, 0);
      try (Recorder first = fastest(sure, feed)) {
        int threads = options.averaging().isPresent() ? 1 : options.threads;
        return Optional.of(Workers.run(first, feed, threads, options.progress));
      }
    }
  }

  /**
   * A recorder that has seen the first sample.
   *
   * @param sure one on the built-in kernels; closed if it is not the result
   */
  private static Recorder fastest(Recorder sure, Feed feed) {
    Optional<Recorder> fast = Optional.empty();
    try {
      fast = Optional.of(sure.another(Way.FAST));
      fast.get().record(feed, 0);
      if (fast.get().agrees(sure)) {
        sure.close();
        return fast.get();
      }
      LOG.log(Level.DEBUG, "XNNPACK gives other ranges than the built-in kernels: these are used");
    } catch (NarrowException e) {
      LOG.log(Level.DEBUG, "the built-in kernels are used: {0}", e.getMessage());
    }
    fast.ifPresent(Recorder::close);
    return sure;
  }

  /** As {@link #calibrate(Path, Datasets, Options)}, of a model that is in no file. */
  public static Calibration calibrate(Model model, Datasets data, Options options) {
    return inFile(model, file -> calibrate(file, data, options));
  }

  /** As {@link #calibrate(Model, Datasets, Options)}, with the same data for all signatures. */
  public static Calibration calibrate(Model model, Dataset data, Options options) {
    return calibrate(model, Datasets.of(data), options);
  }

  private static <T> T inFile(Model model, Function<Path, T> work) {
    try {
      Path folder = Files.createTempDirectory("narrow");
      Path file = folder.resolve(Path.of(model.name()).getFileName());
      try {
        model.write(file);
        return work.apply(file);
      } finally {
        Files.deleteIfExists(file);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT,
          model.name() + ": no temporary file for it: " + e.getMessage(),
          e);
    }
  }
}
