package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import java.util.Optional;

/** The ranges of a model's activations; {@code Calibration::range} is one. */
@FunctionalInterface
public interface Ranges {
  /** The range of a tensor of a subgraph, empty if its values were never seen. */
  Optional<FloatRange> range(int subgraph, int tensor);
}
