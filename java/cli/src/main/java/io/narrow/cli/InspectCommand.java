package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;
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
        Quantizer.Prepared prepared = prepared(model);
        Plan plan = plan(prepared);
        document.add("plan", new PlanText(plan, prepared.warnings(plan)).json());
      }
      print(document);
      return 0;
    }
    text.lines(tensors).forEach(this::say);
    if (why) {
      Quantizer.Prepared prepared = prepared(model);
      Plan plan = plan(prepared);
      say("what " + plan.recipe() + " makes of it");
      List<Reason> warnings = prepared.warnings(plan);
      new PlanText(plan, warnings).reasons().forEach(this::say);
      warnings.forEach(warning -> warn(Advice.with(warning)));
    }
    return 0;
  }

  /** What can compute in integers does not depend on data. */
  private Plan plan(Quantizer.Prepared prepared) {
    Recipe wanted = recipe.recipe();
    if (!wanted.needsRanges() || calibration.given()) {
      return prepared.plan(wanted);
    }
    warn("without --calibrate every range is taken for -1 to 1: scales are not those of a file");
    return prepared.outline(wanted);
  }

  private Quantizer.Prepared prepared(Model model) {
    return calibration.quantizer().prepare(model);
  }
}
