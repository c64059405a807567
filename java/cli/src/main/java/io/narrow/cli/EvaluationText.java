package io.narrow.cli;

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
          result.accuracy().isPresent() ? Output.fixed(4, result.accuracy().getAsDouble()) : "-",
          result == first ? "" : result.change().map(EvaluationText::change).orElse("-"),
          Output.fixed(4, result.agreement()),
          Output.decibels(result.sqnrDb()),
          Output.fixed(3, latency.p50Millis())
              + " ("
              + Output.fixed(3, latency.p5Millis())
              + "-"
              + Output.fixed(3, latency.p95Millis())
              + ")",
          Output.fixed(2, first.latency().p50Millis() / latency.p50Millis()) + "x",
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
    for (Evaluation result : results) {
      result.inputs().stream()
          .filter(Evaluation.Input::far)
          .map(input -> far(result, input))
          .forEach(lines::add);
    }
    return lines;
  }

  private static String far(Evaluation result, Evaluation.Input input) {
    if (input.published().isPresent()) {
      return String.format(
          Locale.ROOT,
          "%s: input `%s` is %s, and the data reach from %.4g to %.4g: are they scaled so?",
          result.model(),
          input.name(),
          input.published().get(),
          input.min(),
          input.max());
    }
    return String.format(
        Locale.ROOT,
        "%s: input `%s` is quantized for values from %.4g to %.4g, and the data reach from %.4g to"
            + " %.4g (%.1f %% lie outside): are they scaled as those that it was calibrated with?",
        result.model(),
        input.name(),
        input.low(),
        input.high(),
        input.min(),
        input.max(),
        100 * input.outside());
  }

  /** The same table in Markdown. */
  List<String> markdown() {
    return table().markdown(1);
  }
}
