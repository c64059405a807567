package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.evaluation.Evaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Evaluations as a table and as JSON. */
final class EvaluationText {
  private final List<Evaluation> results;

  EvaluationText(List<Evaluation> results) {
    this.results = results;
  }

  private static final List<String> HEADER =
      List.of("model", "accuracy", "agreement", "SQNR dB", "latency ms", "bytes", "size");

  private List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>(List.of(HEADER));
    long first = results.get(0).fileBytes();
    for (Evaluation result : results) {
      rows.add(
          List.of(
              result.model().toString(),
              result.accuracy().isPresent() ? fixed(4, result.accuracy().getAsDouble()) : "-",
              fixed(4, result.agreement()),
              decibels(result.sqnrDb()),
              fixed(3, result.latency().meanMillis()),
              Output.grouped(result.fileBytes()),
              Output.percent(result.fileBytes(), first) + "%"));
    }
    return rows;
  }

  /** A table whose columns stand below one another. */
  List<String> lines() {
    List<List<String>> rows = rows();
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        int column = i;
        int width = rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
        String format = i == 0 ? "%-" + width + "s" : "  %" + width + "s";
        line.append(String.format(Locale.ROOT, format, row.get(i)));
      }
      lines.add(line.toString());
    }
    return lines;
  }

  /** The same table in Markdown. */
  List<String> markdown() {
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows()) {
      lines.add("| " + String.join(" | ", row) + " |");
    }
    lines.add(1, "|---" + "|--:".repeat(HEADER.size() - 1) + "|");
    return lines;
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
      JsonObject latency = new JsonObject();
      latency.addProperty("mean_ms", result.latency().meanMillis());
      latency.addProperty("p50_ms", result.latency().p50Millis());
      latency.addProperty("p95_ms", result.latency().p95Millis());
      entry.add("latency", latency);
      entry.addProperty("bytes", result.fileBytes());
      document.add(entry);
    }
    return document;
  }
}
