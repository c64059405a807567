package io.narrow.kernels;

/** Integers to floats: {@code (q - zeroPoint) * scale}, the difference exact, one rounding. */
final class JavaDequantizer {
  private final Quantization q;

  JavaDequantizer(Quantization q) {
    this.q = q;
  }

  private void forEachRun(int m, int first, Channels.Run run) {
    Channels.forEachRun(m, first, q.channels(), q.inner(), run);
  }

  void fromBytes(byte[] y, int yAt, float[] x, int xAt, int m, int first) {
    forEachRun(
        m,
        first,
        (c, from, to) -> {
          float scale = q.scale(c);
          int zero = q.zeroPoint(c);
          for (int i = from; i < to; i++) {
            x[xAt + i] = (y[yAt + i] - zero) * scale;
          }
        });
  }

  void fromUnsignedBytes(byte[] y, int yAt, float[] x, int xAt, int m, int first) {
    forEachRun(
        m,
        first,
        (c, from, to) -> {
          float scale = q.scale(c);
          int zero = q.zeroPoint(c);
          for (int i = from; i < to; i++) {
            x[xAt + i] = ((y[yAt + i] & 0xff) - zero) * scale;
          }
        });
  }

  void fromShorts(short[] y, int yAt, float[] x, int xAt, int m, int first) {
    forEachRun(
        m,
        first,
        (c, from, to) -> {
          float scale = q.scale(c);
          int zero = q.zeroPoint(c);
          for (int i = from; i < to; i++) {
            x[xAt + i] = (y[yAt + i] - zero) * scale;
          }
        });
  }

  /** Two values per byte; first is even. */
  void fromNibbles(byte[] y, int yAt, float[] x, int xAt, int m, int first) {
    forEachRun(
        m,
        first,
        (c, from, to) -> {
          float scale = q.scale(c);
          int zero = q.zeroPoint(c);
          for (int i = from; i < to; i++) {
            int twoValues = y[yAt + (i >> 1)];
            int value = i % 2 == 0 ? twoValues << 28 >> 28 : twoValues >> 4;
            x[xAt + i] = (value - zero) * scale;
          }
        });
  }
}
