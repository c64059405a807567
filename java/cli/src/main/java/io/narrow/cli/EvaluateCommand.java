package io.narrow.cli;

import io.narrow.report.EvaluationDocument;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.evaluation.QualityGate;
import io.narrow.tflite.model.Model;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow evaluate}. */
@Command(
    name = "evaluate",
    description =
        "Runs models on the same data: accuracy, agreement with the first model, latency, size.",
    mixinStandardHelpOptions = true)
final class EvaluateCommand extends Output {
  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description = "Models (.tflite); the others are compared with the first.")
  private List<Path> models;

  @Mixin private DataOptions data;

  @Option(names = "--samples", paramLabel = "N", description = "Use the first N samples only.")
  private int samples = Integer.MAX_VALUE;

  @Option(
      names = "--fail-under",
      paramLabel = "MEASURE=VALUE",
      description =
          "Exit with 3 if a model has less: of accuracy, top5, agreement (shares) or sqnr (dB). Can"
              + " be given several times.")
  private Map<String, Double> least = Map.of();

  @Option(
      names = "--max-drop",
      paramLabel = "SHARE",
      description = "Exit with 3 if a model's accuracy is further below that of the first.")
  private Double drop;

  @Option(
      names = "--junit",
      paramLabel = "FILE",
      description = "Write what was checked as JUnit's XML.")
  private Path junit;

  @Override
  public Integer call() {
    OutputFile.apart("--junit", junit, models.toArray(Path[]::new));
    QualityGate gate =
        new QualityGate(least, drop == null ? OptionalDouble.empty() : OptionalDouble.of(drop));
    models.forEach(Model::read); // a damaged file is named before the runtime sees it
    Crashed crashed = Crashed.among(models);
    List<Evaluation> results =
        Evaluator.evaluate(
            crashed.others(models), data.data(), data.options().withSamples(samples));
    List<QualityGate.Verdict> verdicts = gate.judge(results);
    if (json) {
      print(EvaluationDocument.of(results));
    } else {
      print(new EvaluationText(results), data.markdown());
    }
    boolean passed = true;
    for (QualityGate.Verdict verdict : verdicts) {
      passed &= verdict.passed();
      warn(
          verdict.model()
              + ": "
              + (verdict.passed() ? "passed: " : "failed: ")
              + verdict.check()
              + ": "
              + verdict.reason());
    }
    if (junit != null) {
      JunitFile.write(junit, verdicts);
    }
    return exitCode(crashed, passed ? 0 : Narrow.GATE);
  }
}
