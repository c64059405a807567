package io.narrow.tflite.rewrite;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.IntegerOperator;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The new contents of constants, one for all tensors that share a buffer, shape and encoding. */
final class Contents {
  private final Draft draft;
  private final Map<List<Object>, Buffer> chosen = new HashMap<>();
  private final Map<List<Object>, Integer> stored = new HashMap<>();
  private final Set<List<Object>> weights = new HashSet<>();

  Contents(Draft draft, Plan plan) {
    this.draft = draft;
    for (TensorPlan tensor : plan.tensors()) {
      Tensor constant = plan.model().subgraphs().get(tensor.subgraph()).tensor(tensor.tensor());
      tensor.codes().ifPresent(codes -> chosen.put(key(constant, tensor.encoding()), codes));
      if (tensor.use() != TensorPlan.Use.INTEGER) {
        weights.add(key(constant, tensor.encoding()));
      }
    }
    for (IntegerOperator integer : plan.integerOperators()) {
      Subgraph subgraph = plan.model().subgraphs().get(integer.subgraph());
      Operator operator = subgraph.operators().get(integer.operator());
      OpRule rule = OpRules.of(operator.name());
      if (rule.integer().orElseThrow().scales().weighted()) {
        rule.weights().stream()
            .filter(place -> operator.input(place) >= 0)
            .map(place -> key(subgraph.tensor(operator.input(place)), integer.inputs().get(place)))
            .forEach(weights::add);
      }
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
          boolean weight = weights.contains(key);
          return draft.addBuffer(codes == null ? rounded(tensor, encoding, weight) : codes);
        });
  }

  /** Number of the buffer with the scales of an encoding's blocks, as float16. */
  int storeScales(Encoding encoding) {
    return stored.computeIfAbsent(
        List.of(encoding),
        key -> {
          float[] scales = encoding.scales();
          ByteBuffer half = ByteBuffer.allocateDirect(scales.length * Short.BYTES);
          Kernels.active().toFloat16Saturated(Span.of(scales), Span.of(half));
          return draft.addBuffer(Buffer.of(half));
        });
  }

  /** Number of the buffer with the values that a constant has in an encoding, as float32. */
  int storeValues(Tensor tensor, Encoding encoding) {
    Buffer codes = draft.contents(store(tensor, encoding));
    return stored.computeIfAbsent(
        List.of(key(tensor, encoding)),
        key ->
            draft.addBuffer(
                Buffer.computed(
                    Math.toIntExact(TensorType.FLOAT32.bytes(tensor.elements())),
                    target ->
                        Kernels.active()
                            .dequantize(
                                Span.of(codes.bytes()),
                                quantization(tensor, encoding, true),
                                Span.of(target)))));
  }

  private Buffer rounded(Tensor tensor, Encoding encoding, boolean weight) {
    Buffer values = draft.contents(tensor.buffer()); // those that are computed are not kept
    int size = Math.toIntExact(encoding.type().bytes(tensor.elements()));
    return Buffer.computed(
        size, target -> encode(values.bytes(), tensor, encoding, weight, target));
  }

  private static void encode(
      ByteBuffer floats, Tensor tensor, Encoding encoding, boolean weight, ByteBuffer target) {
    switch (encoding.type()) {
      case FLOAT16 -> Kernels.active().toFloat16Saturated(Span.of(floats), Span.of(target));
      case INT32, INT64 -> bias(floats, encoding, target.order(ByteOrder.LITTLE_ENDIAN));
      default ->
          Kernels.active()
              .quantize(Span.of(floats), quantization(tensor, encoding, weight), Span.of(target));
    }
  }

  private static Quantization quantization(Tensor tensor, Encoding encoding, boolean weight) {
    QuantizedType type =
        switch (encoding.type()) {
          case INT4 -> QuantizedType.INT4;
          case INT16 -> QuantizedType.INT16;
          default -> QuantizedType.INT8;
        };
    float[] scales = encoding.scales();
    if (!weight && encoding.axis() < 0 && type == QuantizedType.INT8) {
      return Quantization.perTensor(type, scales[0], encoding.zeroPoint());
    }
    // Symmetric: the lowest code has no counterpart, and kernels rely on its absence: two products
    // of -128 and -128 do not fit 16 bits.
    int largest =
        switch (type) {
          case INT4 -> 7;
          case INT16 -> Short.MAX_VALUE;
          default -> Byte.MAX_VALUE;
        };
    return (encoding.axis() < 0
            ? Quantization.perTensor(type, scales[0], encoding.zeroPoint())
            : Quantization.perChannel(type, scales, new int[scales.length], encoding.inner(tensor)))
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
