package io.narrow.tflite.schema;

/** IEEE 754 binary16; the JDK converts it only from version 20 on. */
public final class HalfFloat {
  private HalfFloat() {}

  /** The float of the same value; a NaN stays a NaN. */
  public static float toFloat(short bits) {
    int magnitude = bits & 0x7FFF;
    float value =
        magnitude >= 0x7C00
            ? Float.intBitsToFloat(magnitude << 13 | 0x7F800000)
            : Float.intBitsToFloat(magnitude << 13) * 0x1p112f; // rebases the exponent, exactly
    return bits < 0 ? -value : value;
  }
}
