package io.narrow.tflite.shape;

import io.narrow.tflite.model.TensorType;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;

/**
 * What becomes of all values of a tensor.
 *
 * @param start of the result
 * @param step puts one more value into it
 */
record Reduction(double start, DoubleBinaryOperator step) {
  private static final Map<String, Reduction> TABLE =
      Map.of(
          "SUM", new Reduction(0, Double::sum),
          "REDUCE_PROD", new Reduction(1, (a, b) -> a * b),
          "REDUCE_MAX", new Reduction(Double.NEGATIVE_INFINITY, Math::max),
          "REDUCE_MIN", new Reduction(Double.POSITIVE_INFINITY, Math::min));

  static Optional<Reduction> of(String operator) {
    return Optional.ofNullable(TABLE.get(operator));
  }

  /** The result; NaN where it depends on a value that is not known, or on the order of floats. */
  double of(TensorType type, double[] values) {
    double result = start;
    for (double value : values) {
      result = Elementwise.held(type, step.applyAsDouble(result, value));
    }
    return type == TensorType.FLOAT32 ? Double.NaN : result;
  }
}
