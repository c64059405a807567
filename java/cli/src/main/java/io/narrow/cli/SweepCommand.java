package io.narrow.cli;

import io.narrow.tflite.evaluation.Sweep;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow sweep}. */
@Command(
    name = "sweep",
    description = "Quantizes a model in every mode, evaluates all files, prints one table.",
    mixinStandardHelpOptions = true)
final class SweepCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A float model (.tflite).")
  private Path input;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      defaultValue = "narrow-sweep",
      description = "Folder for the files (default ${DEFAULT-VALUE}).")
  private Path folder;

  @Mixin private DataOptions data;

  @Override
  public Integer call() {
    print(new EvaluationText(Sweep.run(input, Sweep.RECIPES, folder, data.data(), data.options())));
    return 0;
  }
}
