package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.HalfFloat;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.EnumMap;
import java.util.Map;

/** Turns numbers into a tensor's bytes and back; one row per type that has numbers. */
final class TensorValues {
  /** Reads element {@code i} of a little-endian buffer. */
  private interface Read {
    double at(ByteBuffer memory, int i);
  }

  /** Writes a whole number in range as element {@code i}. */
  private interface Write {
    void at(ByteBuffer memory, int i, long value);
  }

  /**
   * How integers of a type are stored.
   *
   * @param min smallest value
   * @param max largest value
   */
  private record Integers(long min, long max, Read read, Write write) {}

  private static final Map<TensorType, Integers> INTEGERS = integers();
  private static final Map<TensorType, Read> FLOATS =
      Map.of(
          TensorType.FLOAT32, (m, i) -> m.getFloat(4 * i),
          TensorType.FLOAT64, (m, i) -> m.getDouble(8 * i),
          TensorType.FLOAT16, (m, i) -> HalfFloat.toFloat(m.getShort(2 * i)),
          TensorType.BFLOAT16, (m, i) -> Float.intBitsToFloat(m.getShort(2 * i) << 16));

  private TensorValues() {}

  static void checkCount(TensorInfo info, int count, String source) {
    if (count != info.elements()) {
      throw NarrowException.input(
          source + ": input " + info + ": got " + count + " values, want " + info.elements());
    }
  }

  static void write(TensorInfo info, ByteBuffer memory, FloatBuffer values, String source) {
    if (info.type() == TensorType.FLOAT32) {
      memory.asFloatBuffer().put(values);
    } else if (info.type() == TensorType.FLOAT64) {
      for (int i = 0; values.hasRemaining(); i++) {
        memory.putDouble(8 * i, values.get());
      }
    } else if (info.quantized()) {
      quantize(info, memory, values);
    } else {
      Integers integers = writable(info, source);
      for (int i = 0; values.hasRemaining(); i++) {
        float value = values.get();
        if (value != Math.rint(value) || Math.abs(value) >= 0x1p63f) {
          throw misfit(info, value, source);
        }
        store(info, integers, memory, i, (long) value, source);
      }
    }
  }

  static void write(TensorInfo info, ByteBuffer memory, LongBuffer values, String source) {
    if (info.real()) {
      FloatBuffer floats = FloatBuffer.allocate(values.remaining());
      while (values.hasRemaining()) {
        floats.put(values.get());
      }
      write(info, memory, floats.flip(), source);
      return;
    }
    Integers integers = writable(info, source);
    for (int i = 0; values.hasRemaining(); i++) {
      store(info, integers, memory, i, values.get(), source);
    }
  }

  static float[] read(TensorInfo info, ByteBuffer memory, String source) {
    float[] values = new float[Math.toIntExact(info.elements())];
    if (info.type() == TensorType.FLOAT32) {
      memory.asFloatBuffer().get(values);
      return values;
    }
    Integers integers = INTEGERS.get(info.type());
    Read read = integers != null ? integers.read : FLOATS.get(info.type());
    if (read == null) {
      throw NarrowException.unsupported(
          source + ": output " + info + " cannot be read: no numbers of that type are known");
    }
    boolean quantized = info.quantized();
    for (int i = 0; i < values.length; i++) {
      double value = read.at(memory, i);
      values[i] = (float) (quantized ? info.scale() * (value - info.zeroPoint()) : value);
    }
    return values;
  }

  // Half to even and a true division, as the kernels do it; float arithmetic as in TFLite.
  private static void quantize(TensorInfo info, ByteBuffer memory, FloatBuffer values) {
    Integers integers = INTEGERS.get(info.type());
    float scale = info.scale();
    for (int i = 0; values.hasRemaining(); i++) {
      double q = Math.rint(values.get() / scale) + info.zeroPoint();
      integers.write.at(memory, i, (long) Math.min(Math.max(q, integers.min), integers.max));
    }
  }

  private static void store(
      TensorInfo info, Integers integers, ByteBuffer memory, int i, long value, String source) {
    if (value < integers.min || value > integers.max) {
      throw misfit(info, value, source);
    }
    integers.write.at(memory, i, value);
  }

  private static Integers writable(TensorInfo info, String source) {
    Integers integers = INTEGERS.get(info.type());
    if (integers == null) {
      throw NarrowException.unsupported(
          source + ": input " + info + " cannot be fed: numbers of that type are not supported");
    }
    return integers;
  }

  private static NarrowException misfit(TensorInfo info, Number value, String source) {
    return NarrowException.input(
        source + ": input `" + info.name() + "`: " + value + " is not of type " + info.type());
  }

  private static Map<TensorType, Integers> integers() {
    Map<TensorType, Integers> table = new EnumMap<>(TensorType.class);
    Write write1 = (m, i, v) -> m.put(i, (byte) v);
    Write write2 = (m, i, v) -> m.putShort(2 * i, (short) v);
    Write write4 = (m, i, v) -> m.putInt(4 * i, (int) v);
    Write write8 = (m, i, v) -> m.putLong(8 * i, v);
    Read unsigned1 = (m, i) -> Byte.toUnsignedInt(m.get(i));
    table.put(TensorType.BOOL, new Integers(0, 1, unsigned1, write1));
    table.put(TensorType.UINT8, new Integers(0, 0xFF, unsigned1, write1));
    table.put(TensorType.INT8, new Integers(-128, 127, ByteBuffer::get, write1));
    table.put(TensorType.INT16, new Integers(-32768, 32767, (m, i) -> m.getShort(2 * i), write2));
    table.put(
        TensorType.UINT16,
        new Integers(0, 0xFFFF, (m, i) -> Short.toUnsignedInt(m.getShort(2 * i)), write2));
    table.put(
        TensorType.INT32,
        new Integers(Integer.MIN_VALUE, Integer.MAX_VALUE, (m, i) -> m.getInt(4 * i), write4));
    table.put(
        TensorType.UINT32,
        new Integers(0, 0xFFFF_FFFFL, (m, i) -> Integer.toUnsignedLong(m.getInt(4 * i)), write4));
    table.put(
        TensorType.INT64,
        new Integers(Long.MIN_VALUE, Long.MAX_VALUE, (m, i) -> m.getLong(8 * i), write8));
    return table;
  }
}
