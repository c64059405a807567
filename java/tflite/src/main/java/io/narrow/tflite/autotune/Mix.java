package io.narrow.tflite.autotune;

import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A choice for every unit.
 *
 * @param choices in the order of the units
 */
record Mix(Family family, List<Choice> choices) {
  Mix {
    choices = List.copyOf(choices);
  }

  /** The same for all. */
  static Mix uniform(Family family, int units, Choice choice) {
    return new Mix(family, Collections.nCopies(units, choice));
  }

  Mix with(int unit, Choice choice) {
    List<Choice> changed = new ArrayList<>(choices);
    changed.set(unit, choice);
    return new Mix(family, changed);
  }

  Recipe recipe(List<Unit> units) {
    List<RecipeRule> rules = new ArrayList<>(family.rules());
    for (int i = 0; i < choices.size(); i++) {
      if (choices.get(i) != family.others()) {
        rules.addAll(units.get(i).rules(choices.get(i).configurations()));
      }
    }
    return Recipe.of(rules);
  }

  /** How many operators have which. */
  Map<Choice, Integer> encodings(List<Unit> units) {
    Map<Choice, Integer> counts = new EnumMap<>(Choice.class);
    for (int i = 0; i < choices.size(); i++) {
      counts.merge(choices.get(i), units.get(i).operators(), Integer::sum);
    }
    return counts;
  }

  static String words(Map<Choice, Integer> encodings) {
    return new TreeMap<>(encodings)
        .entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
  }
}
