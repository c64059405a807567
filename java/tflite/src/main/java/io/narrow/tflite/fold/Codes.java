package io.narrow.tflite.fold;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.KnownEncodings.Known;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/** Codes of constants, the values that they stand for, and the encodings that activations have. */
final class Codes {
  static final String STORED = "as the model stores it";
  static final String TRAINED = "as the model was trained";

  private static final Map<TensorType, QuantizedType> TYPES =
      Map.of(
          TensorType.INT4, QuantizedType.INT4,
          TensorType.INT8, QuantizedType.INT8,
          TensorType.UINT8, QuantizedType.UINT8,
          TensorType.INT16, QuantizedType.INT16);

  private static final int UNSIGNED = 128; // from a code of uint8 to that of int8

  private Codes() {}

  /** The values of codes, or of float16, as float32. */
  static Optional<Constant> dequantize(Constant codes, Contents contents) {
    Tensor tensor = codes.tensor();
    Buffer from = codes.contents();
    return values(tensor, from, contents::of)
        .map(
            values ->
                new Constant(
                    tensor.withType(TensorType.FLOAT32),
                    contents.computed(from, List.of("DEQUANTIZE", how(tensor)), () -> values),
                    tensor.type() == TensorType.FLOAT16
                        ? Optional.empty()
                        : known(
                            codes, codes.known().isPresent() ? TRAINED : STORED, contents::of)));
  }

  /**
   * The values of codes, or of float16, as float32; empty if it is neither.
   *
   * @param buffers of the model, by number
   */
  static Optional<Buffer> values(Tensor tensor, Buffer from, IntFunction<Buffer> buffers) {
    boolean half = tensor.type() == TensorType.FLOAT16;
    long bytes = TensorType.FLOAT32.bytes(tensor.elements());
    if (bytes > Integer.MAX_VALUE || !half && !isQuantized(tensor)) {
      return Optional.empty();
    }
    Optional<float[]> blocks = blockScales(tensor, buffers);
    if (tensor.isBlockwise() && blocks.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        Buffer.computed(
            (int) bytes,
            half
                ? target -> Kernels.active().toFloat32(Span.of(from.bytes()), Span.of(target))
                : target ->
                    Kernels.active()
                        .dequantize(
                            Span.of(from.bytes()), quantization(tensor, blocks), Span.of(target))));
  }

  /** The scales of a tensor's blocks, empty if it has none or they are not finite. */
  private static Optional<float[]> blockScales(Tensor tensor, IntFunction<Buffer> buffers) {
    if (!tensor.isBlockwise()) {
      return Optional.empty();
    }
    Buffer stored = buffers.apply(tensor.blockScales().get().buffer());
    float[] scales = new float[Math.toIntExact(tensor.elements() / tensor.blockSize())];
    if (stored.size() != scales.length * Short.BYTES) {
      return Optional.empty();
    }
    Kernels.active().toFloat32(Span.of(stored.bytes()), Span.of(scales));
    for (int i = 0; i < scales.length; i++) {
      // ai-edge-quantizer writes 0 for blocks of zeros, which stand for nothing but 0.
      scales[i] = scales[i] == 0 ? Float.MIN_NORMAL : scales[i];
    }
    return finite(scales) ? Optional.of(scales) : Optional.empty();
  }

  /** Whether these are codes that scales turn into values. */
  static boolean isQuantized(Tensor tensor) {
    return TYPES.containsKey(tensor.type()) && tensor.isBlockwise()
        || TYPES.containsKey(tensor.type())
            && tensor.isAffine()
            && inRange(tensor.zeroPoints(), TYPES.get(tensor.type()))
            && finite(tensor.scales());
  }

  private static boolean inRange(long[] zeroPoints, QuantizedType type) {
    return Arrays.stream(zeroPoints).allMatch(zero -> zero >= type.min() && zero <= type.max());
  }

