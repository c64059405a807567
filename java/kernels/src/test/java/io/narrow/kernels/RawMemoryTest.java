package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RawMemoryTest {
  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  @Test
  void addressesGiveTheSameBytes() {
    for (String name : KernelSets.names()) {
      Kernels kernels = KernelSets.use(name);
      for (int n : new int[] {1, 100, 70001}) {
        ByteBuffer memory = ByteBuffer.allocateDirect(4 * n + 3).order(ByteOrder.nativeOrder());
        for (int i = 0; i < n; i++) {
          memory.putFloat(4 * i + 3, i * 0.37f - 20);
        }
        float[] x = new float[n];
        Span.of(memory).slice(3, 4L * n).floats().get(x);
        long address = new Pointer(memory).address() + 3;
        Span raw = Span.ofAddress(address, 4L * n, memory);
        assertThat(raw.byteLength()).isEqualTo(4L * n);
        assertThat(kernels.range(raw)).isEqualTo(kernels.range(Span.of(x)));
        short[] expected = new short[n];
        kernels.toFloat16(Span.of(x), Span.of(expected));
        ByteBuffer out = ByteBuffer.allocateDirect(2 * n).order(ByteOrder.nativeOrder());
        kernels.toFloat16(raw, Span.ofAddress(new Pointer(out).address(), 2L * n, out));
        short[] half = new short[n];
        out.asShortBuffer().get(half);
        assertThat(half).as("%s, %s", name, n).isEqualTo(expected);
        kernels.toFloat16(raw.slice(0, 4), Span.of(half));
        assertThat(half[0]).isEqualTo(expected[0]);
      }
    }
  }

  @Test
  void addressesThatAreNone() {
    KernelSets.names();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Span.ofAddress(0, 4, null))
        .withMessage("no memory: address 0, 4 bytes");
    assertThatIllegalArgumentException().isThrownBy(() -> Span.ofAddress(64, -1, null));
    assertThat(Span.ofAddress(0, 0, null).byteLength()).isZero();
  }

  @Test
  void slices() {
    float[] x = {1, 2, 3, 4};
    assertThat(Kernels.active().range(Span.of(x).slice(4, 8)))
        .isEqualTo(new FloatRange(2, 3, 0, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Span.of(x).slice(2, 4))
        .withMessage("bytes 2 to 6 of a float[] of 4: elements have 4 bytes");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> Span.of(x).slice(8, 12));
    assertThat(Span.of(x).slice(16, 0).byteLength()).isZero();
  }
}
