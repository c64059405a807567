package io.narrow.tflite.rewrite;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The new contents of constants, one for all tensors that share a buffer, shape and encoding. */
final class Contents {
  private final Draft draft;
  private final Map<List<Object>, Buffer> chosen = new HashMap<>();
  private final Map<List<Object>, Integer> stored = new HashMap<>();

  Contents(Draft draft, Plan plan) {
    this.draft = draft;
    for (TensorPlan tensor : plan.tensors()) {
      Tensor constant = plan.model().subgraphs().get(tensor.subgraph()).tensor(tensor.tensor());
      tensor.codes().ifPresent(codes -> chosen.put(key(constant, tensor.encoding()), codes));
    }
  }

  private static List<Object> key(Tensor tensor, Encoding encoding) {
    return List.of(tensor.buffer(), tensor.shapeText(), encoding); // two shapes may see a buffer
  }

  /** Number of the buffer with a constant's values in an encoding. */
  int store(Tensor tensor, Encoding encoding) {
    return stored.computeIfAbsent(
        key(tensor, encoding),
        key -> {
          Buffer codes = chosen.get(key);
          return draft.addBuffer(codes == null ? rounded(tensor, encoding) : codes);
        });
  }

  private Buffer rounded(Tensor tensor, Encoding encoding) {
    Buffer values = draft.contents(tensor.buffer()); // those that are computed are not kept
    int size = Math.toIntExact(encoding.type().bytes(tensor.elements()));
    return Buffer.computed(size, target -> encode(values.bytes(), tensor, encoding, target));
  }

  private static void encode(
      ByteBuffer floats, Tensor tensor, Encoding encoding, ByteBuffer target) {
    switch (encoding.type()) {
      case FLOAT16 -> Kernels.active().toFloat16Saturated(Span.of(floats), Span.of(target));
      case INT32, INT64 -> bias(floats, encoding, target.order(ByteOrder.LITTLE_ENDIAN));
      default ->
          Kernels.active()
              .quantize(Span.of(floats), quantization(tensor, encoding), Span.of(target));
    }
  }

  private static Quantization quantization(Tensor tensor, Encoding encoding) {
    QuantizedType type =
        switch (encoding.type()) {
          case INT4 -> QuantizedType.INT4;
          case INT16 -> QuantizedType.INT16;
          default -> QuantizedType.INT8;
        };
    float[] scales = encoding.scales();
    if (encoding.axis() < 0 && type == QuantizedType.INT8) {
      return Quantization.perTensor(type, scales[0], encoding.zeroPoint());
    }
    // Symmetric: the lowest code has no counterpart, and kernels may rely on its absence.
    int largest =
        switch (type) {
          case INT4 -> 7;
          case INT16 -> Short.MAX_VALUE;
          default -> Byte.MAX_VALUE;
        };
    return (encoding.axis() < 0
            ? Quantization.perTensor(type, scales[0], encoding.zeroPoint())
            : Quantization.perChannel(
                type, scales, new int[scales.length], tensor.inner(encoding.axis())))
        .withRange(-largest, largest);
  }

  /** {@code round(bias / scale)}, halves away from 0, as both reference tools have it. */
  private static void bias(ByteBuffer values, Encoding encoding, ByteBuffer target) {
    float[] scales = encoding.scales();
    for (int c = 0; c < values.remaining() / Float.BYTES; c++) {
      float scale = scales[encoding.axis() < 0 ? 0 : c];
      double exact = (double) values.getFloat(Float.BYTES * c) / scale;
      double rounded = Math.signum(exact) * Math.floor(Math.abs(exact) + 0.5);
      if (encoding.type() == TensorType.INT64) {
        target.putLong((long) rounded);
      } else {
        target.putInt((int) rounded); // saturates
      }
    }
  }
}
