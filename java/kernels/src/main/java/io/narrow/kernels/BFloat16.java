package io.narrow.kernels;

/** Bits of float32 to bits of bfloat16, its upper half, and back. */
final class BFloat16 {
  private BFloat16() {}

  /** Rounds half to even; beyond the largest it is infinity; a NaN stays one and becomes quiet. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Exact. */
  static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
