package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.autotune.Choice;
import io.narrow.tflite.autotune.Sensitivity;
import io.narrow.tflite.autotune.Trial;
import io.narrow.tflite.autotune.Tuning;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/** What was found for a budget, as text and as JSON. */
final class AutotuneText {
  /** Halves of the data that give results further apart than this leave the choice to chance. */
  private static final double APART = 1;

  private final Tuning tuning;
  private final Path input;
  private final Path output;
  private final Path recipe;

  /**
   * @param recipe where it was written, or null
   */
  AutotuneText(Tuning tuning, Path input, Path output, Path recipe) {
    this.tuning = tuning;
    this.input = input;
    this.output = output;
    this.recipe = recipe;
  }

  List<String> lines(boolean markdown, boolean sensitivity) {
    List<String> lines = new ArrayList<>();
    Trial best = tuning.best();
    if (sensitivity) {
      Table table = sensitivities();
      lines.addAll(markdown ? table.markdown(3) : table.lines(3));
      lines.add("");
    }
    Table table = front();
    lines.addAll(markdown ? table.markdown(1) : table.lines(1));
    lines.add("");
    lines.add(input + " -> " + output + "  (" + best.name() + ")");
    lines.add(
        "size       "
            + Output.grouped(tuning.original().bytes())
            + " -> "
            + Output.grouped(best.bytes())
            + " bytes ("
            + Output.percent(best.bytes(), tuning.original().bytes())
            + " %)");
    lines.add("budget     " + tuning.budget());
    lines.add("judged by  " + best.samples() + " samples that it was not calibrated with");
    tuning
        .uniform()
        .ifPresent(
            one ->
                lines.add(
                    "one mode   "
                        + one.name()
                        + ": "
                        + Output.grouped(one.bytes())
                        + " bytes, "
                        + Output.decibels(one.sqnrDb())
                        + " dB"));
    if (!tuning.halves().isEmpty()) {
      double first = tuning.halves().get(0);
      double second = tuning.halves().get(1);
      lines.add(
          "stable     "
              + Output.decibels(first)
              + " and "
              + Output.decibels(second)
              + " dB with either half of the calibration data"
              + (Math.abs(first - second) > APART ? ", so more would be better" : ""));
    }
    return lines;
  }

  private Table front() {
    Table table = new Table("file", "", "bytes", "SQNR dB", "agreement", "accuracy", "latency ms");
    List<Trial> rows = new ArrayList<>(tuning.front());
    if (!rows.contains(tuning.best())) {
      rows.add(tuning.best());
      rows.sort(Comparator.comparingLong(Trial::bytes));
    }
    rows.add(tuning.original());
    for (Trial trial : rows) {
      table.row(
          trial == tuning.original() ? "the model" : trial.name(),
          trial.equals(tuning.best()) ? "*" : tuning.equal().contains(trial) ? "=" : "",
          Output.grouped(trial.bytes()),
          Output.decibels(trial.sqnrDb()),
          Output.fixed(4, trial.agreement()),
          trial.accuracy().isPresent() ? Output.fixed(4, trial.accuracy().getAsDouble()) : "-",
          Output.fixed(3, trial.latencyMillis()));
    }
    return table;
  }

  private Table sensitivities() {
    Table table = new Table("operator", "writes", "encoding", "weights", "saves", "SQNR dB", "ms");
    for (Sensitivity one : tuning.sensitivities()) {
      table.row(
          one.kind(),
          Output.shortened("`" + one.operator() + "`").replace("`", ""),
          one.choice().toString(),
          Output.grouped(one.weights()),
          Output.grouped(one.savedBytes()),
          Output.decibels(one.sqnrDb()),
          String.format(Locale.ROOT, "%+.3f", one.millis()));
    }
    return table;
  }

  /**
   * The same as a document.
   *
   * @param early whether the search had not come to its end
   */
  JsonObject json(boolean early) {
    JsonObject document = new JsonObject();
    document.addProperty("input", input.toString());
    document.addProperty("output", output.toString());
    Optional.ofNullable(recipe).ifPresent(file -> document.addProperty("recipe", file.toString()));
    JsonObject budget = new JsonObject();
    budget.addProperty("measure", tuning.budget().measure().name().toLowerCase(Locale.ROOT));
    budget.addProperty("limit", tuning.budget().limit());
    document.add("budget", budget);
    document.addProperty("interrupted", early);
    tuning
        .calibrationSamples()
        .ifPresent(samples -> document.addProperty("calibration_samples", samples));
    document.add("original", json(tuning.original()));
    document.add("best", json(tuning.best()));
    tuning.uniform().ifPresent(one -> document.add("best_single_mode", json(one)));
    JsonArray halves = new JsonArray();
    tuning.halves().stream().filter(Double::isFinite).forEach(halves::add);
    document.add("sqnr_db_of_calibration_halves", halves);
    JsonArray trials = new JsonArray();
    List<Trial> front = tuning.front();
    for (Trial trial : tuning.trials()) {
      JsonObject entry = json(trial);
      entry.addProperty("front", front.contains(trial));
      entry.addProperty("equal", tuning.equal().contains(trial));
      trials.add(entry);
    }
    document.add("trials", trials);
    JsonArray sensitivities = new JsonArray();
    tuning.sensitivities().forEach(one -> sensitivities.add(json(one)));
    document.add("sensitivities", sensitivities);
    return document;
  }

  private static JsonObject json(Trial trial) {
    JsonObject entry = new JsonObject();
    entry.addProperty("name", trial.name());
    JsonObject encodings = new JsonObject();
    new TreeMap<Choice, Integer>(trial.encodings())
        .forEach((choice, count) -> encodings.addProperty(choice.toString(), count));
    entry.add("encodings", encodings);
    entry.addProperty("bytes", trial.bytes());
    entry.addProperty("samples", trial.samples());
    if (Double.isFinite(trial.sqnrDb())) { // JSON has no infinity
      entry.addProperty("sqnr_db", trial.sqnrDb());
    }
    entry.addProperty("agreement", trial.agreement());
    trial.accuracy().ifPresent(value -> entry.addProperty("accuracy", value));
    entry.addProperty("drop", trial.drop());
    entry.addProperty("latency_p50_ms", trial.latencyMillis());
    return entry;
  }

  private static JsonObject json(Sensitivity one) {
    JsonObject entry = new JsonObject();
    entry.addProperty("operator", one.operator());
    entry.addProperty("kind", one.kind());
    entry.addProperty("operators", one.operators());
    entry.addProperty("weights", one.weights());
    entry.addProperty("encoding", one.choice().toString());
    entry.addProperty("saved_bytes", one.savedBytes());
    if (Double.isFinite(one.sqnrDb())) {
      entry.addProperty("sqnr_db", one.sqnrDb());
    }
    entry.addProperty("millis", one.millis());
    return entry;
  }
}
