package io.narrow.tflite.rewrite;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Encodes constants beside integer activations, once for all tensors with the same bytes. */
final class IntegerContents {
  private static final int LARGEST_WEIGHT = 127;

  private final Draft draft;
  private final Map<String, Integer> stored = new HashMap<>();

  IntegerContents(Draft draft) {
    this.draft = draft;
  }

  /** Number of the buffer with a constant's values in an encoding. */
  int store(Tensor tensor, Encoding encoding) {
    String key =
        tensor.buffer()
            + " "
            + encoding.type()
            + encoding.axis()
            + Arrays.toString(encoding.scales())
            + encoding.zeroPoint();
    return stored.computeIfAbsent(key, k -> draft.addBuffer(Buffer.of(encode(tensor, encoding))));
  }

  private ByteBuffer encode(Tensor tensor, Encoding encoding) {
    ByteBuffer values = draft.buffer(tensor.buffer());
    return switch (encoding.type()) {
      case INT32, INT64 -> bias(values, encoding);
      default -> quantized(tensor, values, encoding);
    };
  }

  /** {@code round(bias / scale)}, halves away from 0, as both reference tools have it. */
  private static ByteBuffer bias(ByteBuffer values, Encoding encoding) {
    float[] scales = encoding.scales();
    boolean wide = encoding.type() == TensorType.INT64;
    ByteBuffer encoded =
        ByteBuffer.allocateDirect(scales.length * (wide ? Long.BYTES : Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int c = 0; c < scales.length; c++) {
      double exact = (double) values.getFloat(Float.BYTES * c) / scales[c];
      long rounded = (long) (Math.signum(exact) * Math.floor(Math.abs(exact) + 0.5));
      if (wide) {
        encoded.putLong(rounded);
      } else {
        encoded.putInt(Math.toIntExact(rounded));
      }
    }
    return encoded.flip();
  }

  private static ByteBuffer quantized(Tensor tensor, ByteBuffer values, Encoding encoding) {
    float[] scales = encoding.scales();
    boolean wide = encoding.type() == TensorType.INT16;
    QuantizedType type = wide ? QuantizedType.INT16 : QuantizedType.INT8;
    long inner = 1;
    for (int i = encoding.axis() + 1; i < tensor.rank(); i++) {
      inner *= tensor.dimension(i);
    }
    Quantization quantization =
        encoding.axis() < 0
            ? Quantization.perTensor(type, scales[0], encoding.zeroPoint())
            : Quantization.perChannel(type, scales, new int[scales.length], inner)
                .withRange(-LARGEST_WEIGHT, LARGEST_WEIGHT);
    if (wide) {
      quantization = quantization.withRange(-Short.MAX_VALUE, Short.MAX_VALUE);
    }
    ByteBuffer encoded =
        ByteBuffer.allocateDirect(
            Math.toIntExact(encoding.type().bytes(values.remaining() / Float.BYTES)));
    Kernels.active().quantize(Span.of(values), quantization, Span.of(encoded));
    return encoded;
  }
}
