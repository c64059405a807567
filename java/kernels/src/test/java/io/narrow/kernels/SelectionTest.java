package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectionTest {
  @BeforeEach
  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  @Test
  void smallCallsStayInJavaUnlessKernelsAreNamed() {
    int least = NativeKernels.BREAK_EVEN;
    NativeKernels fastest = NativeKernels.fastest();
    assertThat(fastest.forSize(least - 1)).isSameAs(JavaKernels.INSTANCE);
    assertThat(fastest.forSize(least)).isSameAs(fastest);
    Kernels named = NativeKernels.use("scalar");
    assertThat(named.forSize(1)).isSameAs(named);
  }

  @Test
  void streamingIsANumberOfBytes() {
    assertThat(Selection.streaming(null)).isEqualTo(Long.MAX_VALUE);
    assertThat(Selection.streaming("16777216")).isEqualTo(1 << 24);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-1", "16M", "1234567890123456789"})
  void streamingThatIsNone(String bytes) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Selection.streaming(bytes))
        .withMessage("narrow.kernels.streaming=" + bytes + " is no number of bytes, at least 1");
  }

  @Test
  void streamingChangesNoByte() {
    int n = 70001;
    byte[] x = Inputs.floats(n, 3);
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 0.3f, -5);
    byte[] cached = quantized(x, n, q);
    NativeKernels.stream(1);
    try {
      assertThat(quantized(x, n, q)).isEqualTo(cached);
    } finally {
      NativeKernels.stream(Long.MAX_VALUE);
    }
  }

  private static byte[] quantized(byte[] x, int n, Quantization q) {
    Memory.Block y = Memory.DIRECT.holding(Element.BITS8, new byte[n]);
    Span floats = Memory.DIRECT.holding(Element.FLOAT32, x).span();
    NativeKernels.fastest().quantize(floats, q, y.span());
    return y.contents().get();
  }
}
