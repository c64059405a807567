package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.targets.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow quantize}. */
@Command(name = "quantize", description = "Quantizes a model.", mixinStandardHelpOptions = true)
final class QuantizeCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A float model (.tflite, .h5, .keras).")
  private Path input;

  @Mixin private OutputFile target;

  @Mixin private RecipeOptions recipe;

  @Option(
      names = "--save-recipe",
      paramLabel = "FILE",
      description = "Write what was done as a recipe of ai-edge-quantizer (.json).")
  private Path savedRecipe;

  @Option(
      names = "--why",
      description = "Print the reason for every float32 tensor and operator as well.")
  private boolean why;

  @Option(
      names = "--target",
      paramLabel = "TARGET",
      description =
          "A device, as `check` has them: its mode and types of inputs and outputs are the defaults,"
              + " a mode that it does not take is refused, operators without a kernel there get"
              + " another mode, and what it does not take of the file is printed. Exit code 4, with"
              + " the file written, if the model does not run there.")
  private String device;

  @Mixin private CalibrationOptions calibration;

  @Override
  public Integer call() {
    Path output = output(target, input);
    OutputFile.apart("--save-recipe", savedRecipe, input, output);
    Optional<Target> named = Optional.ofNullable(device).map(Target::of);
    Recipe wanted = recipe.recipe(named);
    Model given = ModelInput.read(input);
    Quantizer quantizer = calibration.quantizer();
    Quantizer.Prepared model =
        during(() -> named.map(quantizer::withTarget).orElse(quantizer).prepare(given));
    recipe.withoutEffect(wanted, model.foldedModel(wanted)).forEach(this::warn);
    calibration.withoutEffect(wanted, given).forEach(this::warn);
    Plan plan = during(() -> model.plan(wanted));
    if (savedRecipe != null) {
      plan.recipe().write(savedRecipe);
    }
    long before = size(input);
    long after = Bar.during("write", () -> model.quantized(plan).write(output));
    List<Reason> warnings = model.warnings(plan);
    PlanText text = new PlanText(plan, warnings);
    Optional<TargetText> check = model.check(plan).map(TargetText::new);
    int code = check.map(TargetText::exitCode).orElse(0);
    if (json) {
      JsonObject document = text.json();
      document.add("input", file(input, before));
      document.add("output", file(output, after));
      check.ifPresent(found -> document.add("target", found.json()));
      print(document);
      return code;
    }
    say(input + " -> " + output + "  (" + plan.recipe() + ")");
    say(
        "size       "
            + grouped(before)
            + " -> "
            + grouped(after)
            + " bytes ("
            + percent(after, before)
            + " %)");
    model.foldedKinds(plan.recipe()).forEach(line -> say("folded     " + shortened(line)));
    text.lines(why).forEach(this::say);
    check.ifPresent(found -> found.lines().forEach(line -> say("target     " + shortened(line))));
    warnings.forEach(warning -> warn(Advice.with(warning)));
    if (!why && text.summarizes()) {
      warn("`--why` has the reason for each operator and tensor");
    }
    if (after > before) {
      warn("the file grew by " + (after - before) + " bytes");
    }
    return code;
  }

  /** What is done with data has bars of its own. */
  private <T> T during(Supplier<T> work) {
    return calibration.given() ? work.get() : Bar.during("quantize", work);
  }

  private static JsonObject file(Path path, long bytes) {
    JsonObject file = new JsonObject();
    file.addProperty("file", path.toString());
    file.addProperty("bytes", bytes);
    return file;
  }

  static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT, file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
