package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.TensorType;
import java.util.Optional;

/** The ranges of a model's activations; {@code Calibration::range} is one. */
@FunctionalInterface
public interface Ranges {
  /**
   * The range of a tensor of a subgraph, empty if its values were never seen.
   *
   * @param type int8 or int16, what the range is divided into
   */
  Optional<FloatRange> range(int subgraph, int tensor, TensorType type);
}
