package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.plan.KnownEncodings.Place;
import java.util.Map;
import java.util.Optional;

/** The ranges of a model's activations. */
@FunctionalInterface
public interface Ranges {
  /** Nothing was seen. */
  Ranges NONE =
      new Ranges() {
        @Override
        public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
          return Optional.empty();
        }

        @Override
        public boolean isNone() {
          return true;
        }
      };

  /**
   * From -1 to 1 for every activation: enough to know what can compute in integers, but for kernels
   * that take some scales and not others.
   */
  Ranges ASSUMED =
      new Ranges() {
        private static final Optional<FloatRange> UNIT = Optional.of(new FloatRange(-1, 1, 0, 0));

        @Override
        public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
          return UNIT;
        }

        @Override
        public Optional<FloatRange> intermediate(
            int subgraph, int output, int number, boolean whole) {
          return UNIT;
        }
      };

  /**
   * The range of a tensor of a subgraph, empty if its values were never seen.
   *
   * @param whole whether it has to hold every value: else rare ones may be cut off where that
   *     lowers the squared error of 8-bit codes
   */
  Optional<FloatRange> range(int subgraph, int tensor, boolean whole);

  /** Whether nothing was ever seen. */
  default boolean isNone() {
    return false;
  }

  /**
   * The range of a value inside an operator, likewise; of those of an LSTM only.
   *
   * @param output number of the tensor that the operator writes
   * @param number of the value among the intermediates of the operator
   */
  default Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
    return Optional.empty();
  }

  /** These with other ranges of some tensors. */
  default Ranges with(Map<Place, FloatRange> others) {
    Ranges before = this;
    return new Ranges() {
      @Override
      public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
        FloatRange range = others.get(new Place(subgraph, tensor));
        return range != null ? Optional.of(range) : before.range(subgraph, tensor, whole);
      }

      @Override
      public Optional<FloatRange> intermediate(
          int subgraph, int output, int number, boolean whole) {
        return before.intermediate(subgraph, output, number, whole);
      }

      @Override
      public boolean isNone() {
        return before.isNone();
      }
    };
  }
}
