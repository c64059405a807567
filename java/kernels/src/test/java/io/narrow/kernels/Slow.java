package io.narrow.kernels;

import java.nio.ByteBuffer;

/** What the kernels should do, from their contract, written the slow obvious way. */
final class Slow {
  private Slow() {}

  static FloatRange range(ByteBuffer x, int n) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    long nans = 0;
    long infinities = 0;
    for (int i = 0; i < n; i++) {
      double v = x.getFloat(4 * i);
      if (Double.isNaN(v)) {
        nans++;
      } else if (Double.isInfinite(v)) {
        infinities++;
      } else {
        min = v < min ? v : min;
        max = v > max ? v : max;
      }
    }
    float plusZero = 0.0f;
    return new FloatRange(
        min == 0 ? plusZero : (float) min, max == 0 ? plusZero : (float) max, nans, infinities);
  }

  static long[] ranges(ByteBuffer x, int n, int channels, long inner, float[] min, float[] max) {
    long[] counts = new long[2];
    for (int i = 0; i < n; i++) {
      int c = (int) (i / inner % channels);
      FloatRange one = range(x.slice(4 * i, 4).order(x.order()), 1);
      min[c] = Math.min(min[c], one.min());
      max[c] = Math.max(max[c], one.max());
      counts[0] += one.nans();
      counts[1] += one.infinities();
    }
    return counts;
  }

  static FittedQuantization quantizeFitted(
      ByteBuffer x,
      int n,
      QuantizedType type,
      boolean symmetric,
      int channels,
      long inner,
      ByteBuffer y) {
    double[] low = new double[channels];
    double[] high = new double[channels];
    FloatRange all = FloatRange.EMPTY;
    for (int i = 0; i < n; i++) {
      int c = (int) (i / inner % channels);
      FloatRange one = range(x.slice(4 * i, 4).order(x.order()), 1);
      low[c] = Math.min(low[c], one.min());
      high[c] = Math.max(high[c], one.max());
      all = all.merge(one);
    }
    float[] scales = new float[channels];
    int[] zeroPoints = new int[channels];
    int least = symmetric ? type.min() + 1 : type.min();
    int limit = (type.max() - least) / 2; // of a symmetric one
    for (int c = 0; c < channels; c++) {
      double steps = symmetric ? limit : type.max() - least;
      double width = symmetric ? Math.max(-low[c], high[c]) : high[c] - low[c];
      scales[c] = (float) (width / steps);
      if (scales[c] < Float.MIN_NORMAL) {
        scales[c] = Float.MIN_NORMAL;
      }
      long zero = Math.round(Math.rint(least - low[c] / scales[c]));
      zeroPoints[c] = symmetric ? type.max() - limit : (int) Math.min(zero, type.max());
    }
    Quantization q =
        Quantization.perChannel(type, scales, zeroPoints, inner).withRange(least, type.max());
    quantize(x, n, q, y);
    return new FittedQuantization(q, all.nans(), all.infinities());
  }

  static float[] absMax(ByteBuffer x, int n, int channels, long inner) {
    float[] largest = new float[channels];
    for (int i = 0; i < n; i++) {
      int c = (int) (i / inner % channels);
      float magnitude = Math.abs(x.getFloat(4 * i));
      if (Float.isNaN(magnitude)) {
        largest[c] = Float.NaN;
      } else if (magnitude > largest[c]) {
        largest[c] = magnitude;
      }
    }
    return largest;
  }

  /** With limit 127 and 9 candidates that are 0.01 apart. */
  static float[] leastErrorScales(ByteBuffer x, int n, float[] start, long inner) {
    float[] found = start.clone();
    if (n / start.length > 65536) {
      return found;
    }
    for (int c = 0; c < start.length; c++) {
      float least = 0;
      for (int k = 0; k < 9; k++) {
        float scale = start[c] * (1 - k * 0.01f);
        float inverse = 1 / scale;
        float[] partial = new float[16];
        int seen = 0;
        for (int i = 0; i < n; i++) {
          if (i / inner % start.length == c) {
            float v = x.getFloat(4 * i);
            float q = (float) Math.rint(Math.min(127, Math.max(-127, v * inverse)));
            float e = v - q * scale;
            partial[seen++ % 16] += e * e;
          }
        }
        float[] four = new float[4];
        for (int i = 0; i < 4; i++) {
          four[i] = (partial[i] + partial[i + 8]) + (partial[i + 4] + partial[i + 12]);
        }
        float error = (four[0] + four[2]) + (four[1] + four[3]);
        if (k == 0 || error < least) {
          least = error;
          found[c] = scale;
        }
      }
    }
    return found;
  }

  /** Of the two around a number the nearer, or the one whose bits are even. */
  static short toBFloat16(float x) {
    int below = Float.floatToRawIntBits(x) >>> 16;
    if (Float.isNaN(x)) {
      return (short) (below | 0x40);
    }
    double down = Math.abs((double) x) - bfloat16(below);
    double up = bfloat16(below + 1) - Math.abs((double) x);
    boolean next = Float.isFinite(x) && (up < down || up == down && below % 2 == 1);
    return (short) (next ? below + 1 : below);
  }

  /** Without its sign; what follows the largest stands for 2^128. */
  private static double bfloat16(int bits) {
    float value = Math.abs(Float.intBitsToFloat(bits << 16));
    return Float.isInfinite(value) ? 0x1p128 : value;
  }

  static ErrorSums error(ByteBuffer x, ByteBuffer y, int n) {
    double[] total = new double[2];
    for (int start = 0; start < n; start += 65536) {
      double[] signal = new double[16];
      double[] noise = new double[16];
      for (int i = start; i < Math.min(n, start + 65536); i++) {
        double v = x.getFloat(4 * i);
        double d = v - y.getFloat(4 * i);
        signal[(i - start) % 16] += v * v;
        noise[(i - start) % 16] += d * d;
      }
      total[0] += tree(signal, 0, 1);
      total[1] += tree(noise, 0, 1);
    }
    return new ErrorSums(oneNaN(total[0]), oneNaN(total[1]));
  }

  static Difference difference(ByteBuffer x, float[] y, int n, double lowest, double highest) {
    double[] total = new double[4];
    double largest = 0;
    long clipped = 0;
    for (int start = 0; start < n; start += 65536) {
      double[][] lanes = new double[4][16];
      for (int i = start; i < Math.min(n, start + 65536); i++) {
        double v = x.getFloat(4 * i);
        double w = y[i];
        double[] terms = {v * v, w * w, (v - w) * (v - w), v - w};
        for (int k = 0; k < terms.length; k++) {
          lanes[k][(i - start) % 16] += terms[k];
        }
        if (!Double.isNaN(v - w)) {
          largest = Math.max(largest, Math.abs(v - w));
        }
        if (v < lowest || v > highest) {
          clipped++;
        }
      }
      for (int k = 0; k < lanes.length; k++) {
        total[k] += oneNaN(tree(lanes[k], 0, 1));
      }
    }
    for (int k = 0; k < total.length; k++) {
      total[k] = oneNaN(total[k]);
    }
    return new Difference(total[0], total[1], total[2], total[3], largest, clipped);
  }

  private static double oneNaN(double sum) {
    return Double.isNaN(sum) ? Double.NaN : sum;
  }

  /** Pairs 8 apart are added first, then 4, 2 and 1 apart: from the top, 1 apart comes last. */
  private static double tree(double[] lanes, int from, int step) {
    return step == 16
        ? lanes[from]
        : tree(lanes, from, 2 * step) + tree(lanes, from + step, 2 * step);
  }

  static void quantize(ByteBuffer x, int n, Quantization q, ByteBuffer y) {
    for (int i = 0; i < n; i++) {
      int c = (int) (i / q.inner() % q.channels());
      float inverse = 1 / q.scale(c);
      float product = x.getFloat(4 * i) * inverse;
      double code = Float.isNaN(product) ? q.zeroPoint(c) : Math.rint(product) + q.zeroPoint(c);
      put(y, i, q.type(), (int) Math.max(q.min(), Math.min(q.max(), code)));
    }
  }

  static void dequantize(ByteBuffer y, int n, Quantization q, ByteBuffer x) {
    for (int i = 0; i < n; i++) {
      int c = (int) (i / q.inner() % q.channels());
      x.putFloat(4 * i, (float) ((double) (get(y, i, q.type()) - q.zeroPoint(c)) * q.scale(c)));
    }
  }

  private static void put(ByteBuffer y, int i, QuantizedType type, int code) {
    switch (type) {
      case INT16 -> y.putShort(2 * i, (short) code);
      case INT8, UINT8 -> y.put(i, (byte) code);
      case INT4 -> {
        int other = i % 2 == 0 ? 0 : y.get(i / 2) & 0x0f;
        y.put(i / 2, (byte) (i % 2 == 0 ? code & 0x0f : other | (code & 0x0f) << 4));
      }
    }
  }

  private static int get(ByteBuffer y, int i, QuantizedType type) {
    return switch (type) {
      case INT16 -> y.getShort(2 * i);
      case INT8 -> y.get(i);
      case UINT8 -> Byte.toUnsignedInt(y.get(i));
      case INT4 -> {
        int nibble = Byte.toUnsignedInt(y.get(i / 2)) / (i % 2 == 0 ? 1 : 16) % 16;
        yield nibble >= 8 ? nibble - 16 : nibble;
      }
    };
  }

  // ---- float16: by value, from the definition of the format ----

  /** The value of a half that is not NaN. */
  static double halfValue(int half) {
    int exponent = half >> 10 & 31;
    int fraction = half & 1023;
    double magnitude =
        switch (exponent) {
          case 0 -> fraction * Math.pow(2, -24);
          case 31 -> Double.POSITIVE_INFINITY;
          default -> (1024 + fraction) * Math.pow(2, exponent - 25);
        };
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
  }

  private static boolean isHalfNaN(int half) {
    return (half & 0x7fff) > 0x7c00;
  }

  static short toFloat16(float x) {
    int bits = Float.floatToRawIntBits(x);
    int sign = bits < 0 ? 0x8000 : 0;
    if (Float.isNaN(x)) {
      return (short) (sign | 0x7e00 | bits >> 13 & 1023);
    }
    double magnitude = Math.abs((double) x);
    int below = 0; // the largest half that is not above the value
    int above = 0x7c00;
    while (above - below > 1) {
      int middle = (below + above) / 2;
      if (halfValue(middle) <= magnitude) {
        below = middle;
      } else {
        above = middle;
      }
    }
    // What comes after 65504 counts as 65536 when it is rounded to, and is called infinity.
    double next = below == 0x7bff ? 65536 : halfValue(below + 1);
    double down = magnitude - halfValue(below);
    double up = next - magnitude;
    boolean roundsUp = up < down || up == down && below % 2 != 0;
    return (short) (sign | (Double.isInfinite(magnitude) ? 0x7c00 : roundsUp ? below + 1 : below));
  }

  static int toFloat32Bits(short half) {
    int sign = half < 0 ? 0x80000000 : 0;
    return isHalfNaN(half & 0xffff)
        ? sign | 0x7fc00000 | (half & 1023) << 13
        : Float.floatToRawIntBits((float) halfValue(half & 0xffff));
  }
}
