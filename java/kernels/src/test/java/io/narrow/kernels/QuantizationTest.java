package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizationTest {
  @ParameterizedTest
  @ValueSource(
      floats = {
        0,
        -0.0f,
        -1,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.MIN_VALUE, // its reciprocal is infinite
        0x1p-129f
      })
  void scaleThatCannotBeUsed(float scale) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                Quantization.perChannel(QuantizedType.INT8, new float[] {1, scale}, new int[2], 1))
        .withMessageStartingWith("scale of channel 1 is " + scale + ":");
  }

  @ParameterizedTest
  @ValueSource(floats = {0x1p-127f, Float.MIN_NORMAL, Float.MAX_VALUE})
  void scaleAtTheEndsOfWhatCanBeUsed(float scale) {
    Quantization q = Quantization.perTensor(QuantizedType.INT8, scale, 0);
    assertThat(q.scale(0)).isEqualTo(scale);
  }

  @ParameterizedTest
  @ValueSource(ints = {-129, 128})
  void zeroPointOutsideTheType(int zeroPoint) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Quantization.perTensor(QuantizedType.INT8, 1, zeroPoint))
        .withMessage("zero point of channel 0 is " + zeroPoint + ", outside -128 to 127");
  }

  @Test
  void zeroPointOutsideTheNarrowRange() {
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 1, -128);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> q.withRange(-127, 127))
        .withMessage("zero point of channel 0 is -128, outside -127 to 127");
  }

  @Test
  void rangeOutsideTheType() {
    Quantization q = Quantization.perTensor(QuantizedType.UINT8, 1, 0);
    assertThatIllegalArgumentException().isThrownBy(() -> q.withRange(-1, 255));
    assertThatIllegalArgumentException().isThrownBy(() -> q.withRange(0, 256));
    assertThatIllegalArgumentException().isThrownBy(() -> q.withRange(3, 2));
  }

  @Test
  void scalesAndZeroPointsOfDifferentNumber() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Quantization.perChannel(QuantizedType.INT8, new float[] {1, 1}, new int[1], 1))
        .withMessage("2 scales and 1 zero points: one of each per channel is needed");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Quantization.perChannel(QuantizedType.INT8, new float[0], new int[0], 1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Quantization.perChannel(QuantizedType.INT8, new float[] {1}, new int[1], 0));
  }

  @Test
  void arraysAreCopied() {
    float[] scales = {1, 2};
    int[] zeroPoints = {0, 1};
    Quantization q = Quantization.perChannel(QuantizedType.INT8, scales, zeroPoints, 4);
    scales[0] = 0;
    zeroPoints[0] = 1000;
    q.scales()[1] = 0;
    q.zeroPoints()[1] = 1000;
    assertThat(q)
        .isEqualTo(
            Quantization.perChannel(QuantizedType.INT8, new float[] {1, 2}, new int[] {0, 1}, 4));
  }

  @Test
  void bytesOfFourBitValuesRoundUp() {
    assertThat(QuantizedType.INT4.bytes(0)).isZero();
    assertThat(QuantizedType.INT4.bytes(3)).isEqualTo(2);
    assertThat(QuantizedType.INT4.bytes(1L << 40)).isEqualTo(1L << 39);
    assertThat(QuantizedType.INT16.bytes(3)).isEqualTo(6);
  }
}
