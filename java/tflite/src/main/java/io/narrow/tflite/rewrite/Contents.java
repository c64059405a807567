package io.narrow.tflite.rewrite;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Computes the new contents of constants, once for all tensors that share a buffer and a plan. */
final class Contents {
  private final Draft draft;
  private final Map<String, Integer> stored = new HashMap<>();

  Contents(Draft draft) {
    this.draft = draft;
  }

  /** Number of the buffer with the tensor's values as the plan stores them. */
  int store(Tensor tensor, TensorPlan plan) {
    String key =
        tensor.buffer() + " " + plan.type() + " " + plan.axis() + Arrays.toString(plan.scales());
    return stored.computeIfAbsent(key, k -> draft.addBuffer(encode(tensor, plan)));
  }

  private ByteBuffer encode(Tensor tensor, TensorPlan plan) {
    Kernels kernels = Kernels.active();
    Span values = Span.of(draft.buffer(tensor.buffer()));
    ByteBuffer encoded =
        ByteBuffer.allocateDirect(Math.toIntExact(plan.type().bytes(tensor.elements())));
    if (plan.type() == TensorType.FLOAT16) {
      kernels.toFloat16Saturated(values, Span.of(encoded));
      return encoded;
    }
    boolean four = plan.type() == TensorType.INT4;
    long inner = 1;
    for (int i = plan.axis() + 1; i < tensor.rank(); i++) {
      inner *= tensor.dimension(i);
    }
    float[] scales = plan.scales();
    QuantizedType type = four ? QuantizedType.INT4 : QuantizedType.INT8;
    Quantization quantization =
        plan.axis() < 0
            ? Quantization.perTensor(type, scales[0], 0)
            : Quantization.perChannel(type, scales, new int[scales.length], inner);
    int largest = four ? 7 : 127;
    kernels.quantize(values, quantization.withRange(-largest, largest), Span.of(encoded));
    return encoded;
  }
}
