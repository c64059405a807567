package io.narrow.tflite.autotune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.autotune.Costs.Cost;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GreedyPathTest {
  private static final int UNITS = 4;
  private static final List<Choice> CHOICES = Family.FLOAT.choices();

  private static Costs random(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Map<Choice, Cost>> units = new ArrayList<>();
    for (int u = 0; u < UNITS; u++) {
      Map<Choice, Cost> unit = new EnumMap<>(Choice.class);
      for (Choice choice : CHOICES) {
        unit.put(choice, new Cost(random.nextInt(-1000, 0), random.nextDouble(), 0));
      }
      units.add(unit);
    }
    return new Costs(Family.FLOAT, new Cost(10_000, 0, 0), units);
  }

  private static List<Mix> all() {
    List<Mix> mixes = new ArrayList<>();
    int count = (int) Math.pow(CHOICES.size(), UNITS);
    for (int i = 0; i < count; i++) {
      List<Choice> choices = new ArrayList<>();
      for (int u = 0, rest = i; u < UNITS; u++, rest /= CHOICES.size()) {
        choices.add(CHOICES.get(rest % CHOICES.size()));
      }
      mixes.add(new Mix(Family.FLOAT, choices));
    }
    return mixes;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyMixOfItIsTheBestOfAllThatCostNoMore(long seed) {
    Costs costs = random(seed);
    GreedyPath path = new GreedyPath(costs, UNITS, Cost::bytes);
    List<Cost> all = all().stream().map(costs::of).toList();
    assertThat(path.length()).isPositive();
    for (int i = 0; i <= path.length(); i++) {
      Cost cost = costs.of(path.after(i));
      double least =
          all.stream()
              .filter(other -> other.bytes() <= cost.bytes())
              .mapToDouble(Cost::noise)
              .min()
              .orElseThrow();
      assertThat(cost.noise()).as("step %d of seed %d", i, seed).isCloseTo(least, within(1e-12));
    }
  }

  @Test
  void whatDoesNotFitIsLeftOut() {
    Costs costs = random(9);
    GreedyPath path = new GreedyPath(costs, UNITS, Cost::bytes);
    for (double most = 6000; most < 10_000; most += 100) {
      Cost cost = costs.of(path.within(most));
      Cost least = costs.of(path.after(0));
      assertThat(cost.bytes() <= most || cost.equals(least)).isTrue();
      int taken = 0;
      while (taken < path.length() && costs.of(path.after(taken + 1)).bytes() <= most) {
        taken++;
      }
      assertThat(cost.noise()).isLessThanOrEqualTo(costs.of(path.after(taken)).noise() + 1e-12);
    }
  }
}
