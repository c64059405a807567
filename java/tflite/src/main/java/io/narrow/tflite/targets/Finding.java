package io.narrow.tflite.targets;

/**
 * Something that a device does not take in an operator.
 *
 * @param effect what happens
 * @param subgraph number of the subgraph
 * @param operator number of the operator in it
 * @param name the operator in the schema, {@code CUSTOM:} and its own name for a custom one
 * @param tensor name of what it writes, by which users know it; empty if it writes nothing
 * @param problem what is in the way, in words
 * @param help what would help, in words; empty if nothing is known to
 */
public record Finding(
    Effect effect,
    int subgraph,
    int operator,
    String name,
    String tensor,
    String problem,
    String help) {

  /** What findings of one kind have in common. */
  public record Kind(Effect effect, String name, String problem, String help) {}

  /** Its kind. */
  public Kind kind() {
    return new Kind(effect, name, problem, help);
  }
}
