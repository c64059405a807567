package io.narrow.kernels;

import io.narrow.kernels.internal.NativeFunctions;
import org.bytedeco.javacpp.Pointer;

/** Codes that share bytes: a row of data per layout, with its arithmetic in Java and natively. */
enum Packing {
  Q8_0(34, 32) {
    @Override
    void pack(float[] x, int at, int n, byte[] y, int to) {
      for (int i = 0; i < n; i += 32, to += 34) {
        float scale = Math.abs(first(x, at + i)) / 127;
        float inverse = startBlock(scale, y, to);
        for (int j = 0; j < 32; j++) {
          float p = x[at + i + j] * inverse; // NaN where the scale is not finite, which becomes 0
          y[to + 2 + j] = (byte) (p + Math.copySign(BELOW_HALF, p));
        }
      }
    }

    @Override
    void unpack(byte[] y, int from, int n, float[] x, int at) {
      for (int i = 0; i < n; i += 32, from += 34) {
        float scale = scale(y, from);
        for (int j = 0; j < 32; j++) {
          x[at + i + j] = value(y[from + 2 + j], scale);
        }
      }
    }

    @Override
    void pack(float[] x, long at, long rows, long n, byte[] y, long to) {
      NativeFunctions.narrow_f32_to_q8_0(x, at, rows * n, y, to);
    }

    @Override
    void pack(Pointer x, long rows, long n, Pointer y) {
      NativeFunctions.narrow_f32_to_q8_0(x, 0, rows * n, y, 0);
    }

    @Override
    void unpack(byte[] y, long from, long n, float[] x, long at) {
      NativeFunctions.narrow_q8_0_to_f32(y, from, n, x, at);
    }

    @Override
    void unpack(Pointer y, long n, Pointer x) {
      NativeFunctions.narrow_q8_0_to_f32(y, 0, n, x, 0);
    }
  },
  Q4_0(18, 32) {
    @Override
    void pack(float[] x, int at, int n, byte[] y, int to) {
      for (int i = 0; i < n; i += 32, to += 18) {
        float inverse = startBlock((first(x, at + i) + 0f) / -8, y, to);
        for (int j = 0; j < 16; j++) {
          int low = nibble(x[at + i + j], inverse);
          y[to + 2 + j] = (byte) (low | nibble(x[at + i + 16 + j], inverse) << 4);
        }
      }
    }

    @Override
    void unpack(byte[] y, int from, int n, float[] x, int at) {
      for (int i = 0; i < n; i += 32, from += 18) {
        float scale = scale(y, from);
        for (int j = 0; j < 16; j++) {
          x[at + i + j] = value((y[from + 2 + j] & 15) - 8, scale);
          x[at + i + 16 + j] = value((y[from + 2 + j] >> 4 & 15) - 8, scale);
        }
      }
    }

    @Override
    void pack(float[] x, long at, long rows, long n, byte[] y, long to) {
      NativeFunctions.narrow_f32_to_q4_0(x, at, rows * n, y, to);
    }

    @Override
    void pack(Pointer x, long rows, long n, Pointer y) {
      NativeFunctions.narrow_f32_to_q4_0(x, 0, rows * n, y, 0);
    }

    @Override
    void unpack(byte[] y, long from, long n, float[] x, long at) {
      NativeFunctions.narrow_q4_0_to_f32(y, from, n, x, at);
    }

    @Override
    void unpack(Pointer y, long n, Pointer x) {
      NativeFunctions.narrow_q4_0_to_f32(y, 0, n, x, 0);
    }
  },
  BITS_LOW_FIRST(1, 8) {
    @Override
    void pack(float[] x, int at, int n, byte[] y, int to) {
      signs(x, at, n, y, to, 0);
    }

    @Override
    void unpack(byte[] y, int from, int n, float[] x, int at) {
      units(y, from, n, x, at, 0);
    }

    @Override
    void pack(float[] x, long at, long rows, long n, byte[] y, long to) {
      NativeFunctions.narrow_f32_to_b1(x, at, rows, n, 0, y, to);
    }

    @Override
    void pack(Pointer x, long rows, long n, Pointer y) {
      NativeFunctions.narrow_f32_to_b1(x, 0, rows, n, 0, y, 0);
    }
  },
  BITS_HIGH_FIRST(1, 8) {
    @Override
    void pack(float[] x, int at, int n, byte[] y, int to) {
      signs(x, at, n, y, to, 7);
    }

    @Override
    void unpack(byte[] y, int from, int n, float[] x, int at) {
      units(y, from, n, x, at, 7);
    }

    @Override
    void pack(float[] x, long at, long rows, long n, byte[] y, long to) {
      NativeFunctions.narrow_f32_to_b1(x, at, rows, n, 1, y, to);
    }

    @Override
    void pack(Pointer x, long rows, long n, Pointer y) {
      NativeFunctions.narrow_f32_to_b1(x, 0, rows, n, 1, y, 0);
    }
  };

