package io.narrow.kernels;

import java.nio.ByteBuffer;

/**
 * Some rows of floats and of packed codes as arrays: those of the spans where they are of the right
 * types, or copies.
 *
 * @param width bytes of a row of codes
 */
record Packed(float[] floats, int floatsAt, byte[] bytes, int bytesAt, int width) {
  static Packed toPack(Packing packing, Span x, int rows, int dimensions, Span y) {
    int width = (int) packing.width(dimensions);
    boolean own = y.array() instanceof byte[];
    byte[] bytes = own ? (byte[]) y.array() : new byte[rows * width];
    if (x.isArrayOf(Element.FLOAT32)) {
      return new Packed((float[]) x.array(), x.offset(), bytes, own ? y.offset() : 0, width);
    }
    float[] floats = new float[rows * dimensions];
    x.floats().get(floats);
    return new Packed(floats, 0, bytes, own ? y.offset() : 0, width);
  }

  static Packed toUnpack(Packing packing, Span y, int rows, int dimensions, Span x) {
    int width = (int) packing.width(dimensions);
    boolean own = x.isArrayOf(Element.FLOAT32);
    float[] floats = own ? (float[]) x.array() : new float[rows * dimensions];
    if (y.array() instanceof byte[] bytes) {
      return new Packed(floats, own ? x.offset() : 0, bytes, y.offset(), width);
    }
    byte[] bytes = new byte[rows * width];
    y.bytes(0, bytes.length).get(bytes);
    return new Packed(floats, own ? x.offset() : 0, bytes, 0, width);
  }

  /** Copies the codes to where they belong, unless they are there. */
  void bytesTo(Span y) {
    if (y.array() != bytes) {
      y.write(0, ByteBuffer.wrap(bytes));
    }
  }

  /** Copies the floats to where they belong, unless they are there. */
  void floatsTo(Span x) {
    if (x.array() != floats) {
      x.floats().put(floats);
    }
  }
}
