package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.report.EvaluationDocument;
import io.narrow.tflite.evaluation.Benchmark;
import io.narrow.tflite.evaluation.Benchmarker;
import io.narrow.tflite.evaluation.Latency;
import io.narrow.tflite.evaluation.SpeedDifference;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Benchmarks as TensorFlow's benchmark_model prints them, and as JSON. */
final class BenchmarkText {
  private static final double MICROS = 1000;
  private static final double MEGABYTE = 1e6;

  private final List<Benchmark> results;
  private final Benchmarker.Options options;

  BenchmarkText(List<Benchmark> results, Benchmarker.Options options) {
    this.results = results;
    this.options = options;
  }

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (Benchmark result : results) {
      timings(result, lines);
      delegation(result, lines);
      profile(result, lines);
      lines.add("");
    }
    if (options.profile()) {
      results.stream().skip(1).forEach(other -> difference(results.get(0), other, lines));
    }
    lines.remove(lines.size() - 1);
    return lines;
  }

  private void timings(Benchmark result, List<String> lines) {
    Latency times = result.inference();
    List<Double> runs = result.runMillis();
    lines.add("Graph: [" + result.model() + "]");
    lines.add(
        format("The input model file size (MB): %s", significant(result.fileBytes() / MEGABYTE)));
    lines.add(format("Initialized session in %sms.", significant(result.openMillis())));
    lines.add(
        format(
            "Running benchmark for at least %d iterations and at least %s seconds but terminate if"
                + " exceeding %s seconds.",
            options.inference().runs(),
            significant(options.inference().seconds()),
            significant(options.maximumSeconds())));
    lines.add(
        format(
            "count=%d first=%d curr=%d min=%d max=%d avg=%s std=%d p5=%d median=%d p95=%d",
            times.runs(),
            micros(runs.get(0)),
            micros(runs.get(runs.size() - 1)),
            micros(times.minMillis()),
            micros(times.maxMillis()),
            significant(times.meanMillis() * MICROS),
            micros(times.deviationMillis()),
            micros(times.p5Millis()),
            micros(times.p50Millis()),
            micros(times.p95Millis())));
    lines.add("");
    lines.add(
        format(
            "Inference timings in us: Init: %d, First inference: %d, Warmup (avg): %s, Inference"
                + " (avg): %s",
            micros(result.openMillis()),
            micros(result.firstMillis()),
            significant(result.warmUp().meanMillis() * MICROS),
            significant(times.meanMillis() * MICROS)));
  }

  private static void delegation(Benchmark result, List<String> lines) {
    lines.add(
        format(
            "Replacing %d out of %d node(s) with delegate (TfLiteXNNPackDelegate) node, in %d"
                + " part%s",
            result.taken(), result.operators(), result.parts(), result.parts() == 1 ? "" : "s"));
    lines.addAll(outside(result.left()));
  }

  /** A line for each reason why operators run outside XNNPACK. */
  static List<String> outside(List<Benchmark.Left> operators) {
    List<String> lines = new ArrayList<>();
    Benchmark.Left.byReason(operators)
        .forEach(
            (reason, kinds) ->
                lines.add("  outside XNNPACK: " + Benchmark.Left.counted(kinds) + ": " + reason));
    return lines;
  }

  private static void profile(Benchmark result, List<String> lines) {
    if (result.profile().isEmpty()) {
      return;
    }
    double total = result.profile().stream().mapToDouble(Benchmark.Time::millis).sum();
    lines.add("");
    lines.add("============================== Summary by node type ==============================");
    Table table =
        new Table(
            "[node type]", "[kernels]", "[count]", "[ms]", "[%]", "[cdf %]", "[times called]");
    Map<List<String>, List<Benchmark.Time>> kernels = new LinkedHashMap<>();
    for (Benchmark.Time time : result.profile()) {
      kernels
          .computeIfAbsent(
              List.of(time.kind(), (time.xnnpack() ? "XNNPACK " : "built-in ") + time.kernel()),
              k -> new ArrayList<>())
          .add(time);
    }
    double[] sum = {0};
    kernels.entrySet().stream()
        .sorted(Comparator.comparingDouble(kernel -> -millis(kernel.getValue())))
        .forEach(
            kernel -> {
              double millis = millis(kernel.getValue());
              sum[0] += millis;
              table.row(
                  kernel.getKey().get(0),
                  kernel.getKey().get(1),
                  String.valueOf(kernel.getValue().size()),
                  format("%.3f", millis),
                  format("%.1f%%", 100 * millis / total),
                  format("%.1f%%", 100 * sum[0] / total),
                  significant(kernel.getValue().stream().mapToDouble(Benchmark.Time::calls).sum()));
            });
    lines.addAll(table.lines(2));
    lines.add(
        format(
            "%.3f ms in kernels of %.3f ms for a run that is listened to, %.3f ms without (5 of 100 runs"
                + " are no slower)",
            total, result.profiledMillis(), result.inference().p5Millis()));
  }

  private static double millis(List<Benchmark.Time> times) {
    return times.stream().mapToDouble(Benchmark.Time::millis).sum();
  }

  private void difference(Benchmark first, Benchmark second, List<String> lines) {
    SpeedDifference difference = SpeedDifference.of(first, second);
    double ratio = second.inference().p5Millis() / first.inference().p5Millis();
    lines.add(
        format(
            "%s beside %s: p5 %.3f ms instead of %.3f, %.2f times as long",
            second.model(),
            first.model(),
            second.inference().p5Millis(),
            first.inference().p5Millis(),
            ratio));
    Table table = new Table("[node type]", "[first ms]", "[second ms]", "[difference ms]");
    for (SpeedDifference.Kind kind : difference.kinds()) {
      table.row(
          kind.kind(),
          format("%.3f", kind.firstMillis()),
          format("%.3f", kind.secondMillis()),
          format("%+.3f", kind.difference()));
    }
    lines.addAll(table.lines(1));
    lines.addAll(difference.causes());
    lines.add("");
  }

  JsonObject json() {
    JsonObject document = new JsonObject();
    JsonArray models = new JsonArray();
    results.forEach(result -> models.add(json(result)));
    document.add("models", models);
    JsonArray differences = new JsonArray();
    if (options.profile()) {
      results.stream().skip(1).forEach(other -> differences.add(json(results.get(0), other)));
    }
    document.add("differences", differences);
    return document;
  }

  private static JsonObject json(Benchmark result) {
    JsonObject entry = new JsonObject();
    entry.addProperty("model", result.model().toString());
    entry.addProperty("bytes", result.fileBytes());
    entry.addProperty("init_ms", result.openMillis());
    entry.addProperty("first_ms", result.firstMillis());
    entry.add("warm_up", EvaluationDocument.latency(result.warmUp()));
    entry.add("latency", EvaluationDocument.latency(result.inference()));
    entry.addProperty("operators", result.operators());
    entry.addProperty("xnnpack_operators", result.taken());
    entry.addProperty("xnnpack_parts", result.parts());
    entry.add("outside_xnnpack", EvaluationDocument.outside(result.left()));
    entry.addProperty("profiled_ms", result.profiledMillis());
    JsonArray profile = new JsonArray();
    for (Benchmark.Time time : result.profile()) {
      JsonObject one = new JsonObject();
      one.addProperty("kernel", time.kernel());
      one.addProperty("kind", time.kind());
      one.addProperty("xnnpack", time.xnnpack());
      if (time.operator() >= 0) {
        one.addProperty("operator", time.operator());
      }
      one.addProperty("ms", time.millis());
      one.addProperty("calls", time.calls());
      profile.add(one);
    }
    entry.add("profile", profile);
    return entry;
  }

  private static JsonObject json(Benchmark first, Benchmark second) {
    SpeedDifference difference = SpeedDifference.of(first, second);
    JsonObject entry = new JsonObject();
    entry.addProperty("first", first.model().toString());
    entry.addProperty("second", second.model().toString());
    JsonArray kinds = new JsonArray();
    for (SpeedDifference.Kind kind : difference.kinds()) {
      JsonObject one = new JsonObject();
      one.addProperty("kind", kind.kind());
      one.addProperty("first_ms", kind.firstMillis());
      one.addProperty("second_ms", kind.secondMillis());
      kinds.add(one);
    }
    entry.add("kinds", kinds);
    JsonArray causes = new JsonArray();
    difference.causes().forEach(causes::add);
    entry.add("causes", causes);
    return entry;
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static long micros(double millis) {
    return Math.round(millis * MICROS);
  }

  /** As C++ prints a double: six significant digits without zeros at the end. */
  private static String significant(double value) {
    String text = format("%.6g", value);
    double rounded = Double.parseDouble(text);
    if (rounded == 0) {
      return "0";
    }
    int exponent = (int) Math.floor(Math.log10(Math.abs(rounded)));
    if (exponent < -4 || exponent >= 6) {
      String digits = format("%.5e", value);
      int e = digits.indexOf('e');
      return digits.substring(0, e).replaceAll("\\.?0+$", "") + digits.substring(e);
    }
    return new BigDecimal(text).stripTrailingZeros().toPlainString();
  }
}
