package io.narrow.tflite.schema;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HalfFloatTest {
  @Test
  void everyValueIsSignTimesFractionTimesPowerOfTwo() {
    for (int bits = 0; bits <= 0xFFFF; bits++) {
      int exponent = bits >> 10 & 31;
      int fraction = bits & 1023;
      double magnitude =
          exponent == 31
              ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
              : exponent == 0
                  ? fraction * Math.pow(2, -24)
                  : (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
      float expected = (float) (bits >> 15 == 1 ? -magnitude : magnitude);
      assertThat(Float.compare(HalfFloat.toFloat((short) bits), expected))
          .as("%04x", bits)
          .isZero();
    }
  }
}
