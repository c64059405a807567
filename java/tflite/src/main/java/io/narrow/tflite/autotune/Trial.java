package io.narrow.tflite.autotune;

import io.narrow.tflite.evaluation.PairedDifference;
import io.narrow.tflite.plan.Recipe;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A file that was made and run, and what came out.
 *
 * @param name of the mode that it was made in, or what it is a mix of
 * @param recipe what makes it
 * @param encodings how many operators with weights have them how
 * @param bytes size of the file
 * @param samples on how many samples it was judged
 * @param sqnrDb ratio of signal to quantization noise over all values of an output, of the output
 *     where it is least; infinite if all values are equal
 * @param agreement share of the samples for which it says the same class as the model, by its first
 *     output
 * @param accuracy share of the labelled samples whose label it finds; empty if none has a label
 * @param change how much more often it is right than the model; empty if no sample has a label
 * @param latencyMillis median of its runs
 */
public record Trial(
    String name,
    Recipe recipe,
    Map<Choice, Integer> encodings,
    long bytes,
    int samples,
    double sqnrDb,
    double agreement,
    OptionalDouble accuracy,
    Optional<PairedDifference> change,
    double latencyMillis) {
  public Trial {
    encodings = Map.copyOf(encodings);
  }

  /**
   * By how much its accuracy is below the model's; without labels, the share of the samples for
   * which it says another class.
   */
  public double drop() {
    return PairedDifference.drop(change, agreement, samples);
  }
}