  private static boolean finite(float[] scales) {
    for (float scale : scales) {
      if (!(scale > 0 && scale <= Float.MAX_VALUE)) {
        return false;
      }
    }
    return true;
  }

  /** All that the values of codes depend on beside them. */
  private static List<Object> how(Tensor tensor) {
    return List.of(
        tensor.type(),
        tensor.shapeText(),
        tensor.quantizedDimension(),
        Arrays.toString(tensor.scales()),
        Arrays.toString(tensor.zeroPoints()),
        tensor.blockSize(),
        tensor.blockScales().map(Tensor::buffer).orElse(0));
  }

  private static Quantization quantization(Tensor tensor, Optional<float[]> blocks) {
    QuantizedType type = TYPES.get(tensor.type());
    if (blocks.isPresent()) {
      int[] zeros = new int[blocks.get().length];
      return Quantization.perChannel(type, blocks.get(), zeros, tensor.blockSize());
    }
    float[] scales = tensor.scales();
    int[] zeroPoints = Arrays.stream(tensor.zeroPoints()).mapToInt(Math::toIntExact).toArray();
    return scales.length == 1
        ? Quantization.perTensor(type, scales[0], zeroPoints[0])
        : Quantization.perChannel(
            type, scales, zeroPoints, tensor.inner(tensor.quantizedDimension()));
  }

  /** What is known of a constant that was stored in codes: of int4 and int8, and so of uint8. */
  private static Optional<Known> known(Constant codes, String reason, IntFunction<Buffer> buffers) {
    Buffer from = codes.contents();
    Tensor tensor = codes.tensor();
    return blockScales(tensor, buffers)
        .map(scales -> new Encoding(tensor.type(), 0, scales, 0, tensor.blockSize()))
        .or(() -> encoding(tensor))
        .filter(encoding -> encoding.type() != TensorType.INT16)
        .map(
            encoding ->
                new Known(
                    encoding,
                    Optional.of(
                        codes.tensor().type() == TensorType.UINT8 ? shifted(from, UNSIGNED) : from),
                    reason));
  }

  /** How a tensor holds its values, uint8 as the same in int8; empty if no plan has its like. */
  static Optional<Encoding> encoding(Tensor tensor) {
    long[] zeroPoints = tensor.zeroPoints();
    if (!isQuantized(tensor)
        || tensor.isBlockwise()
        || Arrays.stream(zeroPoints).distinct().count() > 1) {
      return Optional.empty();
    }
    boolean unsigned = tensor.type() == TensorType.UINT8;
    int zeroPoint = (int) zeroPoints[0] - (unsigned ? UNSIGNED : 0);
    boolean channels = tensor.scales().length > 1;
    if (channels && zeroPoint != 0) {
      return Optional.empty();
    }
    return Optional.of(
        new Encoding(
            unsigned ? TensorType.INT8 : tensor.type(),
            channels ? tensor.quantizedDimension() : -1,
            tensor.scales(),
            zeroPoint));
  }

  /** Codes of a byte each, less a number. */
  static Buffer shifted(Buffer codes, int shift) {
    return Buffer.computed(
        codes.size(),
        target -> {
          ByteBuffer from = codes.bytes();
          while (from.hasRemaining()) {
            target.put((byte) (from.get() - shift));
          }
        });
  }

  /** The codes that a QUANTIZE operator gives of float32 values. */
  static Optional<Constant> quantize(Constant values, Tensor output) {
    Tensor codes = Evaluations.result(output, values.tensor().shape());
    if (values.tensor().type() != TensorType.FLOAT32
        || !isQuantized(codes)
        || codes.isBlockwise()
        || codes.type() == TensorType.INT4) {
      return Optional.empty();
    }
    QuantizedType type = TYPES.get(codes.type());
    Buffer rounded = rounded(values.contents(), codes, type.min(), type.max());
    return Optional.of(
        new Constant(
            codes, rounded, encoding(codes).map(e -> new Known(e, Optional.empty(), TRAINED))));
  }

