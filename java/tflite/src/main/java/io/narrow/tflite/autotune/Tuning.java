package io.narrow.tflite.autotune;

import io.narrow.tflite.model.Model;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What was found for a budget.
 *
 * @param budget what was asked for
 * @param model the best file, as it is to be written
 * @param best what came out of it
 * @param original what came out of the model itself
 * @param uniform the best of the files of one mode that keep to the budget; empty if none does
 * @param trials all files that were made and judged on all samples, smallest first, {@code best}
 *     among them
 * @param equal those of {@code trials} whose ratio of signal to noise differs from that of {@code
 *     best} by less than chance (95 % of a paired bootstrap over the samples)
 * @param sensitivities what each operator costs in each encoding
 * @param calibrationSamples with how many samples the best file was made; empty if with all there
 *     are
 * @param halves signal to noise in dB of the same recipe made with each half of the calibration
 *     data; empty if that was not tried
 */
public record Tuning(
    Budget budget,
    Model model,
    Trial best,
    Trial original,
    Optional<Trial> uniform,
    List<Trial> trials,
    List<Trial> equal,
    List<Sensitivity> sensitivities,
    Optional<Integer> calibrationSamples,
    List<Double> halves) {
  public Tuning {
    trials = List.copyOf(trials);
    equal = List.copyOf(equal);
    sensitivities = List.copyOf(sensitivities);
    halves = List.copyOf(halves);
  }

  /** Those of the trials than which none smaller has less noise, smallest first. */
  public List<Trial> front() {
    OptionalDouble[] most = {OptionalDouble.empty()};
    return trials.stream()
        .sorted(
            Comparator.comparingLong(Trial::bytes)
                .thenComparing(Comparator.comparingDouble(Trial::sqnrDb).reversed()))
        .filter(
            trial -> {
              boolean better = most[0].isEmpty() || trial.sqnrDb() > most[0].getAsDouble();
              most[0] = better ? OptionalDouble.of(trial.sqnrDb()) : most[0];
              return better;
            })
        .toList();
  }
}
