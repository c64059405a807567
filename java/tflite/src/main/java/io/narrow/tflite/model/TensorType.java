package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import java.util.Locale;

/** Type of a tensor's elements, with the numeric code of the TFLite schema. */
public enum TensorType {
  FLOAT32(0, 32),
  FLOAT16(1, 16),
  INT32(2, 32),
  UINT8(3, 8),
  INT64(4, 64),
  /** Of no fixed size: {@link #bits()} is 0. */
  STRING(5, 0),
  BOOL(6, 8),
  INT16(7, 16),
  COMPLEX64(8, 64),
  INT8(9, 8),
  FLOAT64(10, 64),
  COMPLEX128(11, 128),
  UINT64(12, 64),
  /** A handle to a variable or table, of no fixed size: {@link #bits()} is 0. */
  RESOURCE(13, 0),
  /** Of no fixed size: {@link #bits()} is 0. */
  VARIANT(14, 0),
  UINT32(15, 32),
  UINT16(16, 16),
  INT4(17, 4),
  BFLOAT16(18, 16),
  INT2(19, 2),
  UINT4(20, 4),
  FLOAT8_E4M3FN(21, 8),
  FLOAT8_E5M2(22, 8);

  private static final TensorType[] BY_CODE = byCode();

  private final int code;
  private final int bits;
  private final long smallest;
  private final long largest;

  TensorType(int code, int bits) {
    this.code = code;
    this.bits = bits;
    boolean unsigned = name().startsWith("UINT");
    boolean signed = name().startsWith("INT");
    this.smallest = signed ? -1L << bits - 1 : 0;
    this.largest =
        signed || unsigned ? Long.MAX_VALUE >>> 63 - Math.min(63, bits - (signed ? 1 : 0)) : 0;
  }

  /** The number that stands for this type in a file. */
  public int code() {
    return code;
  }

  /**
   * The type with a numeric code.
   *
   * @throws NarrowException if the schema of this version has no such type
   */
  public static TensorType of(int code) {
    if (code < 0 || code >= BY_CODE.length) {
      throw NarrowException.unsupported("unknown tensor type code " + code);
    }
    return BY_CODE[code];
  }

  /** Bits of one element, 0 if elements have no fixed size. */
  public int bits() {
    return bits;
  }

  /** The smallest number of an integer type; 0 of others. */
  public long smallest() {
    return smallest;
  }

  /**
   * The largest number of an integer type, {@link Long#MAX_VALUE} of {@link #UINT64}; 0 of others.
   */
  public long largest() {
    return largest;
  }

  /**
   * Bytes that a number of elements takes, the last byte filled up.
   *
   * @throws ArithmeticException if that is more than a long holds
   */
  public long bytes(long elements) {
    return bits % 8 == 0
        ? Math.multiplyExact(elements, bits / 8)
        : Math.addExact(Math.multiplyExact(elements, bits), 7) / 8;
  }

  /** The name as users write it: {@code float32}, {@code int8}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static TensorType[] byCode() {
    TensorType[] types = new TensorType[values().length];
    for (TensorType type : values()) {
      types[type.code] = type;
    }
    return types;
  }
}
