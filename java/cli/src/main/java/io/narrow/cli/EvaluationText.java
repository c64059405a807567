package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Latency;
import java.util.List;
import java.util.Locale;

/** Evaluations as a table and as JSON. */
final class EvaluationText {
  private final List<Evaluation> results;

  EvaluationText(List<Evaluation> results) {
    this.results = results;
  }

  private static final String[] HEADER = {
    "model", "accuracy", "agreement", "SQNR dB", "latency ms", "bytes", "size"
  };

  private Table table() {
    Table table = new Table(HEADER);
    long first = results.get(0).fileBytes();
    for (Evaluation result : results) {
      table.row(
          result.model().toString(),
          result.accuracy().isPresent() ? fixed(4, result.accuracy().getAsDouble()) : "-",
          fixed(4, result.agreement()),
          decibels(result.sqnrDb()),
          fixed(3, result.latency().meanMillis()),
          Output.grouped(result.fileBytes()),
          Output.percent(result.fileBytes(), first) + "%");
    }
    return table;
  }

  /** A table whose columns stand below one another. */
  List<String> lines() {
    return table().lines(1);
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
      entry.addProperty("agreement", result.agreement());
      if (Double.isFinite(result.sqnrDb())) { // JSON has no infinity
        entry.addProperty("sqnr_db", result.sqnrDb());
      }
      entry.add("latency", json(result.latency()));
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
