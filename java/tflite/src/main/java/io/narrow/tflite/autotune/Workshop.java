package io.narrow.tflite.autotune;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes files by recipes, has them judged, and keeps the best. */
final class Workshop {
  /** A file that was judged on all samples. */
  record Made(Trial trial, Outcome outcome) {}

  private final Budget budget;
  private final Quantizer.Prepared prepared;
  private final Judge judge;
  private final Runnable better;
  private final Map<Recipe, Optional<Made>> made = new HashMap<>();
  private final List<Made> all = new ArrayList<>();
  private Made best;
  private Model model;
  private NarrowException failure;

  /**
   * @param better is told when there is a better file that keeps to the budget
   */
  Workshop(Budget budget, Quantizer.Prepared prepared, Judge judge, Runnable better) {
    this.budget = budget;
    this.prepared = prepared;
    this.judge = judge;
    this.better = better;
  }

  /** The file of a recipe; empty if it cannot be made, or cannot be run. */
  Optional<Made> make(String name, Recipe recipe, Map<Choice, Integer> encodings) {
    Optional<Made> known = made.get(recipe);
    if (known != null) {
      return known;
    }
    Optional<Made> result = tryOut(name, recipe, encodings);
    made.put(recipe, result);
    result.ifPresent(all::add);
    return result;
  }

  /** The file of a recipe if it was made. */
  Optional<Made> known(Recipe recipe) {
    return made.getOrDefault(recipe, Optional.empty());
  }

  private Optional<Made> tryOut(String name, Recipe recipe, Map<Choice, Integer> encodings) {
    try {
      Model file = Rewriter.rewrite(prepared.plan(recipe));
      Outcome outcome = judge.run(file, judge.samples());
      Made result = new Made(judge.trial(name, recipe, encodings, outcome), outcome);
      if (best == null || budget.prefers(result.trial, best.trial)) {
        best = result;
        model = file;
        if (budget.met(result.trial)) {
          better.run();
        }
      }
      return Optional.of(result);
    } catch (NarrowException e) {
      failure = e;
      return Optional.empty();
    }
  }

  /**
   * The best of all, which keeps to the budget if any does.
   *
   * @throws NarrowException if none could be made, as the last of them said
   */
  Made best() {
    if (best == null) {
      throw failure;
    }
    return best;
  }

  /** The file of the best. */
  Model model() {
    return model;
  }

  /** All that were made, in the order in which they were. */
  List<Made> all() {
    return all;
  }
}
