package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.VectorQuantizer.Invalid;
import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class VectorQuantizerTest {
  private static final int ROWS = 700;
  private static final int DIMENSIONS = 38;

  private static float[] vectors() {
    Random random = new Random(5);
    float[] x = new float[ROWS * DIMENSIONS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (random.nextGaussian() * (1 + i % DIMENSIONS) + i % 3);
    }
    return x;
  }

  /** Blocks are tested in PackedTest. */
  private static Stream<VectorFormat> formats() {
    return Arrays.stream(VectorFormat.values())
        .filter(format -> DIMENSIONS % format.multiple() == 0);
  }

  static Stream<VectorQuantizer> everyQuantizer() {
    return formats()
        .flatMap(
            format ->
                Arrays.stream(Scheme.values())
                    .filter(scheme -> goTogether(format, scheme))
                    .flatMap(
                        scheme ->
                            Arrays.stream(Scope.values())
                                .flatMap(
                                    scope ->
                                        Stream.of(RangeRule.MIN_MAX, RangeRule.quantiles(0.05, 0.9))
                                            .map(
                                                rule ->
                                                    new VectorQuantizer(
                                                        format,
                                                        DIMENSIONS,
                                                        scope,
                                                        scheme,
                                                        rule,
                                                        Invalid.CLIP)))));
  }

  private static boolean goTogether(VectorFormat format, Scheme scheme) {
    return switch (scheme) {
      case SYMMETRIC, AFFINE -> !format.isInteger() || format.type() != null;
      case SENTENCE_TRANSFORMERS, SENTENCE_TRANSFORMERS_5 ->
          format == VectorFormat.INT8 || format == VectorFormat.UINT8;
      case FAISS -> format == VectorFormat.UINT8 || format == VectorFormat.UINT4;
      case LUCENE -> format == VectorFormat.UINT8 || format == VectorFormat.UINT4_HALVES;
      case QDRANT -> format == VectorFormat.UINT8;
    };
  }

  private static int bytesOf(VectorQuantizer quantizer, int values) {
    return (int) (values / DIMENSIONS * quantizer.format().bytes(DIMENSIONS));
  }

  private static VectorCodec fitted(VectorQuantizer quantizer, Span x) {
    return quantizer.format().isInteger() ? quantizer.codec(quantizer.fit(x)) : quantizer.codec();
  }

  /** A piece is 128 rows or a multiple of that, whatever is asked for. */
  @ParameterizedTest
  @MethodSource("everyQuantizer")
  void piecesGiveTheSameBytes(VectorQuantizer quantizer) {
    float[] x = vectors();
    x[100] = Float.NaN;
    x[20000] = Float.NEGATIVE_INFINITY;
    byte[] whole = new byte[bytesOf(quantizer, x.length)];
    VectorCodec codec = fitted(quantizer, Span.of(x));
    VectorCounts counts = codec.apply(Span.of(x), Span.of(whole));
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      for (int pieces : new int[] {2, 7, 1000}) {
        VectorCodec again =
            quantizer.format().isInteger()
                ? quantizer.codec(quantizer.fit(Span.of(x), threads, pieces))
                : codec;
        byte[] cut = new byte[whole.length];
        assertThat(again.apply(Span.of(x), Span.of(cut), threads, pieces)).isEqualTo(counts);
        assertThat(cut).isEqualTo(whole);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(counts.rows()).isEqualTo(ROWS);
    assertThat(counts.nans()).isEqualTo(1);
    assertThat(counts.infinities()).isEqualTo(1);
  }

  @ParameterizedTest
  @MethodSource("everyQuantizer")
  void everyMemoryGivesTheSameBytes(VectorQuantizer quantizer) {
    byte[] bytes = new byte[4 * ROWS * DIMENSIONS];
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer().put(vectors());
    VectorCodec codec = fitted(quantizer, Span.of(bytes));
    byte[] expected = new byte[bytesOf(quantizer, ROWS * DIMENSIONS)];
    codec.apply(Span.of(bytes), Span.of(expected));
    float[] back = new float[ROWS * DIMENSIONS];
    codec.restore(Span.of(expected), Span.of(back));
    for (Memory memory : List.of(Memory.ARRAY, Memory.DIRECT, Memory.MAPPED)) {
      Memory.Block x = memory.holding(Element.FLOAT32, bytes);
      Memory.Block y = memory.holding(quantizer.format().element(), new byte[expected.length]);
      fitted(quantizer, x.span()).apply(x.span(), y.span());
      assertThat(y.contents().get()).as("%s", memory).isEqualTo(expected);
      Memory.Block z = memory.holding(Element.FLOAT32, new byte[bytes.length]);
      codec.restore(y.span(), z.span());
      float[] restored = new float[back.length];
      ByteBuffer.wrap(z.contents().get())
          .order(ByteOrder.nativeOrder())
          .asFloatBuffer()
          .get(restored);
      assertThat(restored).as("%s", memory).isEqualTo(back);
    }
  }

  /** What is not clipped comes back within half a step (a step, for schemes that cut). */
  @ParameterizedTest
  @MethodSource("everyQuantizer")
  void whatComesBackIsNear(VectorQuantizer quantizer) {
    float[] x = vectors();
    VectorRanges ranges = quantizer.withRule(RangeRule.MIN_MAX).fit(Span.of(x));
    VectorCodec codec = fitted(quantizer.withRule(RangeRule.MIN_MAX), Span.of(x));
    byte[] codes = new byte[bytesOf(quantizer, x.length)];
    assertThat(codec.apply(Span.of(x), Span.of(codes)).clipped()).isZero();
    float[] back = new float[x.length];
    codec.restore(Span.of(codes), Span.of(back));
    double noise = 0;
    for (int i = 0; i < x.length; i++) {
      if (!(Math.abs(back[i] - x[i]) <= furthest(quantizer, ranges, x[i], i))) {
        fail("value %s: %s comes back as %s".formatted(i, x[i], back[i]));
      }
      noise += Math.pow((double) x[i] - back[i], 2);
    }
    ErrorSums error = codec.error(Span.of(x), Span.of(codes));
    assertThat(error.noise()).isCloseTo(noise, within(1e-9 * noise));
  }

  private static float furthest(VectorQuantizer quantizer, VectorRanges ranges, float x, int i) {
    if (quantizer.format().bytes(8) == 1) {
      return Math.abs(Math.abs(x) - 1); // the sign is right
    }
    if (!quantizer.format().isInteger()) {
      return Math.abs(x) * (quantizer.format() == VectorFormat.FLOAT16 ? 0x1p-11f : 0x1p-8f);
    }
    int group =
        switch (quantizer.scope()) {
          case TENSOR -> 0;
          case ROW -> i / DIMENSIONS;
          case DIMENSION -> i % DIMENSIONS;
        };
    float low = ranges.min(group);
    float high = ranges.max(group);
    int codes = quantizer.format().bytes(8) == 4 ? 16 : 256;
    float step =
        switch (quantizer.scheme()) {
          case SYMMETRIC -> Math.max(-low, high) / (codes / 2 - 1);
          case AFFINE -> (Math.max(high, 0) - Math.min(low, 0)) / (codes - 1);
          case SENTENCE_TRANSFORMERS, SENTENCE_TRANSFORMERS_5, FAISS -> (high - low) / (codes - 1);
          case LUCENE, QDRANT -> (high - low) / (codes == 16 ? 15 : 127);
        };
    boolean twice =
        quantizer.scheme() == Scheme.SENTENCE_TRANSFORMERS_5
            && quantizer.format() == VectorFormat.INT8;
    // The ends of an affine range move by up to half a step, because 0 has a code.
    boolean ends = quantizer.scheme() == Scheme.AFFINE;
    return step * (twice || ends ? 1 : 0.5f) * 1.0001f;
  }

  @Test
  void symmetricCodesByHand() {
    float[] x = {-2, 0.5f, 1, -4, 0, 10};
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.INT8, 3);
    byte[] codes = new byte[6];
    VectorCodec codec = fitted(quantizer.withScheme(Scheme.SYMMETRIC), Span.of(x));
    codec.apply(Span.of(x), Span.of(codes));
    assertThat(codes).containsExactly(-64, 127, 13, -127, 0, 127);
    codec = fitted(quantizer.withScheme(Scheme.SYMMETRIC).withScope(Scope.ROW), Span.of(x));
    codec.apply(Span.of(x), Span.of(codes));
    assertThat(codes).containsExactly(-127, 32, 64, -51, 0, 127);
    quantizer = quantizer.withScope(Scope.TENSOR);
    codec = fitted(quantizer, Span.of(x));
    codec.apply(Span.of(x), Span.of(codes)); // -4 .. 10: scale 14/255, zero point -55
    assertThat(codes).containsExactly(-91, -46, -37, -128, -55, 127);
  }

  @Test
  void fourBitsPackTheFirstValueLow() {
    float[] x = {7, -7, 1, 3};
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.INT4, 2)
            .withScheme(Scheme.SYMMETRIC)
            .withScope(Scope.TENSOR);
    byte[] codes = new byte[2];
    fitted(quantizer, Span.of(x)).apply(Span.of(x), Span.of(codes));
    assertThat(codes).containsExactly((byte) 0x97, 0x31);
  }

  /** Codes 0 to 15 of a range from 0 to 15. */
  @Test
  void fourBitsOfOtherLayoutsByHand() {
    float[] x = {1.5f, 2.5f, 3.999f, 15, 0};
    VectorRanges ranges = VectorRanges.of(Scope.TENSOR, new float[] {0}, new float[] {15});
    VectorQuantizer pairs = VectorQuantizer.of(VectorFormat.UINT4, 5).withScope(Scope.TENSOR);
    byte[] codes = new byte[3];
    pairs.codec(ranges).apply(Span.of(x), Span.of(codes));
    assertThat(codes).containsExactly(0x21, (byte) 0xf3, 0); // rounded down
    VectorQuantizer halves =
        VectorQuantizer.of(VectorFormat.UINT4_HALVES, 4).withScope(Scope.TENSOR);
    byte[] two = new byte[2];
    halves.codec(ranges).apply(Span.of(x, 0, 4), Span.of(two));
    assertThat(two).containsExactly(0x24, 0x3f); // rounded, halves up
    float[] back = new float[4];
    halves.codec(ranges).restore(Span.of(two), Span.of(back));
    assertThat(back).containsExactly(2, 3, 4, 15);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VectorQuantizer.of(VectorFormat.UINT4_HALVES, 5))
        .withMessage("UINT4_HALVES rows of 5 dimensions: a multiple of 2 is needed");
  }

  @ParameterizedTest
  @EnumSource(Scope.class)
  void quantilesAreWithinOnePercentOfSortedValues(Scope scope) {
    float[] x = vectors();
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.INT8, DIMENSIONS).withScope(scope);
    VectorRanges ranges =
        quantizer
            .withRule(RangeRule.confidence(0.8))
            .fit(Span.of(x))
            .resolve(RangeRule.confidence(0.8));
    for (int g = 0; g < ranges.size(); g++) {
      int group = g;
      float[] sorted =
          sorted(
              x,
              i ->
                  switch (scope) {
                    case TENSOR -> true;
                    case ROW -> i / DIMENSIONS == group;
                    case DIMENSION -> i % DIMENSIONS == group;
                  });
      float low = sorted[(int) (0.1 * (sorted.length - 1))];
      float high = sorted[(int) (0.9 * (sorted.length - 1))];
      assertThat(ranges.min(g)).isCloseTo(low, within(Math.abs(low) * 0.01f));
      assertThat(ranges.max(g)).isCloseTo(high, within(Math.abs(high) * 0.01f));
    }
  }

  private static float[] sorted(float[] x, IntPredicate taken) {
    float[] values = new float[x.length];
    int n = 0;
    for (int i = 0; i < x.length; i++) {
      if (taken.test(i)) {
        values[n++] = x[i];
      }
    }
    float[] result = Arrays.copyOf(values, n);
    Arrays.sort(result);
    return result;
  }

  @Test
  void mergingDependsOnNoOrder() {
    float[] x = vectors();
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.INT8, DIMENSIONS).withRule(RangeRule.quantiles(0.01, 0.99));
    VectorRanges a = quantizer.fit(Span.of(x, 0, 200 * DIMENSIONS));
    VectorRanges b = quantizer.fit(Span.of(x, 200 * DIMENSIONS, 50 * DIMENSIONS));
    VectorRanges c = quantizer.fit(Span.of(x, 250 * DIMENSIONS, 450 * DIMENSIONS));
    VectorRanges none = quantizer.fit(Span.of(new float[0]));
    byte[] expected = new byte[x.length];
    quantizer.codec(quantizer.fit(Span.of(x))).apply(Span.of(x), Span.of(expected));
    for (VectorRanges merged : List.of(a.merge(b).merge(c), c.merge(none).merge(b.merge(a)))) {
      byte[] codes = new byte[x.length];
      quantizer.codec(merged).apply(Span.of(x), Span.of(codes));
      assertThat(codes).isEqualTo(expected);
      assertThat(merged.counts().rows()).isEqualTo(ROWS);
    }
  }

  @Test
  void valuesBeyondTheRangeAreCounted() {
    float[] x = {-3, 0, 1, 1.001f, 2, Float.POSITIVE_INFINITY, Float.NaN, 0.6f};
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.UINT8, 1).withInvalid(Invalid.CLIP);
    VectorRanges ranges = VectorRanges.of(new float[] {0}, new float[] {1});
    byte[] codes = new byte[8];
    VectorCounts counts = quantizer.codec(ranges).apply(Span.of(x), Span.of(codes));
    assertThat(counts).isEqualTo(new VectorCounts(8, 1, 1, 2)); // -3 and 2; 1.001 is near 1
    assertThat(codes).containsExactly(0, 0, -1, -1, -1, -1, 0, -103);
    codes = new byte[16];
    float[] wide = {1e30f, -70000, 65504, 3.4e38f, Float.NaN, -0.0f, 1, Float.NEGATIVE_INFINITY};
    quantizer = VectorQuantizer.of(VectorFormat.FLOAT16, 1).withInvalid(Invalid.CLIP);
    assertThat(quantizer.codec().apply(Span.of(wide), Span.of(codes)))
        .isEqualTo(new VectorCounts(8, 1, 1, 3));
    float[] back = new float[8];
    quantizer.codec().restore(Span.of(codes), Span.of(back));
    assertThat(back).containsExactly(65504, -65504, 65504, 65504, 0, -0.0f, 1, -65504);
  }

  @Test
  void failureNamesRowAndDimension() {
    float[] x = vectors();
    x[600 * DIMENSIONS + 7] = Float.NaN;
    for (VectorFormat format : formats().toList()) {
      VectorQuantizer quantizer = VectorQuantizer.of(format, DIMENSIONS);
      VectorCodec codec = fitted(quantizer, Span.of(vectors()));
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> codec.apply(Span.of(x), Span.of(new byte[2 * x.length]), Runnable::run, 3))
          .withMessageStartingWith("row 600, dimension 7 is NaN:");
    }
    x[600 * DIMENSIONS + 7] = -65536;
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                VectorQuantizer.of(VectorFormat.FLOAT16, DIMENSIONS)
                    .codec()
                    .apply(Span.of(x), Span.of(new short[x.length])))
        .withMessageStartingWith("row 600, dimension 7 is -65536.0: FLOAT16 ends at 65504.0");
  }

  @ParameterizedTest
  @MethodSource("everyQuantizer")
  void valuesThatAreAllTheSameComeBack(VectorQuantizer quantizer) {
    if (quantizer.format().bytes(8) == 1) {
      return; // only their signs do
    }
    for (float value : new float[] {0, 1, -0.25f}) {
      float[] x = new float[3 * DIMENSIONS];
      Arrays.fill(x, value);
      VectorCodec codec = fitted(quantizer, Span.of(x));
      byte[] codes = new byte[bytesOf(quantizer, x.length)];
      codec.apply(Span.of(x), Span.of(codes));
      float[] back = new float[x.length];
      codec.restore(Span.of(codes), Span.of(back));
      for (float b : back) {
        assertThat(b).isCloseTo(value, within(Math.abs(value) * 1e-6f));
      }
    }
  }

  @Test
  void argumentsThatDoNotFit() {
    VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.INT8, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer.fit(Span.of(new float[6])))
        .withMessage("x is a float[] of 6, not rows of 4 floats");
    VectorRanges ranges = quantizer.fit(Span.of(new float[8]));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> quantizer.codec(ranges).apply(Span.of(new float[8]), Span.of(new byte[7])))
        .withMessage("y has 7 bytes, 2 rows need 8");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer.withScope(Scope.TENSOR).codec(ranges))
        .withMessage("4 ranges by DIMENSION do not fit 4 dimensions by TENSOR");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer.withRule(RangeRule.quantiles(0.1, 0.9)).codec(ranges))
        .withMessageStartingWith("quantiles need ranges");
    assertThatIllegalArgumentException().isThrownBy(quantizer::codec);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer.withScheme(Scheme.FAISS))
        .withMessage("FAISS gives [UINT8, UINT4], not INT8");
    assertThatIllegalArgumentException().isThrownBy(() -> VectorQuantizer.of(VectorFormat.INT4, 3));
    VectorQuantizer byRow = quantizer.withScope(Scope.ROW);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                byRow
                    .codec(byRow.fit(Span.of(new float[8])))
                    .apply(Span.of(new float[12]), Span.of(new byte[12])))
        .withMessage("x has 3 rows, ranges were fitted to 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> byRow.fit(Span.of(new float[8])).merge(byRow.fit(Span.of(new float[8]))));
  }
}
