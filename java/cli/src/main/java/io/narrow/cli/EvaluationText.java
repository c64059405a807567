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

  List<String> lines() {
    int width = results.stream().mapToInt(r -> r.model().toString().length()).max().orElse(0);
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            "%-" + width + "s  %8s  %9s  %7s  %10s  %11s  %6s",
            "model",
            "accuracy",
            "agreement",
            "SQNR dB",
            "latency ms",
            "bytes",
            "size"));
    long first = results.get(0).fileBytes();
    for (Evaluation result : results) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-" + width + "s  %8s  %9.4f  %7s  %10.3f  %,11d  %5.1f%%",
              result.model(),
              result.accuracy().isPresent()
                  ? String.format(Locale.ROOT, "%.4f", result.accuracy().getAsDouble())
                  : "-",
              result.agreement(),
              decibels(result.sqnrDb()),
              result.latency().meanMillis(),
              result.fileBytes(),
              100.0 * result.fileBytes() / first));
    }
    return lines;
  }

  private static String decibels(double value) {
    return value == Double.POSITIVE_INFINITY
        ? "equal"
        : value == Double.NEGATIVE_INFINITY
            ? "not finite"
            : String.format(Locale.ROOT, "%.2f", value);
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
