package io.narrow.tflite.shape;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * An operator with what is known of its operands.
 *
 * @param operator the operator
 * @param operands of each place, {@link Fact#NOTHING} where there is none
 * @param type of its first result
 */
record Node(Operator operator, List<Fact> operands, TensorType type) {
  /** More than any kernel takes, and than a model that is not damaged has. */
  private static final int MOST_AXES = 64;

  /** What is known of an operand. */
  Fact in(int place) {
    return place < operands.size() ? operands.get(place) : Fact.NOTHING;
  }

  boolean has(int place) {
    return operator.input(place) >= 0;
  }

  boolean isRanked(int place) {
    return in(place).isRanked();
  }

  int option(String name) {
    return (int) operator.option(name);
  }

  boolean isSet(String name) {
    return operator.option(name) != 0;
  }

  /** Values of an operand of integers, if all are known. */
  Optional<int[]> integers(int place) {
    Fact operand = in(place);
    return operand.isConstant()
        ? Optional.of(Arrays.stream(operand.values()).mapToInt(value -> (int) value).toArray())
        : Optional.empty();
  }

  /** The one value of an operand, if it is known. */
  Optional<Integer> integer(int place) {
    return integers(place).filter(values -> values.length == 1).map(values -> values[0]);
  }

  /** Values of an operand that is a shape, with {@link Fact#UNKNOWN} for those not known. */
  Optional<int[]> sizes(int place) {
    Fact operand = in(place);
    if (operand.values() != null) {
      return Optional.of(
          Arrays.stream(operand.values())
              .mapToInt(value -> Double.isNaN(value) ? Fact.UNKNOWN : (int) value)
              .toArray());
    }
    boolean counted = operand.isRanked() && operand.rank() == 1 && operand.shape()[0] >= 0;
    return counted ? Optional.of(Fact.ofRank(axes(operand.shape()[0])).shape()) : Optional.empty();
  }

  /** A number of axes that a tensor can have. */
  static int axes(int count) {
    if (count > MOST_AXES) {
      throw new Mismatch(count + " axes");
    }
    return count;
  }
}
