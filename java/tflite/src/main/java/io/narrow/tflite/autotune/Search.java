package io.narrow.tflite.autotune;

import io.narrow.tflite.Progress;
import io.narrow.tflite.autotune.Costs.Cost;
import io.narrow.tflite.evaluation.Sweep;
import io.narrow.tflite.plan.Recipe;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** Looks for the best mix: guesses which are worth trying, and tries them. */
final class Search {
  /** How many mixes that differ little from the best are tried. */
  private static final int NEIGHBOURS = 6;

  /** How often it is guessed how much of a budget a mix leaves. */
  private static final int CORRECTIONS = 4;

  private final Budget budget;
  private final Workshop workshop;
  private final Measurements measurements;
  private final List<Unit> units;
  private final boolean ranges;
  private final Progress progress;
  private List<Sensitivity> sensitivities = List.of();
  private Optional<Trial> uniform = Optional.empty();

  /**
   * @param ranges whether activations can be integers
   */
  Search(
      Budget budget,
      Workshop workshop,
      Measurements measurements,
      boolean ranges,
      Progress progress) {
    this.budget = budget;
    this.workshop = workshop;
    this.measurements = measurements;
    this.units = measurements.units();
    this.ranges = ranges;
    this.progress = progress;
  }

  List<Sensitivity> sensitivities() {
    return sensitivities;
  }

  Optional<Trial> uniform() {
    return uniform;
  }

  void run() {
    uniformModes();
    List<Set<Choice>> available = measurements.available(Family.FLOAT);
    Costs alone =
        task(
            "sensitivity",
            Measurements.files(available),
            () -> measurements.alone(available, progress));
    sensitivities = measurements.sensitivities(alone);
    climb(alone);
    for (Family family : Family.INTEGERS) {
      if (ranges) {
        integers(family, alone);
      }
    }
  }

  private void integers(Family family, Costs alone) {
    List<Set<Choice>> available = measurements.available(family);
    Optional<Costs> costs = measurements.integers(family, alone, available);
    if (costs.isEmpty() || !promises(costs.get(), alone)) {
      return;
    }
    boolean floats = family.choices().contains(Choice.FLOAT32);
    climb(
        floats
            ? task(
                family.others() + " sensitivity",
                units.size(),
                () -> measurements.withFloats(costs.get(), available, progress))
            : costs.get());
  }

  /**
   * Whether a family may have something better than float32 activations: by the guesses of both, as
   * those of one say nothing of a file.
   */
  private boolean promises(Costs costs, Costs alone) {
    if (budget.measure() == Budget.Measure.LATENCY || !budget.met(workshop.best().trial())) {
      return true;
    }
    GreedyPath path = path(costs);
    double bytes = workshop.best().trial().bytes();
    double most = budget.wantsSmall() ? bytes : budget.limit();
    double noise = alone.of(path(alone).within(most)).noise();
    Cost found = costs.of(path.within(most));
    return found.bytes() <= most && found.noise() <= noise;
  }

  private <T> T task(String name, int steps, Supplier<T> work) {
    progress.start(name, steps);
    try {
      return work.get();
    } finally {
      progress.done();
    }
  }

  private void uniformModes() {
    Map<String, Recipe> recipes = new LinkedHashMap<>();
    Sweep.ALL.forEach(
        (name, recipe) -> {
          boolean plain = recipe.equals(Recipe.of(recipe.rules())); // inputs stay float32
          if (plain && (ranges || !recipe.needsRanges())) {
            recipes.put(name, recipe);
          }
        });
    recipes.put("dynamic4", Recipe.dynamic().withBits(4));
    for (Family family : ranges ? Family.INTEGERS : List.<Family>of()) {
      recipes.put(family.smallest().toString(), Recipe.of(family.rules()).withBits(4));
    }
    task(
        "modes",
        recipes.size(),
        () -> {
          recipes.forEach(
              (name, recipe) -> {
                workshop.make(name, recipe, Map.of());
                progress.step();
              });
          return 0;
        });
    Trial best = workshop.best().trial();
    uniform = budget.met(best) ? Optional.of(best) : Optional.empty();
  }

  private Optional<Trial> make(Mix mix) {
    Recipe recipe = mix.recipe(units);
    Map<Choice, Integer> encodings = mix.encodings(units);
    return workshop.make(Mix.words(encodings), recipe, encodings).map(Workshop.Made::trial);
  }

