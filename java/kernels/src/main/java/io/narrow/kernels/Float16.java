package io.narrow.kernels;

/** Bits of float32 to bits of IEEE 754 binary16 and back (JDK 17 has no conversion). */
final class Float16 {
  private static final int INFINITY_32 = 0x7f800000;
  private static final int INFINITY_16 = 0x7c00;

  private Float16() {}

  /** Rounds half to even; a NaN keeps its sign and upper ten payload bits and becomes quiet. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    int half;
    if (magnitude < 0x38800000) { // below 2^-14: subnormal
      // The sum is rounded to a multiple of 2^-24, the unit of the subnormals.
      half = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - 0x3f000000;
    } else if (magnitude < 0x47800000) { // below 2^16; a carry out of the mantissa is right
      half = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    } else if (magnitude <= INFINITY_32) {
      half = INFINITY_16;
    } else {
      half = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    }
    return (short) (sign | half);
  }

  /** Exact; a NaN keeps its sign and payload and becomes quiet. */
  static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int magnitude = half & 0x7fff;
    int bits;
    if (magnitude < 0x400) { // zero or subnormal: a multiple of 2^-24
      bits = Float.floatToRawIntBits(magnitude * 0x1p-24f);
    } else if (magnitude < INFINITY_16) {
      bits = (magnitude << 13) + 0x38000000;
    } else {
      bits = INFINITY_32 | ((magnitude & 0x3ff) << 13);
      if (magnitude > INFINITY_16) {
        bits |= 0x400000;
      }
    }
    return Float.intBitsToFloat(sign | bits);
  }
}
