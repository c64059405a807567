package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.autotune.Autotuner;
import io.narrow.tflite.autotune.Budget;
import io.narrow.tflite.autotune.Tuning;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow autotune}. */
@Command(
    name = "autotune",
    description =
        "Finds the best mix of encodings for a budget: measures what each operator costs in each,"
            + " tries mixes as whole files, and writes the best file with the recipe that makes"
            + " it.",
    mixinStandardHelpOptions = true)
final class AutotuneCommand extends Output {
  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)(k|M|G|Ki|Mi|Gi)?B?");
  private static final Pattern TIME = Pattern.compile("(\\d+(?:\\.\\d+)?)(us|ms|s)?");

  @Parameters(paramLabel = "IN", description = "A float model (.tflite, .h5, .keras).")
  private Path input;

  @Mixin private OutputFile target;

  @ArgGroup(multiplicity = "1")
  private Limit limit;

  /** One of these. */
  static final class Limit {
    @Option(
        names = "--max-bytes",
        paramLabel = "SIZE",
        description =
            "The most accurate file of at most so many bytes: 84000, 84k (of 1000), 82Ki (of"
                + " 1024), 1.5M.")
    private String bytes;

    @Option(
        names = "--max-drop",
        paramLabel = "SHARE",
        description =
            "The smallest file whose accuracy drops by at most so much (without labels: the share"
                + " of samples with another class).")
    private Double drop;

    @Option(
        names = "--min-sqnr",
        paramLabel = "DB",
        description = "The smallest file with at least this ratio of signal to noise.")
    private Double sqnr;

    @Option(
        names = "--max-latency",
        paramLabel = "TIME",
        description = "The most accurate file with a median run of at most this: 2ms, 800us.")
    private String latency;

    private Budget budget() {
      if (bytes != null) {
        return Budget.bytes((long) number("--max-bytes", bytes, SIZE, "84000, 84k or 1.5Mi"));
      }
      if (drop != null) {
        return Budget.drop(drop);
      }
      return sqnr != null
          ? Budget.sqnr(sqnr)
          : Budget.latency(1e3 * number("--max-latency", latency, TIME, "2ms or 800us"));
    }
  }

  @Option(
      names = "--data",
      paramLabel = "DATA",
      description =
          "What files are judged by, as `evaluate` takes it (default: the last quarter of the"
              + " calibration samples, which are then not calibrated with).")
  private String data;

  @Option(
      names = "--data-samples",
      paramLabel = "N",
      description = "Judge by the first N samples only (default ${DEFAULT-VALUE}).")
  private int judged = Autotuner.Options.DEFAULT.samples();

  @Option(names = "--threads", paramLabel = "N", description = "Threads per model (default 1).")
  private int threads = 1;

  @Option(names = "--no-xnnpack", description = "Use the built-in kernels instead of XNNPACK.")
  private boolean builtIn;

  @Option(
      names = "--save-recipe",
      paramLabel = "FILE",
      description =
          "Where to write the recipe (default: OUT with .recipe.json in place of its extension).")
  private Path savedRecipe;

  @Option(
      names = "--sensitivity",
      description = "Print what each operator costs in each encoding as well.")
  private boolean sensitivity;

  @Option(names = "--markdown", description = "Print tables in Markdown.")
  private boolean markdown;

  @Mixin private CalibrationOptions calibration;

  /** The best so far; null before there is one. */
  final AtomicReference<Tuning> best = new AtomicReference<>();

  private boolean ended;

  @Override
  public Integer call() {
    Path output = output(target, input);
    Path recipe = recipe(output);
    OutputFile.apart("--save-recipe", recipe, input, output);
    Budget budget = limit.budget();
    Model model = ModelInput.read(input);
    Interpreter.Options runtime =
        Interpreter.Options.DEFAULT.withThreads(threads).withXnnpack(!builtIn);
    Autotuner.Options options =
        Autotuner.Options.DEFAULT
            .withSamples(judged)
            .withRuntime(runtime)
            .withProgress(Bar.onTerminal())
            .withWatcher(best::set);
    Thread interrupted = new Thread(() -> interrupted(output, recipe));
    Runtime.getRuntime().addShutdownHook(interrupted);
    try {
      Tuning tuning =
          Autotuner.tune(
              model,
              calibration.quantizer(),
              Optional.ofNullable(data).map(Dataset::open),
              budget,
              options);
      end(tuning, output, recipe, false);
    } finally {
      try {
        Runtime.getRuntime().removeShutdownHook(interrupted);
      } catch (IllegalStateException e) {
        // the process is ending: it is running
      }
    }
    return 0;
  }

  private Path recipe(Path output) {
    if (savedRecipe != null || target.isStandardOutput()) {
      return savedRecipe;
    }
    return output.resolveSibling(WholeFile.stem(output) + ".recipe.json");
  }

  /** At Ctrl-C: the search goes on meanwhile, but its end is not waited for. */
  private void interrupted(Path output, Path recipe) {
    Tuning tuning = best.get();
    try {
      if (tuning == null) {
        warn("interrupted before any file kept to the budget: nothing is written");
      } else if (end(tuning, output, recipe, true)) {
        warn("interrupted: " + output + " is the best so far");
      }
    } catch (NarrowException e) {
      warn(e.getMessage());
    }
  }

  /** Writes what was found and says so, once. */
  private synchronized boolean end(Tuning tuning, Path output, Path recipe, boolean early) {
    if (ended) {
      return false;
    }
    ended = true;
    tuning.model().write(output);
    if (recipe != null) {
      tuning.best().recipe().write(recipe);
    }
    AutotuneText text = new AutotuneText(tuning, input, output, recipe);
    if (json) {
      print(text.json(early));
      return true;
    }
    text.lines(markdown, sensitivity).forEach(this::say);
    if (recipe != null) {
      say("the same file again:");
      say("  " + Shell.command(again(tuning, output, recipe)));
    }
    return true;
  }

  private List<String> again(Tuning tuning, Path output, Path recipe) {
    List<String> command = new ArrayList<>(List.of("narrow", "quantize", input.toString()));
    command.addAll(List.of("-o", output.toString(), "--recipe", recipe.toString()));
    command.addAll(calibration.arguments(tuning.calibrationSamples()));
    return command;
  }

  private static double number(String option, String text, Pattern pattern, String example) {
    Matcher match = pattern.matcher(text.strip());
    if (!match.matches()) {
      throw NarrowException.input(option + " " + text + ": has to be like " + example);
    }
    double unit =
        switch (match.group(2) == null ? "" : match.group(2)) {
          case "k" -> 1e3;
          case "M" -> 1e6;
          case "G" -> 1e9;
          case "Ki" -> 1 << 10;
          case "Mi" -> 1 << 20;
          case "Gi" -> 1 << 30;
          case "us" -> 1e-6;
          case "s" -> 1;
          default -> pattern == TIME ? 1e-3 : 1;
        };
    return Double.parseDouble(match.group(1)) * unit;
  }
}
