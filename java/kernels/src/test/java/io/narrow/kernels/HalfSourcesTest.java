package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.narrow.kernels.VectorQuantizer.Invalid;
import io.narrow.kernels.VectorQuantizer.Scope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Rows of 16-bit floats give the ranges and codes of the same values as float32. */
class HalfSourcesTest {
  private static final int DIMENSIONS = 64;
  private static final int ROWS = 2500; // more than are widened at once

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  private enum Kind {
    FLOAT16(Span::asFloat16),
    BFLOAT16(Span::asBFloat16);

    private final UnaryOperator<Span> view;

    Kind(UnaryOperator<Span> view) {
      this.view = view;
    }

    float widened(short half) {
      return Float.intBitsToFloat(this == FLOAT16 ? Slow.toFloat32Bits(half) : half << 16);
    }
  }

  /** Numbers of all magnitudes up to a tenth of the largest float; NaN and infinities too. */
  private static short[] halves(Kind kind, boolean finite) {
    Random random = new Random(7);
    short[] x = new short[ROWS * DIMENSIONS];
    for (int i = 0; i < x.length; i++) {
      float value;
      do {
        x[i] = (short) random.nextInt(1 << 16);
        value = Math.abs(kind.widened(x[i]));
      } while (finite ? !(value < 60000) : value > 3e37f && Float.isFinite(value));
    }
    return x;
  }

  private static float[] widened(Kind kind, short[] x) {
    float[] wide = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      wide[i] = kind.widened(x[i]);
    }
    return wide;
  }

  static Stream<VectorQuantizer> quantizers() {
    return Arrays.stream(VectorFormat.values())
        .flatMap(
            format ->
                Arrays.stream(Scope.values())
                    .flatMap(
                        scope ->
                            Stream.of(RangeRule.MIN_MAX, RangeRule.quantiles(0.01, 0.9))
                                .map(
                                    rule ->
                                        VectorQuantizer.of(format, DIMENSIONS)
                                            .withScope(scope)
                                            .withRule(rule)
                                            .withInvalid(Invalid.CLIP))));
  }

  private static byte[] codes(VectorQuantizer quantizer, Span x, Executor executor, int pieces) {
    byte[] codes = new byte[(int) (ROWS * quantizer.format().bytes(DIMENSIONS))];
    VectorCodec codec =
        quantizer.format().isInteger()
            ? quantizer.codec(quantizer.fit(x, executor, pieces))
            : quantizer.codec();
    codec.apply(x, Span.of(codes), executor, pieces);
    return codes;
  }

  @ParameterizedTest
  @MethodSource("quantizers")
  void codesAreThoseOfTheSameValues(VectorQuantizer quantizer) {
    for (Kind kind : Kind.values()) {
      short[] x = halves(kind, false);
      byte[] expected = codes(quantizer, Span.of(widened(kind, x)), Runnable::run, 1);
      for (String kernels : NativeKernels.names()) {
        KernelSets.use(kernels);
        assertThat(codes(quantizer, kind.view.apply(Span.of(x)), Runnable::run, 1))
            .as("%s, %s", kind, kernels)
            .isEqualTo(expected);
      }
      byte[] cut =
          codes(quantizer, kind.view.apply(Span.of(x)), task -> new Thread(task).start(), 3);
      assertThat(cut).as("%s in pieces", kind).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anyMemory(Kind kind) {
    short[] x = halves(kind, true);
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.INT8, DIMENSIONS);
    byte[] expected = codes(quantizer, Span.of(widened(kind, x)), Runnable::run, 1);
    ByteBuffer bytes = ByteBuffer.allocate(2 * x.length).order(ByteOrder.nativeOrder());
    bytes.asShortBuffer().put(x);
    for (Memory memory : Memory.values()) {
      Span span = kind.view.apply(memory.holding(Element.BITS16, bytes.array()).span());
      assertThat(codes(quantizer, span, Runnable::run, 1)).as("%s", memory).isEqualTo(expected);
      Span part = span.slice(2L * DIMENSIONS, 4L * DIMENSIONS);
      byte[] two = new byte[2 * DIMENSIONS];
      quantizer.codec(quantizer.fit(span)).apply(part, Span.of(two));
      assertThat(two)
          .as("%s, rows 1 and 2", memory)
          .isEqualTo(Arrays.copyOfRange(expected, DIMENSIONS, 3 * DIMENSIONS));
    }
  }

  @ParameterizedTest
  @EnumSource
  void errorAndMessagesAreThoseOfTheSameValues(Kind kind) {
    short[] x = halves(kind, true);
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.Q8_0, DIMENSIONS);
    byte[] codes = codes(quantizer, Span.of(widened(kind, x)), Runnable::run, 1);
    assertThat(quantizer.codec().error(kind.view.apply(Span.of(x)), Span.of(codes)))
        .isEqualTo(quantizer.codec().error(Span.of(widened(kind, x)), Span.of(codes)));
    x[2000 * DIMENSIONS + 5] = (short) 0x7fff;
    Span span = kind.view.apply(Span.of(x));
    for (Runnable call :
        List.<Runnable>of(
            () -> VectorQuantizer.of(VectorFormat.INT8, DIMENSIONS).fit(span),
            () -> quantizer.codec().apply(span, Span.of(codes)))) {
      assertThatIllegalArgumentException()
          .isThrownBy(call::run)
          .withMessageStartingWith("row 2000, dimension 5 is NaN: only finite values");
    }
  }

  @Test
  void whatDoesNotGoTogetherIsSaid() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Span.of(new float[3]).asFloat16())
        .withMessage("a float[] of 3 cannot hold float16 values");
    Span half = Span.of(new short[33]).asBFloat16();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VectorQuantizer.of(VectorFormat.INT8, 32).fit(half))
        .withMessage("x is a short[] of 33 as bfloat16, not rows of 32 floats");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Kernels.active().range(Span.of(new byte[4]).asFloat16()))
        .withMessageStartingWith("x is a byte[] of 4 as float16, which cannot hold float32 values");
    VectorCodec codec = VectorQuantizer.of(VectorFormat.Q8_0, 32).codec();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> codec.restore(Span.of(new byte[34]), Span.of(new short[32]).asFloat16()))
        .withMessage("x is a short[] of 32 as float16: codes become float32");
  }
}
