package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class Float16Test {
  private static final int BATCH = 1 << 16;

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static java.util.List<String> kernels() {
    return KernelSets.names();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void all65536Halves(String name) {
    short[] halves = new short[BATCH];
    for (int i = 0; i < BATCH; i++) {
      halves[i] = (short) i;
    }
    float[] floats = new float[BATCH];
    KernelSets.use(name).toFloat32(Span.of(halves), Span.of(floats));
    for (int i = 0; i < BATCH; i++) {
      assertThat(Float.floatToRawIntBits(floats[i]))
          .as("half %x", i)
          .isEqualTo(Slow.toFloat32Bits((short) i));
    }
    short[] back = new short[BATCH];
    KernelSets.use(name).toFloat16(Span.of(floats), Span.of(back));
    for (int i = 0; i < BATCH; i++) {
      boolean isNaN = (i & 0x7fff) > 0x7c00;
      assertThat(back[i]).as("half %x", i).isEqualTo((short) (isNaN ? i | 0x200 : i));
    }
  }

  /** Every tie between two halves, and its neighbours on both sides. */
  @ParameterizedTest
  @MethodSource("kernels")
  void tiesGoToEven(String name) {
    float[] x = new float[3 * 0x7c00];
    for (int half = 0; half < 0x7c00; half++) {
      double next = half == 0x7bff ? 65536 : Slow.halfValue(half + 1);
      float tie = (float) ((Slow.halfValue(half) + next) / 2);
      x[3 * half] = Math.nextDown(tie);
      x[3 * half + 1] = tie;
      x[3 * half + 2] = Math.nextUp(tie);
    }
    short[] y = new short[x.length];
    KernelSets.use(name).toFloat16(Span.of(x), Span.of(y));
    for (int i = 0; i < x.length; i++) {
      int below = i / 3;
      int expected = below + (i % 3 == 2 || i % 3 == 1 && below % 2 != 0 ? 1 : 0);
      assertThat(y[i]).as("%s", x[i]).isEqualTo((short) expected);
    }
  }

  /**
   * Against the JDK's own conversion, where it has one (from 20 on): every 997th float, or with
   * -Dnarrow.test.exhaustive=true every one.
   */
  @Test
  void sameAsTheJdk() throws Throwable {
    MethodHandle jdk = jdkConversion();
    assumeTrue(jdk != null, "this JDK has no Float.floatToFloat16");
    int step = Boolean.getBoolean("narrow.test.exhaustive") ? 1 : 997;
    float[] x = new float[BATCH];
    short[] y = new short[BATCH];
    short[] expected = new short[BATCH];
    for (String name : KernelSets.names()) {
      Kernels kernels = KernelSets.use(name);
      for (long bits = 0; bits < 1L << 32; ) {
        for (int i = 0; i < BATCH; i++, bits += step) {
          x[i] = Float.intBitsToFloat((int) bits);
          expected[i] = (short) jdk.invokeExact(x[i]);
        }
        kernels.toFloat16(Span.of(x), Span.of(y));
        assertThat(java.util.Arrays.mismatch(y, expected))
            .as("%s, before bits %x", name, bits)
            .isEqualTo(-1);
      }
    }
  }

  private static MethodHandle jdkConversion() throws IllegalAccessException {
    try {
      return MethodHandles.lookup()
          .findStatic(
              Float.class, "floatToFloat16", MethodType.methodType(short.class, float.class));
    } catch (NoSuchMethodException e) {
      return null;
    }
  }
}
