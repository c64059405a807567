package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterProperty;

/** Floats of any bits at all. */
class RandomBitsTest {
  @AfterProperty
  void reset() {
    KernelSets.reset();
  }

  @Property(tries = 300)
  void rangesOfPartsMergeToTheRangeOfTheWhole(
      @ForAll @Size(max = 200) int[] bits, @ForAll @IntRange(max = 200) int cut) {
    float[] x = floats(bits);
    int middle = Math.min(cut, x.length);
    Kernels kernels = Kernels.active();
    FloatRange first = kernels.range(Span.of(x, 0, middle));
    FloatRange second = kernels.range(Span.of(x, middle, x.length - middle));
    assertThat(first.merge(second))
        .isEqualTo(second.merge(first))
        .isEqualTo(kernels.range(Span.of(x)));
    assertThat(first.merge(FloatRange.EMPTY)).isEqualTo(first);
  }

  @Property(tries = 300)
  void allKernelsGiveTheSameBytes(@ForAll @Size(max = 200) int[] bits) {
    float[] x = floats(bits);
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 0.037f, -3);
    byte[] expected = new byte[x.length];
    short[] expectedHalves = new short[x.length];
    new JavaKernels().quantize(Span.of(x), q, Span.of(expected));
    new JavaKernels().toFloat16(Span.of(x), Span.of(expectedHalves));
    for (String name : KernelSets.names()) {
      Kernels kernels = KernelSets.use(name);
      byte[] y = new byte[x.length];
      short[] halves = new short[x.length];
      kernels.quantize(Span.of(x), q, Span.of(y));
      kernels.toFloat16(Span.of(x), Span.of(halves));
      assertThat(y).as(name).isEqualTo(expected);
      assertThat(halves).as(name).isEqualTo(expectedHalves);
    }
  }

  private static float[] floats(int[] bits) {
    float[] x = new float[bits.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.intBitsToFloat(bits[i]);
    }
    return x;
  }
}
