package io.narrow.tflite.targets;

import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * A row of {@code rules.table}: what a device asks of an operator beside the types of its values.
 *
 * @param devices names of devices
 * @param operators names in the schema, or a star
 * @param effect what happens where it does not hold
 * @param alternatives of which one has to hold
 * @param problem what is in the way where none does, in words
 * @param help what helps, in words; may be empty
 */
record Constraint(
    Set<String> devices,
    Set<String> operators,
    Effect effect,
    List<Requirement> alternatives,
    String problem,
    String help) {

  /** All rows. */
  static final List<Constraint> ALL =
      Resource.lines("rules.table").stream().map(Constraint::of).toList();

  private static Constraint of(String line) {
    List<String> cells = Arrays.stream(line.split("\\|", -1)).map(String::trim).toList();
    return new Constraint(
        Set.of(cells.get(0).split(",")),
        Set.of(cells.get(1).split(",")),
        Effect.valueOf(cells.get(2).toUpperCase(java.util.Locale.ROOT)),
        Arrays.stream(cells.get(3).split(" or ")).map(Requirement::of).toList(),
        cells.get(4),
        cells.get(5));
  }

  /** Whether it is asked of an operator. */
  boolean concerns(String device, String operator) {
    return devices.contains(device) && (operators.contains("*") || operators.contains(operator));
  }

  /** Whether a device ends over int4 weights of an operator, which have a scale per channel. */
  static boolean refusesInt4(String device, String operator) {
    return ALL.stream()
        .filter(row -> row.effect == Effect.ERROR && row.concerns(device, operator))
        .flatMap(row -> row.alternatives.stream())
        .anyMatch(requirement -> requirement.word(0).equals("noint4") || requirement.isInt4());
  }

  boolean holds(Site site) {
    return alternatives.stream().anyMatch(requirement -> requirement.holds(site));
  }
}
