package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures how fast models run. Models take turns, so that what disturbs the machine disturbs all
 * of them.
 */
public final class Benchmarker {
  /** Pages and caches are warm from the runs before. */
  private static final double PROFILE_WARM_UP_SECONDS = 0.1;

  private static final int TURNS_PER_SECOND = 20;

  /**
   * So many runs and so many seconds, whichever is longer.
   *
   * @param runs at least 1
   */
  public record Phase(int runs, double seconds) {
    public Phase {
      if (runs < 1) {
        throw NarrowException.input("runs: " + runs + " is below 1");
      }
      if (!(seconds >= 0)) {
        throw NarrowException.input("seconds: " + seconds + " is below 0");
      }
    }
  }

  /**
   * How to measure.
   *
   * @param data what is fed, sample after sample
   * @param threads threads that one run may use
   * @param xnnpack whether XNNPACK takes the operators that it knows
   * @param warmUp the runs before those that count
   * @param inference the runs that count
   * @param maximumSeconds a model's phase ends after so long in any case
   * @param profile whether kernels are measured as well, in as many runs again
   * @param progress is told of the time that passes
   */
  public record Options(
      Dataset data,
      int threads,
      boolean xnnpack,
      Phase warmUp,
      Phase inference,
      double maximumSeconds,
      boolean profile,
      Progress progress) {
    /** As TensorFlow's benchmark_model by default, on one thread, with a profile. */
    public static final Options DEFAULT =
        new Options(
            Dataset.open("random:1"),
            1,
            true,
            new Phase(1, 0.5),
            new Phase(50, 1),
            150,
            true,
            Progress.NONE);

    public Options {
      if (threads < 1) {
        throw NarrowException.input("threads " + threads + ": has to be 1 or more");
      }
    }
  }

  private Benchmarker() {}

  /**
   * Measures models.
   *
   * @param files at least one
   * @return a result for each, in their order
   * @throws NarrowException if a model cannot be read, loaded or run, or the data do not fit it
   */
  public static List<Benchmark> run(List<Path> files, Options options) {
    List<Model> models = files.stream().map(Model::read).toList();
    Interpreter.version(); // loads the runtime, which is not a part of opening a model
    List<TimedModel> plain = new ArrayList<>();
    List<TimedModel> profiled = new ArrayList<>();
    try {
      files.forEach(file -> plain.add(new TimedModel(file, options, false)));
      double seconds = options.warmUp.seconds + options.inference.seconds;
      if (options.profile) {
        files.forEach(file -> profiled.add(new TimedModel(file, options, true)));
        seconds += PROFILE_WARM_UP_SECONDS + options.inference.seconds;
      }
      options.progress.start("benchmark", (long) (TURNS_PER_SECOND * seconds * files.size()));
      try {
        measure(plain, options.warmUp, options);
        Phase warmUp = new Phase(options.warmUp.runs, PROFILE_WARM_UP_SECONDS);
        measure(profiled, warmUp, options);
      } finally {
        options.progress.done();
      }
      List<Benchmark> results = new ArrayList<>();
      for (int m = 0; m < files.size(); m++) {
        results.add(
            plain
                .get(m)
                .result(
                    models.get(m), profiled.isEmpty() ? List.of() : profiled.subList(m, m + 1)));
      }
      return results;
    } finally {
      plain.forEach(TimedModel::close);
      profiled.forEach(TimedModel::close);
    }
  }

  private static void measure(List<TimedModel> models, Phase warmUp, Options options) {
    turns(models, warmUp, options);
    models.forEach(TimedModel::startCounting);
    turns(models, options.inference, options);
  }

  private static void turns(List<TimedModel> models, Phase phase, Options options) {
    boolean done;
    do {
      done = true;
      for (TimedModel model : models) {
        done &= model.turn(1.0 / TURNS_PER_SECOND, phase, options.maximumSeconds);
        options.progress.step();
      }
    } while (!done);
  }

  /**
   * The operators of the first subgraph that XNNPACK in the runtime linked here does not take.
   *
   * @throws NarrowException if the runtime refuses the model
   */
  public static List<Benchmark.Left> left(Model model) {
    try (RunnableModel runnable = RunnableModel.of(model);
        Interpreter interpreter = runnable.open(Interpreter.Options.DEFAULT)) {
      return new Leftovers(model, true).reasons(interpreter.delegated());
    }
  }
}
