package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Results that follow from the contract by hand, on every set of kernels. */
class SpecialValuesTest {
  private static final float NAN = Float.NaN;
  private static final float INFINITY = Float.POSITIVE_INFINITY;

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static List<String> kernels() {
    return KernelSets.names();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void zeroIsPositiveInARange(String name) {
    for (int n = 1; n <= 70; n++) {
      float[] x = new float[n];
      Arrays.fill(x, -0.0f);
      assertThat(KernelSets.use(name).range(Span.of(x))).isEqualTo(new FloatRange(0, 0, 0, 0));
      x[n / 2] = 0.0f;
      assertThat(KernelSets.use(name).range(Span.of(x))).isEqualTo(new FloatRange(0, 0, 0, 0));
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void rangeIgnoresWhatIsNotFinite(String name) {
    for (int n = 1; n <= 70; n++) {
      float[] x = new float[n];
      Arrays.fill(x, NAN);
      for (int i = 0; i < n; i++) {
        x[i] = 7;
        assertThat(KernelSets.use(name).range(Span.of(x)))
            .isEqualTo(new FloatRange(7, 7, n - 1, 0));
        x[i] = -INFINITY;
        assertThat(KernelSets.use(name).range(Span.of(x)))
            .isEqualTo(new FloatRange(INFINITY, -INFINITY, n - 1, 1));
        x[i] = NAN;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void absMaxOfNaNAndInfinity(String name) {
    float[] x = {1, -INFINITY, -2, 3, NAN, INFINITY, -0.0f, 0};
    Kernels kernels = KernelSets.use(name);
    assertThat(kernels.absMax(Span.of(x), 4, 2)).containsExactly(INFINITY, 3, NAN, 0);
    assertThat(kernels.absMax(Span.of(x), 2, 1)).containsExactly(NAN, INFINITY);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void halvesRoundToEvenBeforeTheZeroPointIsAdded(String name) {
    float[] x = {-2.5f, -1.5f, -0.5f, -0.0f, 0.49999997f, 0.5f, 1.5f, 2.5f, NAN};
    byte[] y = new byte[x.length];
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 1, 1);
    KernelSets.use(name).quantize(Span.of(x), q, Span.of(y));
    assertThat(y).containsExactly(-1, -1, 1, 1, 1, 1, 3, 3, 1);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void beyondTheTypeIsTheNearestEnd(String name) {
    float[] x = {127.5f, 128, 3e9f, 1e30f, INFINITY, -128.6f, -3e9f, -1e30f, -INFINITY};
    byte[] y = new byte[x.length];
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 1, 0);
    KernelSets.use(name).quantize(Span.of(x), q, Span.of(y));
    assertThat(y).containsExactly(127, 127, 127, 127, 127, -128, -128, -128, -128);
    KernelSets.use(name).quantize(Span.of(x), q.withRange(-127, 127), Span.of(y));
    assertThat(y).containsExactly(127, 127, 127, 127, 127, -127, -127, -127, -127);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void firstOfTwoFourBitValuesIsInTheLowBits(String name) {
    byte[] y = {0x55, 0x55};
    Quantization q = Quantization.perTensor(QuantizedType.INT4, 1, 0);
    KernelSets.use(name).quantize(Span.of(new float[] {1, -2, -8}), q, Span.of(y));
    assertThat(y).containsExactly(0xe1, 0x08);
    float[] x = new float[3];
    KernelSets.use(name).dequantize(Span.of(y), q, Span.of(x));
    assertThat(x).containsExactly(1, -2, -8);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void float16BeyondItsLargestValue(String name) {
    float[] x = {65504, 65505, 65519.996f, 65520, -INFINITY, NAN};
    short[] y = new short[x.length];
    KernelSets.use(name).toFloat16(Span.of(x), Span.of(y));
    assertThat(y).containsExactly(shorts(0x7bff, 0x7bff, 0x7bff, 0x7c00, 0xfc00, 0x7e00));
    assertThat(KernelSets.use(name).toFloat16Saturated(Span.of(x), Span.of(y))).isEqualTo(4);
    assertThat(y).containsExactly(shorts(0x7bff, 0x7bff, 0x7bff, 0x7bff, 0xfbff, 0x7e00));
  }

  private static short[] shorts(int... values) {
    short[] result = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (short) values[i];
    }
    return result;
  }
}
