package io.narrow.tflite.comparison;

import io.narrow.kernels.Difference;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Optional;

/** How real numbers lie in a tensor: as float32, as float16, or as integers with a scale. */
final class TensorCodec {
  private static final Map<TensorType, QuantizedType> INTEGERS =
      Map.of(
          TensorType.INT8, QuantizedType.INT8,
          TensorType.UINT8, QuantizedType.UINT8,
          TensorType.INT16, QuantizedType.INT16);

  /** Values that are rounded at a time. */
  private static final int CHUNK = 1 << 12;

  /** 1.5 * 2^23: floats from 2^23 to 2^24 are whole numbers. */
  private static final float NO_FRACTION = 0x1.8p23f;

  private final TensorType type;
  private final Optional<Quantization> integers;
  private final float scale;
  private final int zeroPoint;

  private TensorCodec(TensorType type) {
    this.type = type;
    this.integers = Optional.empty();
    this.scale = 0;
    this.zeroPoint = 0;
  }

  private TensorCodec(TensorInfo info, QuantizedType codes) {
    this.type = info.type();
    this.integers = Optional.of(Quantization.perTensor(codes, info.scale(), info.zeroPoint()));
    this.scale = info.scale();
    this.zeroPoint = info.zeroPoint();
  }

  /** That of a tensor; empty if it holds no real numbers, or its scale has no reciprocal. */
  static Optional<TensorCodec> of(TensorInfo info) {
    if (info.type() == TensorType.FLOAT32 || info.type() == TensorType.FLOAT16) {
      return Optional.of(new TensorCodec(info.type()));
    }
    boolean usable = info.quantized() && Float.isFinite(info.scale()) && 1 / info.scale() < 3e38f;
    return usable
        ? Optional.of(new TensorCodec(info, INTEGERS.get(info.type())))
        : Optional.empty();
  }

  /**
   * That of a tensor of a model.
   *
   * @throws NarrowException if it holds no real numbers
   */
  static TensorCodec of(TensorInfo info, String model) {
    return of(info)
        .orElseThrow(
            () ->
                NarrowException.unsupported(
                    model + ": tensor " + info + " does not hold real numbers"));
  }

  /** How many numbers lie in so much memory. */
  int elements(ByteBuffer memory) {
    return memory.remaining() * Byte.SIZE / type.bits();
  }

  /** How far its numbers are from these floats, of which there are as many. */
  Difference difference(ByteBuffer reference, ByteBuffer memory, Tally.Scratch scratch) {
    Span x = Span.of(reference);
    return integers.isPresent()
        ? Kernels.active().difference(x, Span.of(memory), integers.get())
        : Kernels.active().difference(x, Span.of(floats(memory, scratch)));
  }

  /**
   * The numbers as float32.
   *
   * @param memory of the tensor
   * @param scratch where they are put otherwise
   * @return the tensor's own memory where they lie there as float32
   */
  ByteBuffer floats(ByteBuffer memory, Tally.Scratch scratch) {
    if (type == TensorType.FLOAT32) {
      return memory;
    }
    ByteBuffer floats = scratch.floats(elements(memory));
    if (integers.isPresent()) {
      Kernels.active().dequantize(Span.of(memory), integers.get(), Span.of(floats));
    } else {
      Kernels.active().toFloat32(Span.of(memory), Span.of(floats));
    }
    return floats;
  }

  /** Rounds float32 values to what the tensor can hold. */
  void write(ByteBuffer floats, ByteBuffer memory) {
    if (type == TensorType.FLOAT32) {
      memory.duplicate().put(floats.duplicate());
    } else if (integers.isPresent()) {
      Kernels.active().quantize(Span.of(floats), integers.get(), Span.of(memory));
    } else {
      Kernels.active().toFloat16(Span.of(floats), Span.of(memory));
    }
  }

  /**
   * Rounds float32 values to integers as callers do it that follow TensorFlow's and
   * ai-edge-quantizer's code: {@code round(x / scale + zeroPoint)}, halves to even. Pictures are
   * often exactly half way between two steps, and only this gives the same codes then.
   */
  void writeAsCallers(ByteBuffer floats, ByteBuffer memory) {
    FloatBuffer from = floats.asFloatBuffer();
    ByteBuffer to = memory.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    // By way of an array: each access to direct memory costs the quick compiler a call.
    float[] values = new float[Math.min(CHUNK, from.remaining())];
    byte[] codes = new byte[values.length];
    while (from.hasRemaining()) {
      int n = Math.min(values.length, from.remaining());
      from.get(values, 0, n);
      round(values, n);
      if (type == TensorType.INT16) {
        for (int i = 0; i < n; i++) {
          to.putShort((short) (int) values[i]);
        }
      } else {
        for (int i = 0; i < n; i++) {
          codes[i] = (byte) (int) values[i];
        }
        to.put(codes, 0, n);
      }
    }
  }

  /** Makes whole numbers that the integers can hold of real ones; NaN stays. */
  private void round(float[] values, int n) {
    QuantizedType codes = integers.orElseThrow().type();
    float min = codes.min();
    float max = codes.max();
    for (int i = 0; i < n; i++) {
      float code = values[i] / scale + zeroPoint;
      float clamped = code < min ? min : code > max ? max : code;
      // Halves to even, as there is no room for a fraction above 2^23; Math.rint costs a call.
      values[i] = clamped + NO_FRACTION - NO_FRACTION;
    }
  }
}
