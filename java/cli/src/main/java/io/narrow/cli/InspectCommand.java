package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow inspect}. */
@Command(
    name = "inspect",
    description = "Shows what is in a model, and why its weights are or stay float32.",
    mixinStandardHelpOptions = true)
final class InspectCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A model (.tflite, .h5, .keras).")
  private Path input;

  @Option(names = "--tensors", description = "List every tensor with its quantization.")
  private boolean tensors;

  @Option(
      names = "--why",
      description =
          "For every float32 tensor and every operator: what quantizing the model with these options"
              + " would make of it, and the reason.")
  private boolean why;

  @Mixin private RecipeOptions recipe;

  @Mixin private CalibrationOptions calibration;

  @Override
  public Integer call() {
    Model model = ModelInput.read(input);
    ModelText text = new ModelText(model);
    if (json) {
      JsonObject document = text.json(tensors);
      if (why) {
        document.add("plan", new PlanText(prepared(model).plan(recipe.recipe())).json());
      }
      print(document);
      return 0;
    }
    text.lines(tensors).forEach(this::say);
    if (why) {
      Quantizer.Prepared prepared = prepared(model);
      Plan plan = prepared.plan(recipe.recipe());
      say("what " + plan.recipe() + " makes of it");
      new PlanText(plan).reasons().forEach(this::say);
      prepared.warnings(plan).forEach(this::warn);
    }
    return 0;
  }

  private Quantizer.Prepared prepared(Model model) {
    return calibration.quantizer().prepare(model);
  }
}
