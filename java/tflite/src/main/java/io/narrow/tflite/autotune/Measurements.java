package io.narrow.tflite.autotune;

import io.narrow.kernels.ErrorSums;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.autotune.Costs.Cost;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.rewrite.Rewriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What every operator costs in every encoding, by files in which it alone is encoded so, or in
 * which all but it are encoded as in some mix. Few samples have to do for that: so many that all
 * files together take about {@value #MOST_WORK} products at most; of models that are too large for
 * that weights are rounded each alone, and then neighbours are measured together.
 */
final class Measurements {
  private static final double MOST_WORK = 1e12;
  private static final int MOST_CALIBRATION = 32;
  private static final int MOST_JUDGED = 64;
  private static final int FEWEST_JUDGED = 16;
  private static final int MOST_UNITS = 64;
  private static final int FEWEST_UNITS = 8;

  /** What is measured around a mix counts for so many times what was measured alone, at most. */
  private static final double MOST = 4;

  /** A smaller share of the noise is lost in that of the others. */
  private static final double LOUD = 0.02;

  private static final Cost NOTHING = new Cost(0, 0, 0);

  /** To round together and to correct, a model is run about so often on every sample. */
  private static final int RUNS_PER_SAMPLE = 5;

  private final Judge judge;
  private final Quantizer.Prepared prepared;
  private final List<Unit> units;
  private final int judged;
  private final Outcome model;
  private final Map<Recipe, Optional<Outcome>> seen = new HashMap<>();

  private Measurements(
      Judge judge, Quantizer.Prepared prepared, List<Unit> units, int judged, Outcome model) {
    this.judge = judge;
    this.prepared = prepared;
    this.units = units;
    this.judged = judged;
    this.model = model;
  }

  /** Decides how much can be measured. */
  static Measurements of(Model model, Quantizer quantizer, List<Unit> all, Judge judge) {
    int calibration = MOST_CALIBRATION;
    int judged = MOST_JUDGED;
    double run = all.stream().mapToDouble(Unit::products).sum();
    double files = (double) Math.min(all.size(), MOST_UNITS) * (Family.FLOAT.choices().size() - 1);
    while (judged > FEWEST_JUDGED
        && files * run * (RUNS_PER_SAMPLE * calibration + judged) > MOST_WORK) {
      judged /= 2;
      calibration /= 2;
    }
    Quantizer few =
        quantizer.withCalibration(
            quantizer
                .calibration()
                .withSamples(Math.min(calibration, quantizer.calibration().samples())));
    if (files * run * (RUNS_PER_SAMPLE * calibration + judged) > MOST_WORK) {
      few = few.withRounding(Rounding.NEAREST).withBiasCorrection(false);
    }
    double most = MOST_WORK / (run * judged * (Family.FLOAT.choices().size() - 1));
    int groups = (int) Math.max(FEWEST_UNITS, Math.min(MOST_UNITS, most));
    List<Unit> units = Unit.atMost(groups, all);
    return new Measurements(judge, few.prepare(model), units, judged, judge.run(model, judged));
  }

  List<Unit> units() {
    return units;
  }

  /** What of a family's choices makes a difference to each unit. */
  List<Set<Choice>> available(Family family) {
    List<Set<Choice>> available = new ArrayList<>();
    units.forEach(unit -> available.add(new HashSet<>()));
    List<Set<String>> known = new ArrayList<>();
    units.forEach(unit -> known.add(new HashSet<>()));
    for (Choice choice : family.choices()) {
      Plan plan = prepared.outline(Mix.uniform(family, units.size(), choice).recipe(units));
      List<String> outcomes = Unit.outcomes(units, plan);
      for (int u = 0; u < units.size(); u++) {
        if (known.get(u).add(outcomes.get(u))) {
          available.get(u).add(choice);
        }
      }
    }
    return available;
  }

  /** How many files {@link #alone} makes. */
  static int files(List<Set<Choice>> available) {
    return available.stream().mapToInt(choices -> choices.size() - 1).sum();
  }

  /** The costs in float32 files of encoding one unit. */
  Costs alone(List<Set<Choice>> available, Progress progress) {
    Mix none = Mix.uniform(Family.FLOAT, units.size(), Choice.FLOAT32);
    Cost base = run(none).map(Measurements::cost).orElse(cost(model));
    List<Map<Choice, Cost>> costs = new ArrayList<>();
    for (int u = 0; u < units.size(); u++) {
      Map<Choice, Cost> unit = new EnumMap<>(Choice.class);
      unit.put(Choice.FLOAT32, NOTHING);
      for (Choice choice : Family.FLOAT.choices()) {
        if (choice != Choice.FLOAT32 && available.get(u).contains(choice)) {
          cost(none.with(u, choice), base).ifPresent(cost -> unit.put(choice, cost));
          progress.step();
        }
      }
      costs.add(unit);
    }
    return new Costs(Family.FLOAT, base, costs);
  }

  /**
   * The costs in files of integers: of their weights those that were measured beside float32.
   * Choices that are not among these are left out.
   */
  Optional<Costs> integers(Family family, Costs alone, List<Set<Choice>> available) {
    Mix own = Mix.uniform(family, units.size(), family.others());
    List<Map<Choice, Cost>> costs = new ArrayList<>();
    for (int u = 0; u < units.size(); u++) {
      Map<Choice, Cost> unit = new EnumMap<>(Choice.class);
      unit.put(family.others(), NOTHING);
      Cost usual = alone.unit(u).get(family.others().weights());
      for (Choice choice : family.choices()) {
        Cost weights = alone.unit(u).get(choice.weights());
        if (choice != family.others()
            && choice.needsRanges()
            && available.get(u).contains(choice)
            && weights != null
            && usual != null) {
          unit.put(choice, weights.less(usual));
        }
      }
      costs.add(unit);
    }
    return run(own).map(outcome -> new Costs(family, cost(outcome), costs));
  }

  /** With what it changes in a file of integers where a unit is left float32. */
  Costs withFloats(Costs integers, List<Set<Choice>> available, Progress progress) {
    Family family = integers.family();
    Mix own = Mix.uniform(family, units.size(), family.others());
    Optional<Cost> base = run(own).map(Measurements::cost);
    Costs changed = integers;
    for (int u = 0; u < units.size() && base.isPresent(); u++) {
      if (available.get(u).contains(Choice.FLOAT32)) {
        Map<Choice, Cost> unit = new EnumMap<>(integers.unit(u));
        cost(own.with(u, Choice.FLOAT32), base.get())
            .ifPresent(cost -> unit.put(Choice.FLOAT32, cost));
        changed = changed.with(u, unit);
      }
      progress.step();
    }
    return changed;
  }

  private Optional<Cost> cost(Mix mix, Cost base) {
    return run(mix).map(outcome -> cost(outcome).less(base));
  }

  /** The units whose noise in a mix is more than a small share of all. */
  List<Integer> loud(Mix mix, Costs costs) {
    double all = costs.of(mix).noise();
    return IntStream.range(0, units.size())
        .filter(u -> excess(u, mix, costs) > LOUD * all)
        .boxed()
        .toList();
  }

  /** How much less noise there would be if a unit had its best choice. */
  private static double excess(int unit, Mix mix, Costs costs) {
    Map<Choice, Cost> choices = costs.unit(unit);
    return choices.get(mix.choices().get(unit)).noise() - choices.get(costs.best(unit)).noise();
  }

  /**
   * Costs that fit a mix: those of its loud units count as much more as the noise falls more than
   * they say where one of them alone gets its best choice. Only half of that is believed (of its
   * logarithm): weights of operators behind are rounded anew then, to another noise by chance.
   */
  Costs around(Mix mix, Costs costs, Progress progress) {
    Optional<Outcome> all = run(mix);
    Costs changed = costs;
    for (int u : loud(mix, costs)) {
      Optional<Outcome> without = all.isEmpty() ? all : run(mix.with(u, costs.best(u)));
      if (without.isPresent()) {
        double fall = all.get().noiseShare() - without.get().noiseShare();
        double ratio = fall / excess(u, mix, costs);
        double factor = Math.sqrt(Math.max(1 / MOST, Math.min(MOST, ratio)));
        Map<Choice, Cost> unit = new EnumMap<>(costs.unit(u));
        unit.replaceAll((choice, cost) -> cost.withNoise(cost.noise() * factor));
        changed = changed.with(u, unit);
      }
      progress.step();
    }
    return changed;
  }

  private Optional<Outcome> run(Mix mix) {
    Recipe recipe = mix.recipe(units);
    boolean exact = mix.family() == Family.FLOAT;
    return seen.computeIfAbsent(recipe, same -> run(same, exact));
  }

  private Optional<Outcome> run(Recipe recipe, boolean exact) {
    try {
      return Optional.of(judge.guess(Rewriter.rewrite(prepared.plan(recipe)), judged, exact));
    } catch (NarrowException e) {
      return Optional.empty(); // what cannot be made or run is no choice
    }
  }

  private static Cost cost(Outcome outcome) {
    return new Cost(outcome.bytes(), outcome.noiseShare(), outcome.millis());
  }

  /** The costs as they were measured, for people. */
  List<Sensitivity> sensitivities(Costs alone) {
    List<Sensitivity> list = new ArrayList<>();
    for (int u = 0; u < units.size(); u++) {
      Unit unit = units.get(u);
      alone
          .unit(u)
          .forEach(
              (choice, cost) -> {
                if (choice != Choice.FLOAT32) {
                  list.add(
                      new Sensitivity(
                          unit.name(),
                          unit.kind(),
                          unit.operators(),
                          unit.weights(),
                          choice,
                          (long) -cost.bytes(),
                          Evaluation.sqnrDb(new ErrorSums(1, cost.noise())),
                          cost.millis()));
                }
              });
    }
    return list;
  }
}
