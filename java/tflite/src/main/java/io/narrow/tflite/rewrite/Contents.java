package io.narrow.tflite.rewrite;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** The new contents of constants, one for all tensors that share a buffer and a plan. */
final class Contents {
  private final Draft draft;
  private final Map<String, Integer> stored = new HashMap<>();

  Contents(Draft draft) {
    this.draft = draft;
  }

  /** Number of the buffer with the tensor's values as the plan stores them. */
  int store(Tensor tensor, TensorPlan plan) {
    return stored.computeIfAbsent(
        // Scales follow from these, and take longer to compare. Tensors may see a buffer in two
        // shapes.
        tensor.buffer() + " " + plan.type() + " " + plan.axis() + tensor.shapeText(),
        key -> {
          ByteBuffer values = draft.buffer(tensor.buffer());
          int size = Math.toIntExact(plan.type().bytes(tensor.elements()));
          return draft.addBuffer(
              Buffer.computed(size, target -> encode(values, tensor, plan, target)));
        });
  }

  private static void encode(ByteBuffer floats, Tensor tensor, TensorPlan plan, ByteBuffer target) {
    Kernels kernels = Kernels.active();
    Span values = Span.of(floats);
    if (plan.type() == TensorType.FLOAT16) {
      kernels.toFloat16Saturated(values, Span.of(target));
      return;
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
    kernels.quantize(values, quantization.withRange(-largest, largest), Span.of(target));
  }
}
