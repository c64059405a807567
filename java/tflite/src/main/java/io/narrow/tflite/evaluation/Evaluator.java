package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Runs models on the same data, side by side. */
public final class Evaluator {
  /** Samples that a model is run on before it is the next one's turn. */
  private static final int BLOCK = 8;

  /**
   * How to evaluate.
   *
   * @param samples at most so many
   * @param threads threads that one run may use
   * @param xnnpack whether XNNPACK takes the operators that it knows
   * @param progress is told of each run
   */
  public record Options(int samples, int threads, boolean xnnpack, Progress progress) {
    /** All samples, one thread, XNNPACK, no progress. */
    public static final Options DEFAULT = new Options(Integer.MAX_VALUE, 1, true, Progress.NONE);

    public Options {
      if (threads < 1) {
        throw NarrowException.input("threads " + threads + ": has to be 1 or more");
      }
    }

    public Options withSamples(int samples) {
      return new Options(samples, threads, xnnpack, progress);
    }

    public Options withThreads(int threads) {
      return new Options(samples, threads, xnnpack, progress);
    }

    public Options withXnnpack(boolean xnnpack) {
      return new Options(samples, threads, xnnpack, progress);
    }

    public Options withProgress(Progress progress) {
      return new Options(samples, threads, xnnpack, progress);
    }
  }

  private Evaluator() {}

  /**
   * Evaluates models; the first is the one that the others are compared with, so it should be the
   * float model.
   *
   * <p>Models take turns, a few samples each, so that what disturbs the machine disturbs all of
   * them. Variable tensors are reset before each run. The first output is compared; for models
   * whose outputs have another order, the one that matches by name or size.
   *
   * @param models files, at least one
   * @param data what they are run on; read once, whatever the number of models
   * @return one evaluation per model, in their order
   * @throws NarrowException if a model cannot be loaded or run, or the data do not fit all of them
   */
  public static List<Evaluation> evaluate(List<Path> models, Dataset data, Options options) {
    if (models.isEmpty()) {
      throw new IllegalArgumentException("no models");
    }
    List<Interpreter> interpreters = new ArrayList<>();
    try {
      Interpreter.Options runtime =
          Interpreter.Options.DEFAULT.withThreads(options.threads).withXnnpack(options.xnnpack);
      models.forEach(model -> interpreters.add(Interpreter.open(model, runtime)));
      Dataset limited = data.limit(options.samples);
      check(models, interpreters, limited);
      List<Sample> given = limited.samples(interpreters.get(0).inputs());
      List<ModelRun> runs = runs(models, options.xnnpack, interpreters, given);
      options.progress.start("evaluate", (long) given.size() * runs.size());
      try {
        turns(runs, given, options.progress);
      } finally {
        options.progress.done();
      }
      return runs.stream().map(ModelRun::result).toList();
    } finally {
      interpreters.forEach(Interpreter::close);
    }
  }

  /** Finds everything that does not fit before anything is run. */
  private static void check(List<Path> models, List<Interpreter> interpreters, Dataset data) {
    Set<String> problems = new LinkedHashSet<>();
    for (int m = 0; m < models.size(); m++) {
      try {
        data.check(interpreters.get(m).inputs());
      } catch (NarrowException e) {
        problems.add(models.get(m) + ": " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw NarrowException.input(String.join("; ", problems));
    }
  }

  private static List<ModelRun> runs(
      List<Path> models, boolean xnnpack, List<Interpreter> interpreters, List<Sample> given) {
    List<TensorInfo> firstOutputs = interpreters.get(0).outputs();
    if (firstOutputs.isEmpty()) {
      throw NarrowException.input(models.get(0) + ": has no output");
    }
    List<ModelRun> runs = new ArrayList<>();
    for (int m = 0; m < models.size(); m++) {
      Interpreter interpreter = interpreters.get(m);
      String file = models.get(m).toString();
      int[] inputs = Matching.all(interpreters.get(0).inputs(), interpreter.inputs(), file);
      int output = Matching.find(firstOutputs, 0, interpreter.outputs(), file);
      runs.add(new ModelRun(models.get(m), xnnpack, interpreter, inputs, output, given.size()));
    }
    return runs;
  }

  private static void turns(List<ModelRun> runs, List<Sample> given, Progress progress) {
    Sample first = given.get(0);
    runs.forEach(run -> run.warmUp(first));
    for (int start = 0; start < given.size(); start += BLOCK) {
      List<Sample> block = new ArrayList<>(BLOCK);
      for (int i = start; i < Math.min(start + BLOCK, given.size()); i++) {
        block.add(given.get(i));
      }
      List<float[]> reference = new ArrayList<>(BLOCK);
      for (ModelRun run : runs) {
        for (int i = 0; i < block.size(); i++) {
          float[] values = run.run(block.get(i));
          if (run == runs.get(0)) {
            reference.add(values);
          }
          run.score(values, reference.get(i), block.get(i));
          progress.step();
        }
      }
    }
  }
}
