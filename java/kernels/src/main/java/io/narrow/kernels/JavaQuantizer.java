package io.narrow.kernels;

/**
 * Floats to integers.
 *
 * <p>Clamping comes before rounding: the ends are whole numbers, so the result is the same. A
 * clamped value is below 2^17 in magnitude, and the sum of it and 1.5 * 2^23 has no room for a
 * fraction: adding that and taking it away again rounds half to even. JIT compilers from JDK 21 on
 * turn these loops into vector instructions, which they do not do with {@code Math.rint} or with
 * bit patterns.
 */
final class JavaQuantizer {
  private static final float ROUNDER = 0x1.8p23f;

  private final Quantization q;
  private final float[] inverses;
  private final int[] zeros;

  JavaQuantizer(Quantization q) {
    this.q = q;
    this.inverses = q.inverseScalesShared();
    this.zeros = q.zeroPointsShared();
  }

  /** The conversion to int makes 0 of NaN, and nothing before it makes a number of NaN. */
  private static int code(float x, float inverse, int zero, float low, float high) {
    float clamped = Math.max(low, Math.min(high, x * inverse));
    return (int) ((clamped + ROUNDER) - ROUNDER) + zero;
  }

  void toBytes(float[] x, int xAt, byte[] y, int yAt, int m, int first) {
    if (q.inner() == 1 && zeros.length > 1) {
      for (int i = 0, c = first % zeros.length; i < m; i++) {
        int zero = zeros[c];
        y[yAt + i] = (byte) code(x[xAt + i], inverses[c], zero, q.min() - zero, q.max() - zero);
        c = c + 1 < zeros.length ? c + 1 : 0;
      }
    } else {
      Channels.forEachRun(
          m,
          first,
          zeros.length,
          q.inner(),
          (c, from, to) -> toBytes(x, xAt + from, y, yAt + from, to - from, inverses[c], zeros[c]));
    }
  }

  private void toBytes(float[] x, int xAt, byte[] y, int yAt, int m, float inverse, int zero) {
    float low = q.min() - zero;
    float high = q.max() - zero;
    for (int i = 0; i < m; i++) {
      y[yAt + i] = (byte) code(x[xAt + i], inverse, zero, low, high);
    }
  }

  void toShorts(float[] x, int xAt, short[] y, int yAt, int m, int first) {
    Channels.forEachRun(
        m,
        first,
        zeros.length,
        q.inner(),
        (c, from, to) -> toShorts(x, xAt + from, y, yAt + from, to - from, inverses[c], zeros[c]));
  }

  private void toShorts(float[] x, int xAt, short[] y, int yAt, int m, float inverse, int zero) {
    float low = q.min() - zero;
    float high = q.max() - zero;
    for (int i = 0; i < m; i++) {
      y[yAt + i] = (short) code(x[xAt + i], inverse, zero, low, high);
    }
  }

  /** Packs two values per byte; first is even. */
  void toNibbles(float[] x, int xAt, byte[] y, int yAt, int m, int first) {
    byte[] codes = new byte[Math.min(m, 1024)];
    for (int done = 0; done < m; done += codes.length) {
      int part = Math.min(codes.length, m - done);
      toBytes(x, xAt + done, codes, 0, part, first + done);
      int at = yAt + done / 2;
      for (int i = 0; i + 1 < part; i += 2) {
        y[at + i / 2] = (byte) (codes[i] & 15 | codes[i + 1] << 4);
      }
      if (part % 2 != 0) {
        y[at + part / 2] = (byte) (codes[part - 1] & 15);
      }
    }
  }
}
