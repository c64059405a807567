package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.evaluation.Benchmark;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Latency;
import io.narrow.tflite.evaluation.SweepAdvice;
import java.util.List;

/** Evaluations as a JSON document. */
public final class EvaluationDocument {
  private EvaluationDocument() {}

  /** What {@code evaluate --json} prints: an array with an object for each file. */
  public static JsonArray of(List<Evaluation> results) {
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
      entry.add("latency", latency(result.latency()));
      entry.add("outside_xnnpack", outside(result.left()));
      entry.add("inputs", inputs(result.inputs()));
      entry.addProperty("bytes", result.fileBytes());
      document.add(entry);
    }
    return document;
  }

  /**
   * What {@code sweep --json} prints and its {@link Page} holds: {@code evaluations} as {@link
   * #of}, where {@code front} says of each file whether none that is smaller ({@code size}) or
   * faster ({@code latency}) is as accurate, and {@code advice}.
   *
   * @param results of a sweep, the model first
   * @param lines of advice, for people
   */
  public static JsonObject sweep(List<Evaluation> results, SweepAdvice advice, List<String> lines) {
    JsonArray evaluations = of(results);
    for (int i = 0; i < results.size(); i++) {
      JsonArray front = new JsonArray();
      if (advice.frontOfSize().contains(results.get(i))) {
        front.add("size");
      }
      if (advice.frontOfSpeed().contains(results.get(i))) {
        front.add("latency");
      }
      evaluations.get(i).getAsJsonObject().add("front", front);
    }
    JsonObject document = new JsonObject();
    document.add("evaluations", evaluations);
    JsonArray texts = new JsonArray();
    lines.forEach(texts::add);
    document.add("advice", texts);
    return document;
  }

  /** Times in milliseconds. */
  public static JsonObject latency(Latency latency) {
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

  /** Operators that XNNPACK did not take. */
  public static JsonArray outside(List<Benchmark.Left> operators) {
    JsonArray left = new JsonArray();
    for (Benchmark.Left operator : operators) {
      JsonObject one = new JsonObject();
      one.addProperty("operator", operator.operator());
      one.addProperty("name", operator.name());
      one.addProperty("reason", operator.reason());
      left.add(one);
    }
    return left;
  }

  private static JsonArray inputs(List<Evaluation.Input> inputs) {
    JsonArray array = new JsonArray();
    for (Evaluation.Input input : inputs) {
      JsonObject entry = new JsonObject();
      entry.addProperty("name", input.name());
      input.published().ifPresent(known -> entry.addProperty("published", known.options()));
      entry.addProperty("low", input.low());
      entry.addProperty("high", input.high());
      entry.addProperty("min", input.min());
      entry.addProperty("max", input.max());
      entry.addProperty("outside", input.outside());
      array.add(entry);
    }
    return array;
  }
}
