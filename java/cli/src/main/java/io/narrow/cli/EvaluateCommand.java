package io.narrow.cli;

import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import java.nio.file.Path;
import java.util.List;
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

  @Override
  public Integer call() {
    models.forEach(Model::read); // a damaged file is named before the runtime sees it
    print(
        new EvaluationText(
            Evaluator.evaluate(models, data.data(), data.options().withSamples(samples))),
        data.markdown());
    return 0;
  }
}
