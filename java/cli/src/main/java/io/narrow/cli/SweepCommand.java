package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.report.EvaluationDocument;
import io.narrow.report.Page;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Sweep;
import io.narrow.tflite.evaluation.SweepAdvice;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
  /** The options of quantize for each of {@link Sweep#ALL}. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "dynamic", "--mode dynamic",
          "int8_int8io", "--mode int8 --io int8",
          "int8", "--mode int8",
          "int8_uint8io", "--mode int8 --io uint8",
          "int16x8", "--mode int16x8",
          "float16", "--mode float16",
          "weight-only", "--mode weight-only",
          "weight-only4", "--mode weight-only --bits 4");

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

  @Option(
      names = "--max-drop",
      paramLabel = "SHARE",
      description =
          "By how much accuracy may drop in a file that is advised (default ${DEFAULT-VALUE};"
              + " without labels the share of samples with another class).",
      defaultValue = "0.01")
  private double drop;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Write a page to look at: accuracy over size and over latency with what is best marked,"
              + " the table, the advice. It needs no network.")
  private Path page;

  @Mixin private DataOptions data;

  @Mixin private CalibrationOptions calibration;

  @Override
  public Integer call() {
    SweepAdvice.check(drop);
    OutputFile.apart("--html", page, input);
    Path model = ModelInput.file(input, folder);
    Map<String, Recipe> recipes = recipes();
    Map<String, Path> files = new LinkedHashMap<>();
    recipes.keySet().forEach(end -> files.put(end, Sweep.file(model, folder, end)));
    Crashed crashed = Crashed.among(List.copyOf(files.values()));
    recipes.keySet().removeIf(end -> crashed.contains(files.get(end)));
    List<Evaluation> results =
        Sweep.run(
            model,
            calibration.quantizer().prepare(Model.read(model)),
            recipes,
            folder,
            data.data(),
            data.options());
    SweepAdvice found = SweepAdvice.of(results, drop);
    List<String> advice = advice(found, results, List.copyOf(recipes.keySet()));
    JsonObject document = EvaluationDocument.sweep(results, found, advice);
    if (page != null) {
      WholeFile.write(page, Page.html(document).getBytes(StandardCharsets.UTF_8));
    }
    if (json) {
      print(document);
      return exitCode(crashed, 0);
    }
    print(new EvaluationText(results), data.markdown());
    say("");
    advice.forEach(this::say);
    if (page != null) {
      say("page to open: " + page);
    }
    return exitCode(crashed, 0);
  }

  private List<String> advice(SweepAdvice advice, List<Evaluation> results, List<String> ends) {
    List<String> names = Names.of(results.stream().map(Evaluation::model).toList());
    List<String> lines = new ArrayList<>();
    for (Evaluation slow : advice.slower()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "slower: %s, %.1f times as long as %s",
              names.get(results.indexOf(slow)),
              slow.latency().p5Millis() / results.get(0).latency().p5Millis(),
              names.get(0)));
      lines.addAll(BenchmarkText.outside(slow.left()));
      if (slow.left().isEmpty()) {
        lines.add("  all on XNNPACK: `narrow benchmark` of both has the kernels");
      }
    }
    if (advice.smallest().isEmpty()) {
      lines.add("no file is within " + drop + " of the model's accuracy (--max-drop)");
    }
    Map<String, Optional<Evaluation>> taken = new LinkedHashMap<>();
    taken.put("smallest", advice.smallest());
    taken.put("fastest", advice.fastest());
    taken.forEach(
        (word, best) ->
            best.ifPresent(
                found -> lines.addAll(take(word, found, ends.get(results.indexOf(found) - 1)))));
    return lines;
  }

  /** What makes a file, beside the words that say which it is. */
  private List<String> take(String word, Evaluation best, String end) {
    List<String> command = new ArrayList<>(List.of("narrow", "quantize", input.toString()));
    command.addAll(List.of("-o", best.model().toString()));
    command.addAll(List.of(OPTIONS.get(end).split(" ")));
    if (prefer != null) {
      command.addAll(List.of("--prefer", prefer));
    }
    command.addAll(calibration.arguments());
    return List.of(
        String.format(
            Locale.ROOT,
            "%s within %s of the model's accuracy: %s, %s bytes, %.3f ms",
            word,
            drop,
            best.model(),
            grouped(best.fileBytes()),
            best.latency().p50Millis()),
        "  " + Shell.command(command));
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
