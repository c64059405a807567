package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import java.util.List;
import java.util.Optional;

/**
 * What a recipe would make of a model, found out without data and without running anything.
 *
 * @param plan per operator and tensor what becomes of it and why; scales are those of ranges from
 *     -1 to 1, as the true ones take data
 * @param bytes size of the file to expect: all but the values of scales and biases is what it will
 *     be
 * @param runtime the version of the runtime that was asked
 * @param refusal why that runtime does not run the result, empty if it does
 * @param operators how many operators subgraph 0 of the result has; 0 if the runtime refuses it
 * @param left those that would run outside XNNPACK, and why
 */
public record Preflight(
    Plan plan,
    long bytes,
    String runtime,
    Optional<String> refusal,
    int operators,
    List<Benchmark.Left> left) {
  public Preflight {
    left = List.copyOf(left);
  }

  /** How many steps {@link #of} takes: to plan, to rewrite, to lay out, and to load. */
  private static final int STEPS = 4;

  /**
   * Finds out.
   *
   * @throws NarrowException if the recipe cannot be planned for the model
   */
  public static Preflight of(Quantizer.Prepared prepared, Recipe recipe) {
    return of(prepared, recipe, Progress.NONE);
  }

  /**
   * As {@link #of(Quantizer.Prepared, Recipe)}.
   *
   * @param progress is told of each step
   */
  public static Preflight of(Quantizer.Prepared prepared, Recipe recipe, Progress progress) {
    progress.start("check", STEPS);
    try {
      Plan plan = prepared.outline(recipe);
      progress.step();
      Model model = Rewriter.rewrite(plan);
      progress.step();
      try (RunnableModel runnable = RunnableModel.of(model)) {
        progress.step();
        return of(plan, model, runnable);
      }
    } finally {
      progress.done();
    }
  }

  private static Preflight of(Plan plan, Model model, RunnableModel runnable) {
    try (Interpreter interpreter = runnable.open(Interpreter.Options.DEFAULT)) {
      return new Preflight(
          plan,
          runnable.size(),
          Interpreter.version(),
          Optional.empty(),
          model.subgraphs().get(0).operators().size(),
          new Leftovers(model, true).reasons(interpreter.delegated()));
    } catch (NarrowException e) {
      return new Preflight(
          plan, runnable.size(), Interpreter.version(), Optional.of(e.getMessage()), 0, List.of());
    }
  }
}