  /** Added to the float below a half, a half would be rounded to 1. */
  private static final float BELOW_HALF = 0x1.fffffep-2f;

  private static final short NAN = 0x7e00;

  private final int bytes;
  private final int values;

  Packing(int bytes, int values) {
    this.bytes = bytes;
    this.values = values;
  }

  /** Bytes of a row. */
  long width(long dimensions) {
    return (dimensions + values - 1) / values * bytes;
  }

  /** Packs a row of n values in Java. */
  abstract void pack(float[] x, int at, int n, byte[] y, int to);

  /** Unpacks a row in Java. */
  abstract void unpack(byte[] y, int from, int n, float[] x, int at);

  /** Packs rows natively. */
  abstract void pack(float[] x, long at, long rows, long n, byte[] y, long to);

  /** Packs rows natively. */
  abstract void pack(Pointer x, long rows, long n, Pointer y);

  /** Unpacks n values; only blocks have native code for it. */
  void unpack(byte[] y, long from, long n, float[] x, long at) {
    unpack(y, (int) from, (int) n, x, (int) at);
  }

  /** Unpacks n values natively; only blocks can. */
  void unpack(Pointer y, long n, Pointer x) {
    throw new UnsupportedOperationException(name());
  }

  boolean unpacksNatively() {
    return values == 32;
  }

  /** The first value of a block that is as large as the largest, or a NaN. */
  private static float first(float[] x, int at) {
    float first = x[at];
    for (int i = at; i < at + 32; i++) {
      if (!(Math.abs(x[i]) <= Math.abs(first))) {
        first = x[i];
        if (Float.isNaN(first)) {
          break;
        }
      }
    }
    return first;
  }

  /** Writes the scale; returns what values are multiplied by. */
  private static float startBlock(float scale, byte[] y, int to) {
    short half = Float.isNaN(scale) ? NAN : Float16.fromFloat(scale);
    y[to] = (byte) half;
    y[to + 1] = (byte) (half >> 8);
    float inverse = 1 / scale;
    return Float.isFinite(inverse) ? inverse : 0;
  }

  /** A value whose product is NaN, because the scale is not finite, is 0. */
  private static int nibble(float x, float inverse) {
    float p = x * inverse;
    return Float.isNaN(p) ? 8 : Math.min(15, (int) (p + 8.5f));
  }

  private static float scale(byte[] y, int from) {
    return Float16.toFloat((short) (y[from] & 0xff | y[from + 1] << 8));
  }

  private static float value(int q, float scale) {
    float value = q * scale;
    return Float.isNaN(value) ? Float.NaN : value; // the same bits of all
  }

  private static void signs(float[] x, int at, int n, byte[] y, int to, int flip) {
    for (int i = 0; i < n; i += Byte.SIZE) {
      int bits = 0;
      for (int j = i; j < Math.min(n, i + Byte.SIZE); j++) {
        bits |= positive(x[at + j]) << (j - i ^ flip);
      }
      y[to + i / Byte.SIZE] = (byte) bits;
    }
  }

  /** 1 or 0, without a branch that nobody can predict. */
  private static int positive(float value) {
    int bits = Float.floatToRawIntBits(value);
    int number = Float.isNaN(value) ? 0 : 1;
    return ((bits | bits - 1) >>> 31 ^ 1) & number;
  }

  private static void units(byte[] y, int from, int n, float[] x, int at, int flip) {
    for (int i = 0; i < n; i++) {
      x[at + i] = (y[from + i / Byte.SIZE] >> (i % Byte.SIZE ^ flip) & 1) != 0 ? 1 : -1;
    }
  }
}
