package io.narrow.tflite.shape;

import java.util.List;

/** What is known of the results of an operator when this is known of its operands. */
@FunctionalInterface
interface Rule {
  /**
   * @return of each result, {@link Fact#NOTHING} where it is not known
   * @throws Mismatch if it does not take such operands
   */
  List<Fact> of(Node node);

  /** A rule for an operator with one result. */
  @FunctionalInterface
  interface One {
    Fact of(Node node);
  }

  static Rule one(One rule) {
    return node -> List.of(rule.of(node));
  }
}
