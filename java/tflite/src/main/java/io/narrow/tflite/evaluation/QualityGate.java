package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * What evaluated models have to reach.
 *
 * @param least for each measure the smallest value allowed, of every model
 * @param maximumDrop by how much the accuracy of a model may be below that of the first
 */
public record QualityGate(Map<String, Double> least, OptionalDouble maximumDrop) {
  private static final Map<String, Function<Evaluation, OptionalDouble>> MEASURES =
      new LinkedHashMap<>();

  static {
    MEASURES.put("accuracy", Evaluation::accuracy);
    MEASURES.put("top5", Evaluation::top5);
    MEASURES.put("agreement", result -> OptionalDouble.of(result.agreement()));
    MEASURES.put("sqnr", result -> OptionalDouble.of(result.sqnrDb()));
  }

  /**
   * Whether a model passed.
   *
   * @param check what was asked, {@code accuracy >= 0.85}
   * @param reason what was found
   */
  public record Verdict(Path model, String check, boolean passed, String reason) {}

  public QualityGate {
    least = Map.copyOf(least);
    for (String measure : least.keySet()) {
      if (!MEASURES.containsKey(measure)) {
        throw NarrowException.input(
            "measure `" + measure + "`: known are " + String.join(", ", MEASURES.keySet()));
      }
    }
    maximumDrop.ifPresent(SweepAdvice::check);
  }

  /**
   * Judges models.
   *
   * @return for each model a verdict for each check, in their order
   * @throws NarrowException if something is asked that was not measured, as there are no labels
   */
  public List<Verdict> judge(List<Evaluation> results) {
    List<Verdict> verdicts = new ArrayList<>();
    for (Evaluation result : results) {
      MEASURES.forEach(
          (measure, value) -> {
            if (least.containsKey(measure)) {
              double got = measured(result, measure, value.apply(result));
              verdicts.add(
                  new Verdict(
                      result.model(),
                      measure + " >= " + least.get(measure),
                      got >= least.get(measure),
                      text("%s is %.4f", measure, got)));
            }
          });
      if (maximumDrop.isPresent() && result != results.get(0)) {
        verdicts.add(drop(result, maximumDrop.getAsDouble()));
      }
    }
    return verdicts;
  }

  private static double measured(Evaluation result, String measure, OptionalDouble value) {
    return value.orElseThrow(
        () ->
            NarrowException.input(
                result.model() + ": no " + measure + ", as " + result.whyNoAccuracy()));
  }

  /** What was measured decides; whether other samples might decide otherwise is said. */
  private static Verdict drop(Evaluation result, double most) {
    measured(result, "accuracy", result.accuracy());
    PairedDifference change = result.change().orElseThrow();
    double drop = 0 - change.difference(); // not -0.0
    boolean sure = -change.high() > most || -change.low() <= most;
    return new Verdict(
        result.model(),
        "drop of accuracy <= " + most,
        drop <= most,
        text(
            "accuracy drops by %.4f, between %.4f and %.4f with 95 %% confidence%s",
            drop,
            0 - change.high(),
            0 - change.low(),
            sure ? "" : ": more samples might decide otherwise"));
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
