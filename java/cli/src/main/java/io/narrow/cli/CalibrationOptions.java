package io.narrow.cli;

import io.narrow.keras.KerasModel;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say where the ranges of activations come from. */
final class CalibrationOptions {
  @Option(
      names = "--calibrate",
      paramLabel = "DATA",
      description =
          "int8, int16x8: representative data, as `evaluate` takes it, or a file that `calibrate`"
              + " wrote (.json).")
  private String source;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Calibrate with the first N samples only.")
  private int samples = Integer.MAX_VALUE;

  @Option(
      names = "--range",
      paramLabel = "METHOD",
      description =
          "Ranges: minmax (default), percentile[:99.99], entropy, mse, or moving-average[:0.95].")
  private String method = RangeMethod.MINMAX.toString();

  /**
   * What a recipe makes of a model.
   *
   * @param input the file that the model was read from
   * @throws NarrowException if the recipe needs data to calibrate with and none are named
   */
  Plan plan(Path input, Model model, Recipe recipe) {
    if (!recipe.mode().integer()) {
      return Planner.plan(model, recipe);
    }
    Optional<Calibration> ranges = calibration(input, model);
    if (ranges.isEmpty()) {
      throw NarrowException.input(
          "--mode " + recipe.mode() + ": needs representative data, name them with --calibrate");
    }
    return Planner.plan(model, recipe, ranges.get());
  }

  /** Ranges of the activations of a model, empty where no data are named. */
  Optional<Calibration> calibration(Path input, Model model) {
    if (source == null) {
      return Optional.empty();
    }
    RangeMethod range = RangeMethod.parse(method);
    if (source.endsWith(".json")) {
      return Optional.of(Calibration.read(Path.of(source), model).withMethod(range));
    }
    Dataset data = Dataset.open(source);
    Calibrator.Options options =
        Calibrator.Options.DEFAULT
            .withSamples(samples)
            .withMethod(range)
            .withProgress(Bar.onTerminal());
    return Optional.of(
        KerasModel.isKeras(input)
            ? Calibrator.calibrate(model, data, options)
            : Calibrator.calibrate(input, data, options));
  }
}
