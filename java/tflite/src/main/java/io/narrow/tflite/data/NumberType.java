package io.narrow.tflite.data;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.HalfFloat;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** How numbers lie in .npy and idx files; one row per type. */
enum NumberType {
  BOOL("b1", -1, TensorType.BOOL, (Whole) b -> b.get() == 0 ? 0 : 1),
  INT8("i1", 0x09, TensorType.INT8, (Whole) ByteBuffer::get),
  INT16("i2", 0x0B, TensorType.INT16, (Whole) ByteBuffer::getShort),
  INT32("i4", 0x0C, TensorType.INT32, (Whole) ByteBuffer::getInt),
  INT64("i8", -1, TensorType.INT64, (Whole) ByteBuffer::getLong),
  UINT8("u1", 0x08, TensorType.UINT8, (Whole) b -> Byte.toUnsignedInt(b.get())),
  UINT16("u2", -1, TensorType.UINT16, (Whole) b -> Short.toUnsignedInt(b.getShort())),
  UINT32("u4", -1, TensorType.UINT32, (Whole) b -> Integer.toUnsignedLong(b.getInt())),
  FLOAT16("f2", -1, TensorType.FLOAT16, (Real) b -> HalfFloat.toFloat(b.getShort())),
  FLOAT32("f4", 0x0D, TensorType.FLOAT32, (Real) ByteBuffer::getFloat),
  FLOAT64("f8", 0x0E, TensorType.FLOAT64, (Real) b -> (float) b.getDouble());

  private interface Whole {
    long next(ByteBuffer bytes);
  }

  private interface Real {
    float next(ByteBuffer bytes);
  }

  private final String numpyName;
  private final int idxCode;
  private final TensorType type;
  private final Whole whole; // either this
  private final Real real; // or this, the other is null

  NumberType(String numpyName, int idxCode, TensorType type, Whole whole) {
    this(numpyName, idxCode, type, whole, null);
  }

  NumberType(String numpyName, int idxCode, TensorType type, Real real) {
    this(numpyName, idxCode, type, null, real);
  }

  NumberType(String numpyName, int idxCode, TensorType type, Whole whole, Real real) {
    this.numpyName = numpyName;
    this.idxCode = idxCode;
    this.type = type;
    this.whole = whole;
    this.real = real;
  }

  /** By numpy's letter and size, without the byte order: {@code f4}. */
  static Optional<NumberType> ofNumpy(String name) {
    return Arrays.stream(values()).filter(t -> t.numpyName.equals(name)).findFirst();
  }

  /** By the third byte of an idx file. */
  static Optional<NumberType> ofIdx(int code) {
    return Arrays.stream(values()).filter(t -> t.idxCode == code).findFirst();
  }

  /** Numpy's letter and size, without the byte order. */
  String numpyName() {
    return numpyName;
  }

  TensorType tensorType() {
    return type;
  }

  int bytes() {
    return (int) type.bytes(1);
  }

  /** The numbers of a buffer, which is in the file's byte order. */
  NdArray read(ByteBuffer bytes, int[] shape) {
    int count = bytes.remaining() / bytes();
    if (whole != null) {
      long[] values = new long[count];
      for (int i = 0; i < count; i++) {
        values[i] = whole.next(bytes);
      }
      return NdArray.wrap(values, shape);
    }
    float[] values = new float[count];
    if (this == FLOAT32) {
      bytes.asFloatBuffer().get(values);
      return NdArray.wrap(values, shape);
    }
    for (int i = 0; i < count; i++) {
      values[i] = real.next(bytes);
    }
    return NdArray.wrap(values, shape);
  }
}
