package io.narrow.kernels;

import java.nio.ByteBuffer;

/** A bit per value, whether it is above 0; back, 1 or -1. */
final class BinaryCodec extends VectorCodec {
  private static final byte HIGHEST = (byte) 0x80;

  private final Packing packing;
  private final boolean isSigned; // a byte is less 128

  BinaryCodec(VectorQuantizer quantizer) {
    super(quantizer);
    packing = quantizer.format().packing();
    isSigned = quantizer.format() == VectorFormat.BINARY;
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    FloatRange range = quantizer.range(x, row);
    if (isSigned) {
      byte[] codes = new byte[(int) (rows * packing.width(quantizer.dimensions()))];
      pack(x, rows, Span.of(codes));
      flip(codes);
      y.write(0, ByteBuffer.wrap(codes));
    } else {
      pack(x, rows, y);
    }
    return new VectorCounts(rows, range.nans(), range.infinities(), 0);
  }

  private void pack(Span x, int rows, Span y) {
    int dimensions = quantizer.dimensions();
    Kernels.active().forSize(rows * dimensions).pack(packing, x, rows, dimensions, y);
  }

  private static void flip(byte[] codes) {
    for (int i = 0; i < codes.length; i++) {
      codes[i] ^= HIGHEST;
    }
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int dimensions = quantizer.dimensions();
    Span codes = y;
    if (isSigned) {
      byte[] flipped = new byte[(int) (rows * packing.width(dimensions))];
      y.bytes(0, flipped.length).get(flipped);
      flip(flipped);
      codes = Span.of(flipped);
    }
    JavaKernels.INSTANCE.unpack(packing, codes, rows, dimensions, x);
  }
}