  /**
   * Tries mixes of a family: by costs as they were measured, by costs around the best of them, and
   * mixes that differ little from the best of these.
   */
  private void climb(Costs costs) {
    Optional<Mix> first = walk(costs);
    if (first.isEmpty()) {
      return;
    }
    Costs around =
        task(
            "all but one",
            measurements.loud(first.get(), costs).size(),
            () -> measurements.around(first.get(), costs, progress));
    Mix second = walk(around).orElse(first.get());
    boolean better =
        trial(second).map(t -> budget.prefers(t, trial(first.get()).get())).orElse(false);
    neighbours(better ? second : first.get(), better ? around : costs);
  }

  private Optional<Trial> trial(Mix mix) {
    return workshop.known(mix.recipe(units)).map(Workshop.Made::trial);
  }

  /** Tries the mixes that cost as much as one and are guessed to be nearly as good. */
  private void neighbours(Mix mix, Costs costs) {
    List<Mix> others = new ArrayList<>();
    double most = left(mix, costs);
    for (int u : measurements.loud(mix, costs)) {
      Map<Choice, Cost> choices = new EnumMap<>(costs.unit(u));
      choices.remove(mix.choices().get(u));
      if (!choices.isEmpty()) {
        Mix other = path(costs.with(u, choices)).within(most);
        if (!others.contains(other) && measure().applyAsDouble(costs.of(other)) <= most) {
          others.add(other);
        }
      }
    }
    others.sort(Comparator.comparingDouble(other -> costs.of(other).noise()));
    List<Mix> tried = others.subList(0, Math.min(NEIGHBOURS, others.size()));
    task(
        "neighbours",
        tried.size(),
        () -> {
          for (Mix other : tried) {
            make(other);
            progress.step();
          }
          return 0;
        });
  }

  /** What may be spent, in guesses, where a mix is known to spend more or less than was guessed. */
  private double left(Mix mix, Costs costs) {
    double guess = measure().applyAsDouble(costs.of(mix));
    return switch (budget.measure()) {
      case BYTES -> guess + budget.limit() - trial(mix).orElseThrow().bytes();
      case LATENCY -> guess + budget.limit() - trial(mix).orElseThrow().latencyMillis();
      default -> guess - 1;
    };
  }

  /** Tries mixes along a greedy path; the one that keeps to the budget, or comes nearest. */
  private Optional<Mix> walk(Costs costs) {
    GreedyPath path = path(costs);
    return budget.measure() == Budget.Measure.BYTES ? within(path, costs) : bisect(path);
  }

  private GreedyPath path(Costs costs) {
    return new GreedyPath(costs, units.size(), measure());
  }

  /** What is paid with. */
  private ToDoubleFunction<Cost> measure() {
    return budget.measure() == Budget.Measure.LATENCY ? Cost::millis : Cost::bytes;
  }

  /** The mix of a path that spends most: what is spent is guessed, tried, and guessed anew. */
  private Optional<Mix> within(GreedyPath path, Costs costs) {
    double most = budget.limit();
    Optional<Mix> best = Optional.empty();
    for (int i = 0; i < CORRECTIONS; i++) {
      Mix mix = path.within(most);
      Optional<Trial> trial = make(mix);
      if (trial.isEmpty()) {
        return best;
      }
      if (best.isEmpty() || budget.prefers(trial.get(), trial(best.get()).orElseThrow())) {
        best = Optional.of(mix);
      }
      most = left(mix, costs);
    }
    return best;
  }

  /** The first mix of a path that is accurate enough, or the last that is fast enough. */
  private Optional<Mix> bisect(GreedyPath path) {
    int low = 0;
    int high = path.length();
    while (low < high) {
      int middle = budget.wantsSmall() ? (low + high) / 2 : (low + high + 1) / 2;
      boolean met = make(path.after(middle)).map(budget::met).orElse(false);
      if (budget.wantsSmall()) {
        high = met ? middle : high;
        low = met ? low : middle + 1;
      } else {
        low = met ? middle : low;
        high = met ? high : middle - 1;
      }
    }
    Mix mix = path.after(low);
    return make(mix).map(trial -> mix);
  }
}
