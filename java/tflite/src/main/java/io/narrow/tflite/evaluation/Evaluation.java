package io.narrow.tflite.evaluation;

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
    long fileBytes) {
  public Evaluation {
    left = List.copyOf(left);
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
