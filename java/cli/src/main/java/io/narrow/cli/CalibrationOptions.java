package io.narrow.cli;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say what a model is calibrated with. */
final class CalibrationOptions {
  @Option(
      names = "--calibrate",
      paramLabel = "DATA",
      description =
          "Representative data, as `evaluate` takes it, for the ranges of activations (int8,"
              + " int16x8) and the correction of biases; ranges that `calibrate` wrote (.json) in"
              + " its place, or beside it, when it serves the correction alone."
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

  @Option(
      names = "--rounding",
      paramLabel = "METHOD",
      description =
          "Codes of weights: nearest, second-order (together, so that their errors cancel in the"
              + " sums of --calibrate's samples), or auto (default: that, where it takes about a"
              + " minute at most).")
  private String rounding = Rounding.AUTO.toString();

  @Option(names = "--no-bias-correction", description = "Leave the biases as they are.")
  private boolean uncorrected;

  @Mixin private ShapeOptions shapes;

  boolean given() {
    return !sources.isEmpty();
  }

  /** What of this was given, as it stands on a command line. */
  List<String> arguments() {
    return arguments(samples == Integer.MAX_VALUE ? Optional.empty() : Optional.of(samples));
  }

  /** The same with another number of samples. */
  List<String> arguments(Optional<Integer> samples) {
    List<String> arguments = new ArrayList<>();
    sources.forEach(source -> arguments.addAll(List.of("--calibrate", source)));
    samples.ifPresent(count -> arguments.addAll(List.of("--samples", count.toString())));
    if (!method.equals(RangeMethod.AUTO.toString())) {
      arguments.addAll(List.of("--range", method));
    }
    if (!rounding.equals(Rounding.AUTO.toString())) {
      arguments.addAll(List.of("--rounding", rounding));
    }
    if (uncorrected) {
      arguments.add("--no-bias-correction");
    }
    arguments.addAll(shapes.arguments());
    return arguments;
  }

  /** Which of these options do nothing for a recipe and a model, as it was read. */
  List<String> withoutEffect(Recipe recipe, Model model) {
    List<String> lines = new ArrayList<>(shapes.shapes().withoutEffect(model));
    boolean ranges = recipe.needsRanges();
    boolean some =
        ranges
            || recipe.rules().stream()
                .map(rule -> rule.configuration().mode())
                .anyMatch(mode -> mode == Mode.DYNAMIC || mode == Mode.WEIGHT_ONLY);
    RecipeOptions.add(lines, "--calibrate", given() && !some, recipe);
    RecipeOptions.add(
        lines, "--range", !method.equals(RangeMethod.AUTO.toString()) && !ranges, recipe);
    if (!given()) {
      unused(lines, "--samples", samples != Integer.MAX_VALUE);
      unused(lines, "--calibration-threads", threads != 1);
    }
    return lines;
  }

  private static void unused(List<String> lines, String option, boolean set) {
    if (set) {
      lines.add("without effect: " + option + ", without --calibrate");
    }
  }

  Quantizer quantizer() {
    return Quantizer.DEFAULT
        .withSources(sources)
        .withShapes(shapes.shapes())
        .withCalibration(
            Calibrator.Options.DEFAULT
                .withSamples(samples)
                .withThreads(threads)
                .withMethod(RangeMethod.parse(method))
                .withProgress(Bar.onTerminal()))
        .withRounding(Rounding.parse(rounding))
        .withBiasCorrection(!uncorrected);
  }
}
