package io.narrow.cli;

import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Benchmarker;
import io.narrow.tflite.evaluation.Benchmarker.Options;
import io.narrow.tflite.evaluation.Benchmarker.Phase;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow benchmark}. */
@Command(
    name = "benchmark",
    description =
        "Measures how fast models run, kernel by kernel, and says which operators XNNPACK left and"
            + " why one model is slower than the first. Options in snake case are those of"
            + " benchmark_model.",
    mixinStandardHelpOptions = true)
final class BenchmarkCommand extends Output {
  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description = "Models (.tflite); the others are compared with the first.")
  private List<Path> models;

  @Option(
      names = "--data",
      paramLabel = "DATA",
      description = "What is fed, as `evaluate` takes it (default random:1).")
  private String data = "random:1";

  @Option(
      names = {"--threads", "--num_threads"},
      paramLabel = "N",
      description = "Threads per model (default 1).")
  private int threads = 1;

  @Option(names = "--no-xnnpack", description = "Use the built-in kernels instead of XNNPACK.")
  private boolean builtIn;

  @Option(
      names = "--use_xnnpack",
      arity = "1",
      paramLabel = "BOOL",
      description = "The same, as benchmark_model says it.")
  private boolean xnnpack = true;

  @Option(
      names = {"--runs", "--num_runs"},
      paramLabel = "N",
      description = "At least so many runs (default 50).")
  private int runs = Options.DEFAULT.inference().runs();

  @Option(
      names = {"--seconds", "--min_secs"},
      paramLabel = "S",
      description = "At least so long (default 1).")
  private double seconds = Options.DEFAULT.inference().seconds();

  @Option(
      names = {"--max-seconds", "--max_secs"},
      paramLabel = "S",
      description = "No longer than this per model (default 150).")
  private double maximum = Options.DEFAULT.maximumSeconds();

  @Option(
      names = {"--warm-up-runs", "--warmup_runs"},
      paramLabel = "N",
      description = "At least so many runs before those that count (default 1).")
  private int warmUpRuns = Options.DEFAULT.warmUp().runs();

  @Option(
      names = {"--warm-up-seconds", "--warmup_min_secs"},
      paramLabel = "S",
      description = "And at least so long (default 0.5).")
  private double warmUpSeconds = Options.DEFAULT.warmUp().seconds();

  @Option(names = "--no-profile", description = "Measure whole runs only.")
  private boolean plain;

  @Override
  public Integer call() {
    Options options =
        new Options(
            Dataset.open(data),
            threads,
            xnnpack && !builtIn,
            new Phase(warmUpRuns, warmUpSeconds),
            new Phase(runs, seconds),
            maximum,
            !plain,
            Bar.onTerminal());
    Crashed crashed = Crashed.among(models);
    BenchmarkText text =
        new BenchmarkText(Benchmarker.run(crashed.others(models), options), options);
    if (json) {
      print(text.json());
    } else {
      text.lines().forEach(this::say);
    }
    return exitCode(crashed, 0);
  }
}
