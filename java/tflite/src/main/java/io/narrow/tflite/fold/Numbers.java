package io.narrow.tflite.fold;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/** Numbers of one type as numbers of another, as CAST has them. */
final class Numbers {
  private static final Set<TensorType> INTEGERS =
      Set.of(
          TensorType.BOOL,
          TensorType.INT8,
          TensorType.UINT8,
          TensorType.INT16,
          TensorType.INT32,
          TensorType.INT64);

  private Numbers() {}

  /** Whether one type can be made of another without a doubt about the result. */
  static boolean casts(TensorType from, TensorType to) {
    // What becomes of a float beyond the range of an integer is the machine's affair.
    return from == TensorType.FLOAT16 && to == TensorType.FLOAT32
        || INTEGERS.contains(from) && (INTEGERS.contains(to) || to == TensorType.FLOAT32);
  }

  static void cast(ByteBuffer values, TensorType from, ByteBuffer target, TensorType to) {
    if (from == TensorType.FLOAT16) {
      Kernels.active().toFloat32(Span.of(values), Span.of(target));
      return;
    }
    ByteBuffer out = target.order(ByteOrder.LITTLE_ENDIAN);
    while (values.hasRemaining()) {
      long value =
          switch (from) {
            case INT16 -> values.getShort();
            case INT32 -> values.getInt();
            case INT64 -> values.getLong();
            case INT8 -> values.get();
            default -> Byte.toUnsignedInt(values.get());
          };
      switch (to) {
        case BOOL -> out.put((byte) (value == 0 ? 0 : 1));
        case INT8, UINT8 -> out.put((byte) value);
        case INT16 -> out.putShort((short) value);
        case INT32 -> out.putInt((int) value);
        case INT64 -> out.putLong(value);
        default -> out.putFloat(value);
      }
    }
  }
}
