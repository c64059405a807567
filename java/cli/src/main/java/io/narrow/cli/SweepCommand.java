package io.narrow.cli;

import io.narrow.tflite.evaluation.Sweep;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow sweep}. */
@Command(
    name = "sweep",
    description =
        "Quantizes a model in every mode, evaluates all files, prints one table. Modes with integer"
            + " activations need --calibrate.",
    mixinStandardHelpOptions = true)
final class SweepCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A float model (.tflite, .h5, .keras).")
  private Path input;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      defaultValue = "narrow-sweep",
      description = "Folder for the files (default ${DEFAULT-VALUE}).")
  private Path folder;

  @Option(
      names = "--prefer",
      paramLabel = "size|speed",
      description = "As of quantize, in every mode.")
  private String prefer;

  @Mixin private DataOptions data;

  @Mixin private CalibrationOptions calibration;

  @Override
  public Integer call() {
    Path model = ModelInput.file(input, folder);
    print(
        new EvaluationText(
            Sweep.run(
                model,
                calibration.quantizer().prepare(Model.read(model)),
                recipes(),
                folder,
                data.data(),
                data.options())),
        data.markdown());
    return 0;
  }

  private Map<String, Recipe> recipes() {
    Map<String, Recipe> recipes =
        new LinkedHashMap<>(calibration.given() ? Sweep.ALL : Sweep.WEIGHTS);
    if (prefer != null) {
      Preference preference = Preference.of(prefer);
      recipes.replaceAll((end, recipe) -> recipe.withPreference(preference));
    }
    return recipes;
  }
}
