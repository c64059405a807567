package io.narrow.tflite.autotune;

import io.narrow.tflite.autotune.Costs.Cost;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Mixes from the cheapest to the most accurate, each one step further than that before: the step
 * that takes away most noise for what it costs. A unit goes through those of its choices that no
 * two others together would beat, the lower convex hull of noise over cost, so that its steps are
 * taken in their order. (The greedy solution of the multiple-choice knapsack: Sinha and Zoltners,
 * "The multiple-choice knapsack problem", 1979.)
 */
final class GreedyPath {
  private record Step(int unit, Choice to, double cost, double gain) {
    double ratio() {
      return gain / cost;
    }
  }

  private final Costs costs;
  private final ToDoubleFunction<Cost> measure;
  private final Mix start;
  private final List<Step> steps = new ArrayList<>();

  /**
   * @param measure what is paid with: bytes or time
   */
  GreedyPath(Costs costs, int units, ToDoubleFunction<Cost> measure) {
    this.costs = costs;
    this.measure = measure;
    List<Choice> first = new ArrayList<>();
    for (int u = 0; u < units; u++) {
      List<Choice> hull = hull(costs.unit(u));
      first.add(hull.get(0));
      for (int i = 1; i < hull.size(); i++) {
        Cost before = costs.unit(u).get(hull.get(i - 1));
        Cost after = costs.unit(u).get(hull.get(i));
        double paid = measure.applyAsDouble(after) - measure.applyAsDouble(before);
        steps.add(new Step(u, hull.get(i), paid, before.noise() - after.noise()));
      }
    }
    this.start = new Mix(costs.family(), first);
    steps.sort(Comparator.comparingDouble(Step::ratio).reversed().thenComparingInt(Step::unit));
  }

  /** The choices with ever less noise for ever more cost per noise, cheapest first. */
  private List<Choice> hull(Map<Choice, Cost> choices) {
    List<Choice> sorted =
        choices.keySet().stream()
            .sorted(
                Comparator.<Choice>comparingDouble(c -> measure.applyAsDouble(choices.get(c)))
                    .thenComparingDouble(c -> choices.get(c).noise())
                    .thenComparing(Comparator.naturalOrder()))
            .toList();
    List<Choice> hull = new ArrayList<>();
    for (Choice next : sorted) {
      if (!hull.isEmpty()
          && choices.get(next).noise() >= choices.get(hull.get(hull.size() - 1)).noise()) {
        continue;
      }
      while (hull.size() > 1
          && ratio(choices, hull.get(hull.size() - 1), next)
              >= ratio(choices, hull.get(hull.size() - 2), hull.get(hull.size() - 1))) {
        hull.remove(hull.size() - 1);
      }
      hull.add(next);
    }
    return hull;
  }

  private double ratio(Map<Choice, Cost> choices, Choice from, Choice to) {
    double paid = measure.applyAsDouble(choices.get(to)) - measure.applyAsDouble(choices.get(from));
    return (choices.get(from).noise() - choices.get(to).noise()) / paid;
  }

  /** How many steps there are. */
  int length() {
    return steps.size();
  }

  /** The mix after so many steps. */
  Mix after(int count) {
    Mix mix = start;
    for (Step step : steps.subList(0, count)) {
      mix = mix.with(step.unit, step.to);
    }
    return mix;
  }

  /** The mix of all steps that can be paid for, in their order; others are left out. */
  Mix within(double most) {
    Mix mix = start;
    for (Step step : steps) {
      Mix next = mix.with(step.unit, step.to);
      if (measure.applyAsDouble(costs.of(next)) <= most) {
        mix = next;
      }
    }
    return mix;
  }
}
