package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** A bit per value, whether it is above 0; back, 1 or -1. */
final class BinaryCodec extends VectorCodec {
  private static final int HIGHEST = 0x80;

  private final int flipped;
  private final int width;

  BinaryCodec(VectorQuantizer quantizer) {
    super(quantizer);
    flipped = quantizer.format() == VectorFormat.BINARY ? HIGHEST : 0; // of a byte, is less 128
    width = (int) quantizer.format().bytes(quantizer.dimensions());
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    FloatRange range = quantizer.range(x, row);
    int dimensions = quantizer.dimensions();
    FloatBuffer floats = x.floats();
    float[] values = new float[width * Byte.SIZE]; // zeros fill up the last byte
    byte[] codes = new byte[width];
    for (int r = 0; r < rows; r++) {
      floats.get(r * dimensions, values, 0, dimensions);
      for (int i = 0; i < width; i++) {
        int bits = 0;
        for (int d = i * Byte.SIZE; d < (i + 1) * Byte.SIZE; d++) {
          bits = bits << 1 | positive(values[d]);
        }
        codes[i] = (byte) (bits ^ flipped);
      }
      y.write((long) r * width, ByteBuffer.wrap(codes));
    }
    return new VectorCounts(rows, range.nans(), range.infinities(), 0);
  }

  /** 1 or 0, without a branch that nobody can predict. */
  private static int positive(float value) {
    int bits = Float.floatToRawIntBits(value);
    int number = Float.isNaN(value) ? 0 : 1;
    return ((bits | bits - 1) >>> 31 ^ 1) & number;
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int dimensions = quantizer.dimensions();
    ByteBuffer codes = y.bytes(0, (long) rows * width);
    FloatBuffer floats = x.floats();
    for (int i = 0; i < rows * dimensions; i++) {
      int d = i % dimensions;
      int bits = codes.get(i / dimensions * width + d / Byte.SIZE) ^ flipped;
      floats.put(i, (bits & HIGHEST >> d % Byte.SIZE) != 0 ? 1 : -1);
    }
  }
}
