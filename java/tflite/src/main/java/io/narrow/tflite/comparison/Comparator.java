package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Runs a quantized model beside the float model that it was made of, by whatever tool, and measures
 * how far each of its tensors is from the one that it stands for.
 */
public final class Comparator {
  /**
   * How to compare.
   *
   * @param samples at most so many
   * @param threads how many samples are run at a time, each on interpreters of its own, which costs
   *     as much memory again; the result does not depend on it
   * @param xnnpack whether XNNPACK takes the operators that it knows
   * @param local whether the error of each operator alone is measured, which takes a third of the
   *     time; without it nothing can be restored
   * @param restored how many of the worst operators are put back to float
   * @param histograms whether the values of the float model's tensors are counted as well
   * @param reasons whether to say what the mode by which the quantized model looks made has to say
   *     of its operators and weights
   * @param progress is told of each sample
   */
  public record Options(
      int samples,
      int threads,
      boolean xnnpack,
      boolean local,
      int restored,
      boolean histograms,
      boolean reasons,
      Progress progress) {
    /**
     * All samples, one thread, XNNPACK, local errors, nothing restored, counted or explained, no
     * progress.
     */
    public static final Options DEFAULT =
        new Options(Integer.MAX_VALUE, 1, true, true, 0, false, false, Progress.NONE);

    public Options {
      if (threads < 1) {
        throw NarrowException.input("threads " + threads + ": has to be 1 or more");
      }
      if (restored < 0) {
        throw NarrowException.input("restored operators " + restored + ": has to be 0 or more");
      }
      if (restored > 0 && !local) {
        throw NarrowException.input("restored operators: need the local errors");
      }
    }

    public Options withSamples(int samples) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withThreads(int threads) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withXnnpack(boolean xnnpack) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withLocal(boolean local) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withRestored(int restored) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withHistograms(boolean histograms) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withReasons(boolean reasons) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }

    public Options withProgress(Progress progress) {
      return new Options(samples, threads, xnnpack, local, restored, histograms, reasons, progress);
    }
  }

  private Comparator() {}

  /**
   * Compares two models on samples: each signature of the float model, as far as there are data for
   * it.
   *
   * @param floats the float model
   * @param quantized what was made of it; inputs and outputs may be integers
   * @param data as the inputs of the float model demand; those of the other are rounded from them
   * @throws NarrowException if a model cannot be run, was not made of the other, or the data do not
   *     fit
   */
  public static Comparison compare(Model floats, Model quantized, Datasets data, Options options) {
    data.check(floats.signatures().stream().map(Signature::key).toList(), floats.name());
    List<Comparison.Graph> graphs = new ArrayList<>();
    for (int entry : floats.entries()) {
      OptionalInt other = entry(quantized, floats.signatureOf(entry), entry);
      if (other.isPresent()) {
        Optional<Comparison.Graph> found =
            new GraphComparator(
                    floats.withEntry(entry),
                    quantized.withEntry(other.getAsInt()),
                    floats.signatureOf(entry),
                    entry,
                    other.getAsInt(),
                    options)
                .compare(inputs -> data.of(floats.signatureOf(entry), inputs, entry == 0));
        found.ifPresent(graphs::add);
      }
    }
    Optional<Rules> rules = options.reasons() ? Rules.of(floats, quantized) : Optional.empty();
    return new Comparison(
        floats.name(),
        quantized.name(),
        floats.bytes().remaining(),
        quantized.bytes().remaining(),
        rules.map(Rules::mode),
        rules.isEmpty() ? graphs : graphs.stream().map(rules.get()::explain).toList());
  }

  /**
   * As {@link #compare(Model, Model, Datasets, Options)}, with the same data for all signatures.
   */
  public static Comparison compare(Model floats, Model quantized, Dataset data, Options options) {
    return compare(floats, quantized, Datasets.of(data), options);
  }

  /** The subgraph that does what an entry of the float model does: of its name, or the first. */
  private static OptionalInt entry(Model quantized, String signature, int entry) {
    OptionalInt named =
        quantized.signatures().stream()
            .filter(other -> other.key().equals(signature))
            .mapToInt(Signature::subgraph)
            .findFirst();
    return named.isPresent() || entry != 0 ? named : OptionalInt.of(0);
  }
}
