package io.narrow.tflite.evaluation;

import io.narrow.kernels.ErrorSums;
import io.narrow.tflite.model.Normalization;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How good, fast and large a model is on some data. All but latency and size are about its first
 * output, or what matches the first output of the first model.
 *
 * @param model the file
 * @param samples how many samples it was run on
 * @param accuracy share of the labelled samples whose label has the largest value (the first, if
 *     several are equally large); of a single value, whether 0.5 or more stands for label 1. Empty
 *     if no sample is labelled
 * @param top5 share of the labelled samples whose label is among the five largest values; empty if
 *     there are no labels or at most five values
 * @param agreement share of the samples for which the model says the same class as the first model
 * @param sqnrDb ratio of signal to quantization noise in decibels, {@code 10 log10(sum(x^2) /
 *     sum((x - y)^2))} over all values x of the first model and y of this one; infinite if they are
 *     equal, minus infinity if any is not finite
 * @param change how much more often it is right than the first model; empty if no sample is
 *     labelled
 * @param classes how many values the output has, which stand for as many classes; of a single
 *     value, 2
 * @param latency of one run
 * @param left the operators of subgraph 0 that XNNPACK did not take, and why
 * @param inputs where the data lie in the ranges of the inputs that are quantized, or that are
 *     published with how to scale pictures for them
 * @param fileBytes size of the file
 */
public record Evaluation(
    Path model,
    int samples,
    OptionalDouble accuracy,
    OptionalDouble top5,
    double agreement,
    double sqnrDb,
    Optional<PairedDifference> change,
    int classes,
    Latency latency,
    List<Benchmark.Left> left,
    List<Input> inputs,
    long fileBytes) {
  private static final float THRESHOLD = 0.5f;

  /** Data that fill less of a range than this were most likely scaled otherwise. */
  private static final double LITTLE = 1.0 / 16;

  /** And so were those of which more than this is beyond it. */
  private static final double MUCH = 1.0 / 8;

  /**
   * Where data lie in the range of an input that is quantized, by its own scale or that of the
   * QUANTIZE that reads it, or whose publisher says how pictures are scaled for it.
   *
   * @param name of the input
   * @param published what its publisher says, empty if it is quantized
   * @param low smallest value that its codes, or pictures, stand for, real
   * @param high largest one
   * @param min smallest value of the data
   * @param max largest one
   * @param outside share of the values that lie outside of the range
   */
  public record Input(
      String name,
      Optional<Normalization> published,
      double low,
      double high,
      double min,
      double max,
      double outside) {
    /**
     * Whether data and range are so far from each other that one of them was most likely scaled
     * otherwise: more than an eighth of the values lies outside, or all of them lie in a sixteenth
     * of the range; of pictures, what {@link Normalization#admits} says.
     */
    public boolean far() {
      if (published.isPresent()) {
        return !published.get().admits(min, max);
      }
      return outside > MUCH || max > min && max - min < LITTLE * (high - low);
    }
  }

  public Evaluation {
    left = List.copyOf(left);
    inputs = List.copyOf(inputs);
  }

  /** A ratio as {@link #sqnrDb} has it: minus infinity where a sum is not finite. */
  public static double sqnrDb(ErrorSums sums) {
    return Double.isFinite(sums.signal()) && Double.isFinite(sums.noise())
        ? sums.sqnr()
        : Double.NEGATIVE_INFINITY;
  }

  /**
   * The class that an output stands for.
   *
   * @param values of the output, at least one
   * @return number of the largest value, the first if several are equally large; of a single value,
   *     1 if it is 0.5 or more, else 0
   */
  public static int predicted(float[] values) {
    if (values.length == 1) {
      return values[0] >= THRESHOLD ? 1 : 0;
    }
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Why there is no accuracy, or no top 5, in words. */
  public String whyNoAccuracy() {
    return accuracy.isEmpty()
        ? "no sample has a label"
        : "its output has " + classes + " values, of which 5 are all or most";
  }

  /**
   * Whether it finds labels hardly more often than chance would: then data are mostly preprocessed
   * otherwise than those it was trained on, or labels are counted otherwise.
   */
  public boolean nearChance() {
    if (accuracy.isEmpty()) {
      return false;
    }
    double chance = 1.0 / classes;
    int labelled = change.map(PairedDifference::samples).orElse(samples);
    double noise = 2 * Math.sqrt(chance * (1 - chance) / labelled);
    return accuracy.getAsDouble() <= chance + noise;
  }
}
