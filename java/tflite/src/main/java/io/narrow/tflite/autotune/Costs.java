package io.narrow.tflite.autotune;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What every choice of every unit adds to a file where all else stays as it is. Sums of these are
 * guesses: they say which mixes are worth trying, and nothing else.
 */
final class Costs {
  /**
   * What a choice adds.
   *
   * @param bytes to the size of the file
   * @param noise to the noise beside the signal
   * @param millis to the time of a run
   */
  record Cost(double bytes, double noise, double millis) {
    Cost plus(Cost other) {
      return new Cost(bytes + other.bytes, noise + other.noise, millis + other.millis);
    }

    Cost less(Cost other) {
      return new Cost(bytes - other.bytes, noise - other.noise, millis - other.millis);
    }

    Cost withNoise(double other) {
      return new Cost(bytes, other, millis);
    }
  }

  private final Family family;
  private final Cost base;
  private final List<Map<Choice, Cost>> units;

  /**
   * @param base of the file to whose units the costs are added
   * @param units for each unit the choices that it has
   */
  Costs(Family family, Cost base, List<Map<Choice, Cost>> units) {
    this.family = family;
    this.base = base;
    this.units = units.stream().map(each -> (Map<Choice, Cost>) new EnumMap<>(each)).toList();
  }

  Family family() {
    return family;
  }

  Map<Choice, Cost> unit(int unit) {
    return units.get(unit);
  }

  /** With other costs of the choices of a unit. */
  Costs with(int unit, Map<Choice, Cost> costs) {
    List<Map<Choice, Cost>> changed = new ArrayList<>(units);
    changed.set(unit, costs);
    return new Costs(family, base, changed);
  }

  /** The guess for a mix. */
  Cost of(Mix mix) {
    Cost sum = base;
    for (int u = 0; u < units.size(); u++) {
      sum = sum.plus(units.get(u).get(mix.choices().get(u)));
    }
    return sum;
  }

  /** The choice with the least noise. */
  Choice best(int unit) {
    return units.get(unit).entrySet().stream()
        .min(Comparator.comparingDouble(entry -> entry.getValue().noise()))
        .orElseThrow()
        .getKey();
  }
}