  /**
   * {@code round(x / scale) + zeroPoint} within limits, halves away from 0 as the kernels round.
   */
  private static Buffer rounded(Buffer values, Tensor codes, int min, int max) {
    float[] scales = codes.scales();
    long[] zeroPoints = codes.zeroPoints();
    long inner = scales.length == 1 ? codes.elements() : codes.inner(codes.quantizedDimension());
    return Buffer.computed(
        Math.toIntExact(codes.type().bytes(codes.elements())),
        target -> {
          ByteBuffer from = values.bytes();
          ByteBuffer to = target.order(ByteOrder.LITTLE_ENDIAN);
          for (long i = 0; from.hasRemaining(); i++) {
            int channel = (int) (i / Math.max(1, inner) % scales.length);
            float exact = from.getFloat() / scales[channel];
            double code = Math.copySign(Math.floor(Math.abs((double) exact) + 0.5), exact);
            int clamped = (int) Math.max(min, Math.min(max, code + zeroPoints[channel]));
            if (codes.type() == TensorType.INT16) {
              to.putShort((short) clamped);
            } else {
              to.put((byte) clamped);
            }
          }
        });
  }

  /**
   * The encoding that a FAKE_QUANT operator rounds to, its zero point moved to an integer as the
   * runtime moves it; empty for other than 8 bits.
   */
  static Optional<Tensor> fakeQuantized(Operator operator, Tensor values) {
    float min = operator.realOption("min");
    float max = operator.realOption("max");
    if (operator.option("num_bits") != 8 || !(min <= 0 && max >= 0 && max > min)) {
      return Optional.empty();
    }
    int lowest = operator.option("narrow_range") != 0 ? 1 : 0;
    float scale = (max - min) / (255 - lowest);
    double exact = lowest - (double) min / scale;
    long zeroPoint = Math.max(lowest, Math.min(255, (long) Math.floor(exact + 0.5)));
    return Float.isFinite(scale) && scale > 0
        ? Optional.of(
            values.quantized(
                TensorType.INT8, new float[] {scale}, new long[] {zeroPoint - UNSIGNED}, 0))
        : Optional.empty();
  }

  /** A constant with the values that a FAKE_QUANT operator leaves it. */
  static Optional<Constant> fakeQuantize(Operator operator, Constant values) {
    Optional<Tensor> codes = fakeQuantized(operator, values.tensor());
    if (codes.isEmpty() || values.tensor().type() != TensorType.FLOAT32) {
      return Optional.empty();
    }
    int lowest = operator.option("narrow_range") != 0 ? 1 - UNSIGNED : -UNSIGNED;
    Buffer rounded = rounded(values.contents(), codes.get(), lowest, Byte.MAX_VALUE);
    Tensor tensor = codes.get();
    Buffer floats =
        Buffer.computed(
            values.contents().size(),
            target ->
                Kernels.active()
                    .dequantize(
                        Span.of(rounded.bytes()),
                        quantization(tensor, Optional.empty()),
                        Span.of(target)));
    Constant coded = Constant.of(tensor, rounded);
    return Optional.of(
        new Constant(values.tensor(), floats, known(coded, TRAINED, number -> Buffer.EMPTY)));
  }

  /** What is known of a constant after its axes are in another order. */
  static Optional<Known> transposed(Known known, int[] order, Tensor before, int[] shape) {
    Encoding encoding = known.encoding();
    if (encoding.type() != TensorType.INT8 || encoding.block() > 0 || known.codes().isEmpty()) {
      return Optional.empty();
    }
    int axis = -1;
    for (int i = 0; i < order.length; i++) {
      axis = order[i] == encoding.axis() ? i : axis;
    }
    long[] strides = Arrays.stream(order).mapToLong(before::inner).toArray();
    return Optional.of(
        new Known(
            new Encoding(encoding.type(), axis, encoding.scales(), encoding.zeroPoint()),
            known.codes().map(codes -> Evaluations.strided(codes, 1, shape, strides)),
            known.reason()));
  }
}
