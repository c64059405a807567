package io.narrow.cli;

import io.narrow.keras.KerasModel;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.correction.BiasCorrector;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say what a model is calibrated with. */
final class CalibrationOptions {
  private static final String SAVED = ".json";

  @Option(
      names = "--calibrate",
      paramLabel = "DATA",
      description =
          "Representative data, as `evaluate` takes it, for the ranges of activations (int8,"
              + " int16x8) and the correction of biases; or ranges that `calibrate` wrote (.json)."
              + " NAME=DATA is for the signature NAME alone, and can be given for each.")
  private List<String> sources = List.of();

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Calibrate with the first N samples only.")
  private int samples = Integer.MAX_VALUE;

  @Option(
      names = "--calibration-threads",
      paramLabel = "N",
      description = "Samples that run at a time (default 1); the result is the same.")
  private int threads = 1;

  @Option(
      names = "--range",
      paramLabel = "METHOD",
      description =
          "Ranges: auto (default: mse for int8, minmax for int16x8), minmax, percentile[:99.99],"
              + " entropy, mse, or moving-average[:0.95].")
  private String method = RangeMethod.AUTO.toString();

  @Option(names = "--no-bias-correction", description = "Leave the biases as they are.")
  private boolean uncorrected;

  private Calibration calibration;

  boolean given() {
    return !sources.isEmpty();
  }

  /**
   * What a recipe makes of a model.
   *
   * @param input the file that the model was read from
   * @throws NarrowException if the recipe needs data to calibrate with and none are named
   */
  Plan plan(Path input, Model model, Recipe recipe) {
    if (recipe.needsRanges() && !given()) {
      throw NarrowException.input(
          "mode " + recipe.mode() + ": needs representative data, name them with --calibrate");
    }
    Plan plan =
        recipe.needsRanges()
            ? Planner.plan(model, recipe, calibration(input, model))
            : Planner.plan(model, recipe);
    return uncorrected || !given() || saved()
        ? plan
        : BiasCorrector.correct(plan, data(sources, model).limit(samples));
  }

  /** Ranges of the activations of a model, the same one in all calls. */
  private Calibration calibration(Path input, Model model) {
    if (calibration == null) {
      RangeMethod range = RangeMethod.parse(method);
      calibration =
          saved()
              ? Calibration.read(Path.of(sources.get(0)), model).withMethod(range)
              : measured(input, model, range);
    }
    return calibration;
  }

  private Calibration measured(Path input, Model model, RangeMethod range) {
    Datasets data = data(sources, model);
    Calibrator.Options options =
        Calibrator.Options.DEFAULT
            .withSamples(samples)
            .withThreads(threads)
            .withMethod(range)
            .withProgress(Bar.onTerminal());
    return KerasModel.isKeras(input)
        ? Calibrator.calibrate(model, data, options)
        : Calibrator.calibrate(input, data, options);
  }

  private boolean saved() {
    return sources.size() == 1 && sources.get(0).endsWith(SAVED);
  }

  /** Data for the signatures of a model: {@code DATA}, or {@code NAME=DATA} for one of them. */
  static Datasets data(List<String> sources, Model model) {
    Datasets data = Datasets.NONE;
    for (String source : sources) {
      Optional<String> signature =
          model.signatures().stream()
              .map(Signature::key)
              .filter(key -> source.startsWith(key + "="))
              .findFirst();
      data =
          signature.isPresent()
              ? data.with(
                  signature.get(), Dataset.open(source.substring(signature.get().length() + 1)))
              : data.withOthers(Dataset.open(source));
    }
    return data;
  }
}
