package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.report.ModelDocument;
import io.narrow.report.Page;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.snippet.Snippet;
import io.narrow.tflite.snippet.Snippet.Language;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Write a page to look at: the graph, why what is float32, histograms of tensors, where the"
              + " bytes are. It needs no network. With --calibrate histograms of computed tensors"
              + " too.")
  private Path page;

  @Option(
      names = "--snippet",
      paramLabel = "LANGUAGE",
      description =
          "Print a program in java, kotlin, python or c that feeds the model and reads what it"
              + " gives.")
  private String snippet;

  @Mixin private RecipeOptions recipe;

  @Mixin private CalibrationOptions calibration;

  /** What the options make of the model. */
  private record Planned(Quantizer.Prepared prepared, Plan plan, List<Reason> warnings) {
    PlanText text() {
      return new PlanText(plan, warnings);
    }
  }

  @Override
  public Integer call() {
    OutputFile.apart("--html", page, input);
    Optional<Language> language = Optional.ofNullable(snippet).map(Language::of);
    Model model = ModelInput.read(input);
    Optional<String> program = language.map(chosen -> Snippet.of(model, chosen));
    if (program.isPresent() && !json && page == null) {
      say(program.get().strip());
      return 0;
    }
    Optional<Planned> planned =
        why || page != null ? Optional.of(planned(model)) : Optional.empty();
    if (json || page != null) {
      JsonObject document = document(model, planned);
      program.ifPresent(text -> document.addProperty("snippet", text));
      if (page != null) {
        WholeFile.write(
            page, Page.html(document, Bar.onTerminal()).getBytes(StandardCharsets.UTF_8));
      }
      if (json) {
        print(document);
        return 0;
      }
    }
    new ModelText(model).lines(tensors).forEach(this::say);
    if (why) {
      say("what " + planned.orElseThrow().plan().recipe() + " makes of it");
      planned.orElseThrow().text().reasons().forEach(this::say);
      planned.orElseThrow().warnings().forEach(warning -> warn(Advice.with(warning)));
    }
    if (page != null) {
      say("page             " + page);
    }
    return 0;
  }

  private JsonObject document(Model model, Optional<Planned> planned) {
    ModelDocument maker = new ModelDocument(model);
    if (page != null) {
      Quantizer.Prepared prepared = planned.orElseThrow().prepared();
      maker.withPlan(planned.orElseThrow().plan());
      if (calibration.given()) {
        maker.withCalibration(prepared.model(), prepared.calibration());
      }
    }
    JsonObject document = page != null ? maker.graph() : maker.summary(tensors);
    planned.ifPresent(made -> document.add("plan", made.text().json()));
    return document;
  }

  private Planned planned(Model model) {
    return calibration.given() ? plan(model) : Bar.during("inspect", () -> plan(model));
  }

  private Planned plan(Model model) {
    Quantizer.Prepared prepared = calibration.quantizer().prepare(model);
    Plan plan = plan(prepared);
    return new Planned(prepared, plan, prepared.warnings(plan));
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
}
