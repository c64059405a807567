package io.narrow.tflite.fold;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.KnownEncodings.Known;
import java.util.Optional;

/**
 * A tensor with contents.
 *
 * @param tensor its type, shape and quantization
 * @param contents all its values
 * @param known the encoding that they were in, for values that are float32 now
 */
record Constant(Tensor tensor, Buffer contents, Optional<Known> known) {
  static Constant of(Tensor tensor, Buffer contents) {
    return new Constant(tensor, contents, Optional.empty());
  }
}
