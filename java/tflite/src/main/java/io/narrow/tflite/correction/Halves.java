package io.narrow.tflite.correction;

import java.util.stream.IntStream;

/**
 * The moments of the groups of an operator, of each half of the samples apart, so that what is
 * found on one can be judged on the other.
 */
record Halves(Moments[] one, Moments[] other) {
  Halves swapped() {
    return new Halves(other, one);
  }

  boolean isFinite() {
    return IntStream.range(0, one.length)
        .allMatch(group -> one[group].isFinite() && other[group].isFinite());
  }

  /** Those of all samples, in the place of the first half. */
  Moments[] together() {
    for (int group = 0; group < one.length; group++) {
      one[group].add(other[group]);
    }
    return one;
  }

  /** Mean of the squares of all groups. */
  static double typicalSquare(Moments[] groups) {
    double sum = 0;
    for (Moments group : groups) {
      sum += group.typicalSquare();
    }
    return sum / groups.length;
  }
}
