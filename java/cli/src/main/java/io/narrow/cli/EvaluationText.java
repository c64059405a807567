package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Latency;
import io.narrow.tflite.evaluation.PairedDifference;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Evaluations as a table and as JSON. */
final class EvaluationText {
  private final List<Evaluation> results;

  EvaluationText(List<Evaluation> results) {
    this.results = results;
  }

  private static final String[] HEADER = {
    "model",
    "accuracy",
    "change (95 %)",
    "agreement",
    "SQNR dB",
    "latency ms (5-95 %)",
    "speed",
    "bytes",
    "size"
  };

  private Table table() {
    Table table = new Table(HEADER);
    Evaluation first = results.get(0);
    List<String> names = Names.of(results.stream().map(Evaluation::model).toList());
    for (int r = 0; r < results.size(); r++) {
      Evaluation result = results.get(r);
      Latency latency = result.latency();
      table.row(
          names.get(r),
          result.accuracy().isPresent() ? fixed(4, result.accuracy().getAsDouble()) : "-",
          result == first ? "" : result.change().map(EvaluationText::change).orElse("-"),
          fixed(4, result.agreement()),
          decibels(result.sqnrDb()),
          fixed(3, latency.p50Millis())
              + " ("
              + fixed(3, latency.p5Millis())
              + "-"
              + fixed(3, latency.p95Millis())
              + ")",
          fixed(2, first.latency().p50Millis() / latency.p50Millis()) + "x",
          Output.grouped(result.fileBytes()),
          Output.percent(result.fileBytes(), first.fileBytes()) + "%");
    }
    return table;
  }

  private static String change(PairedDifference change) {
    return String.format(
        Locale.ROOT, "%+.4f (%+.4f..%+.4f)", change.difference(), change.low(), change.high());
  }

  /** A table whose columns stand below one another. */
  List<String> lines() {
    return table().lines(1);
  }

  /** What a reader of the table should know: a line each. */
  List<String> doubts() {
    List<String> lines = new ArrayList<>();
    Evaluation first = results.get(0);
    if (first.accuracy().isEmpty()) {
      lines.add("no accuracy: " + first.whyNoAccuracy() + " (labels=FILE in --data names them)");
    }
    if (first.nearChance()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s finds %.4f of the labels, and chance alone %.4f: are the data preprocessed as"
                  + " for training (scale, offset, mean, std), and labels counted from the same"
                  + " number (label-offset)?",
              first.model(),
              first.accuracy().getAsDouble(),
              1.0 / first.classes()));
    }
    return lines;
  }

  /** The same table in Markdown. */
  List<String> markdown() {
    return table().markdown(1);
  }

  private static String fixed(int digits, double value) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }

  private static String decibels(double value) {
    return value == Double.POSITIVE_INFINITY
        ? "equal"
        : value == Double.NEGATIVE_INFINITY ? "not finite" : fixed(2, value);
  }

  JsonArray json() {
    JsonArray document = new JsonArray();
    for (Evaluation result : results) {
      JsonObject entry = new JsonObject();
      entry.addProperty("model", result.model().toString());
      entry.addProperty("samples", result.samples());
      result.accuracy().ifPresent(value -> entry.addProperty("accuracy", value));
      result.top5().ifPresent(value -> entry.addProperty("top5", value));
      result
          .change()
          .ifPresent(
              change -> {
                JsonObject paired = new JsonObject();
                paired.addProperty("labelled", change.samples());
                paired.addProperty("lost", change.lost());
                paired.addProperty("gained", change.gained());
                paired.addProperty("difference", change.difference());
                paired.addProperty("low", change.low());
                paired.addProperty("high", change.high());
                paired.addProperty("mcnemar_p", change.chance());
                entry.add("change", paired);
              });
      entry.addProperty("agreement", result.agreement());
      if (Double.isFinite(result.sqnrDb())) { // JSON has no infinity
        entry.addProperty("sqnr_db", result.sqnrDb());
      }
      entry.add("latency", json(result.latency()));
      entry.add("outside_xnnpack", BenchmarkText.json(result.left()));
      entry.addProperty("bytes", result.fileBytes());
      document.add(entry);
    }
    return document;
  }

  static JsonObject json(Latency latency) {
    JsonObject entry = new JsonObject();
    entry.addProperty("runs", latency.runs());
    entry.addProperty("mean_ms", latency.meanMillis());
    entry.addProperty("std_ms", latency.deviationMillis());
    entry.addProperty("min_ms", latency.minMillis());
    entry.addProperty("p5_ms", latency.p5Millis());
    entry.addProperty("p50_ms", latency.p50Millis());
    entry.addProperty("p95_ms", latency.p95Millis());
    entry.addProperty("max_ms", latency.maxMillis());
    return entry;
  }
}
