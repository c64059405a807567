package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.report.EvaluationDocument;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.evaluation.Preflight;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.shape.StaticShapes;
import io.narrow.tflite.targets.Target;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow check}. */
@Command(
    name = "check",
    description =
        "Says before any work and without data what becomes of each operator and why, how large"
            + " the file will be, and whether the runtime can execute it.",
    mixinStandardHelpOptions = true)
final class CheckCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A float model (.tflite, .h5, .keras).")
  private Path input;

  @Option(
      names = "--target",
      paramLabel = "TARGET",
      description =
          "What a device makes of the file as it is, or with --mode or --recipe of what they would"
              + " make of it: tflm, cmsis-nn, esp-nn, ethos-u55, ethos-u65, ethos-u85, edgetpu,"
              + " xnnpack or gpu. Exit code 4 if the model does not run there.")
  private String target;

  @Mixin private RecipeOptions recipe;

  @Mixin private ShapeOptions shapes;

  @Override
  public Integer call() {
    return target == null ? preflight() : check(Target.of(target));
  }

  /** What a device makes of it, and what was looked at, in words. */
  private record Checked(TargetText text, String form) {}

  private int check(Target device) {
    Checked checked = Bar.during("check", () -> checked(device));
    if (json) {
      print(checked.text.json());
    } else {
      say(input + "  (" + checked.form + ", on " + device + ")");
      checked.text.lines().forEach(line -> say(shortened(line)));
    }
    return checked.text.exitCode();
  }

  private Checked checked(Target device) {
    Model given = ModelInput.read(input);
    String form = "as it is";
    Model model;
    if (recipe.given()) {
      Recipe wanted = recipe.recipe();
      Quantizer.Prepared prepared = Quantizer.DEFAULT.withShapes(shapes.shapes()).prepare(given);
      model = prepared.quantized(prepared.outline(wanted));
      form = wanted.toString();
    } else {
      Model fixed = shapes.shapes().fix(given);
      model = fixed == given ? given : StaticShapes.of(fixed).model();
    }
    return new Checked(new TargetText(device.check(model)), form);
  }

  private int preflight() {
    Quantizer.Prepared prepared =
        Quantizer.DEFAULT.withShapes(shapes.shapes()).prepare(ModelInput.read(input));
    Preflight result = Preflight.of(prepared, recipe.recipe(), Bar.onTerminal());
    List<Reason> warnings = prepared.warnings(result.plan());
    PlanText text = new PlanText(result.plan(), warnings);
    long before = QuantizeCommand.size(input);
    if (json) {
      print(document(result, text, before));
      return 0;
    }
    say(input + "  (" + result.plan().recipe() + ")");
    text.lines(false).forEach(this::say);
    text.operators().forEach(this::say);
    say(
        "size       "
            + grouped(before)
            + " -> "
            + grouped(result.bytes())
            + " bytes ("
            + percent(result.bytes(), before)
            + " %)");
    say(
        "runtime    TensorFlow Lite %s %s",
        result.runtime(),
        result
            .refusal()
            .map(why -> "does not run it: " + why)
            .orElse(
                "runs it, "
                    + (result.operators() - result.left().size())
                    + " of "
                    + result.operators()
                    + " operators on XNNPACK"));
    BenchmarkText.outside(result.left()).forEach(this::say);
    warnings.forEach(warning -> warn(Advice.with(warning)));
    return 0;
  }

  private JsonObject document(Preflight result, PlanText text, long before) {
    JsonObject document = text.json();
    document.addProperty("bytes_before", before);
    document.addProperty("bytes", result.bytes());
    document.addProperty("runtime", result.runtime());
    document.addProperty("runs", result.refusal().isEmpty());
    result.refusal().ifPresent(why -> document.addProperty("refusal", why));
    document.addProperty("runtime_operators", result.operators());
    JsonArray left = EvaluationDocument.outside(result.left());
    document.add("outside_xnnpack", left);
    return document;
  }
}
