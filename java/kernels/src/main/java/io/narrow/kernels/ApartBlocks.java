package io.narrow.kernels;

/**
 * Blocks of 32 values whose scales lie elsewhere, in Jlama's arithmetic: that of {@code
 * Q8ByteBufferTensor} and {@code Q4ByteBufferTensor}, also where scales are too small for a
 * reciprocal.
 */
enum ApartBlocks {
  Q8(32) {
    @Override
    float pack(float[] x, int at, byte[] y, int to) {
      float inverse = 127f / Math.abs(extreme(x, at));
      for (int j = 0; j < VALUES; j++) {
        y[to + j] = (byte) Math.round(x[at + j] * inverse);
      }
      return 1f / inverse;
    }

    @Override
    void unpack(byte[] y, int from, float scale, float[] x, int at) {
      for (int j = 0; j < VALUES; j++) {
        x[at + j] = y[from + j] * scale;
      }
    }
  },
  Q4(16) {
    @Override
    float pack(float[] x, int at, byte[] y, int to) {
      float scale = extreme(x, at) / -8f;
      float inverse = scale == 0 ? 0 : 1f / scale;
      for (int j = 0; j < VALUES / 2; j++) {
        y[to + j] =
            (byte) (code(x[at + j] * inverse) | code(x[at + j + VALUES / 2] * inverse) << 4);
      }
      return scale;
    }

    private static int code(float place) {
      return Math.min(15, (byte) (place + 8.5f));
    }

    @Override
    void unpack(byte[] y, int from, float scale, float[] x, int at) {
      for (int j = 0; j < VALUES / 2; j++) {
        x[at + j] = ((y[from + j] & 15) - 8) * scale;
        x[at + j + VALUES / 2] = ((y[from + j] >> 4 & 15) - 8) * scale;
      }
    }
  };

  static final int VALUES = 32;

  final int bytes; // of a block

  ApartBlocks(int bytes) {
    this.bytes = bytes;
  }

  static ApartBlocks of(VectorFormat format) {
    return switch (format) {
      case Q8_0 -> Q8;
      case Q4_0 -> Q4;
      default ->
          throw new IllegalArgumentException(
              "scales apart are those of Q8_0 and Q4_0, not of " + format);
    };
  }

  /** Writes the codes of a block; returns its scale. */
  abstract float pack(float[] x, int at, byte[] y, int to);

  /** Writes what the codes of a block stand for. */
  abstract void unpack(byte[] y, int from, float scale, float[] x, int at);

  /** The first value of a block as large as the largest; not 0. */
  private static float extreme(float[] x, int at) {
    float extreme = Float.MIN_VALUE;
    for (int j = 0; j < VALUES; j++) {
      extreme = Math.abs(x[at + j]) > Math.abs(extreme) ? x[at + j] : extreme;
    }
    return extreme;
  }
}
