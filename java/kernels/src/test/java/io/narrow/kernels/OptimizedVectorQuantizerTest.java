package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.OptimizedVectorQuantizer.Intervals;
import io.narrow.kernels.OptimizedVectorQuantizer.Similarity;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What LuceneTest, which needs Lucene 10, does not ask. */
class OptimizedVectorQuantizerTest {
  private static final int DIMENSIONS = 40;
  private static final int ROWS = 3000;

  private static float[] vectors() {
    Random random = new Random(9);
    float[] x = new float[ROWS * DIMENSIONS];
    for (int i = 0; i < x.length; i++) {
      x[i] = Float16.toFloat(Float16.fromFloat((float) random.nextGaussian() + i % DIMENSIONS % 3));
    }
    return x;
  }

  private static OptimizedVectorQuantizer quantizer(int bits) {
    float[] centroid = new float[DIMENSIONS];
    for (int d = 0; d < DIMENSIONS; d++) {
      centroid[d] = d % 3;
    }
    return OptimizedVectorQuantizer.of(bits, centroid, Similarity.EUCLIDEAN);
  }

  private static void checkEqual(Intervals found, Intervals expected) {
    assertThat(found.lower()).isEqualTo(expected.lower());
    assertThat(found.upper()).isEqualTo(expected.upper());
    assertThat(found.additional()).isEqualTo(expected.additional());
    assertThat(found.sums()).isEqualTo(expected.sums());
  }

  @Test
  void piecesMemoryAndFloat16GiveTheSame() {
    float[] x = vectors();
    byte[] expected = new byte[x.length];
    Intervals intervals = quantizer(4).apply(Span.of(x), Span.of(expected));
    byte[] cut = new byte[x.length];
    checkEqual(
        quantizer(4).apply(Span.of(x), Span.of(cut), task -> new Thread(task).start(), 5),
        intervals);
    assertThat(cut).isEqualTo(expected);
    ByteBuffer bytes = ByteBuffer.allocate(4 * x.length).order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(x);
    short[] half = new short[x.length];
    Kernels.active().toFloat16(Span.of(x), Span.of(half));
    for (Memory memory : List.of(Memory.ARRAY, Memory.BYTES, Memory.DIRECT)) {
      Memory.Block codes = memory.holding(Element.BITS8, new byte[x.length]);
      Span floats = memory.holding(Element.FLOAT32, bytes.array()).span();
      checkEqual(quantizer(4).apply(floats, codes.span()), intervals);
      assertThat(codes.contents().get()).as("%s", memory).isEqualTo(expected);
    }
    byte[] ofHalf = new byte[x.length];
    checkEqual(quantizer(4).apply(Span.of(half).asFloat16(), Span.of(ofHalf)), intervals);
    assertThat(ofHalf).isEqualTo(expected);
  }

  /** Rows of equal values and rows that overflow among them; a number that no vector divides. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyKernelGivesTheSame(int bits) {
    float[] x = vectors();
    Arrays.fill(x, 0, DIMENSIONS, 1.5f);
    for (int d = 0; d < DIMENSIONS; d++) {
      x[2 * DIMENSIONS + d] *= 1e19f;
      x[5 * DIMENSIONS + d] = d % 3;
    }
    float[] centroid = new float[DIMENSIONS];
    for (int d = 0; d < DIMENSIONS; d++) {
      centroid[d] = d % 3;
    }
    int rows = 1003;
    byte[] expected = new byte[rows * DIMENSIONS];
    float[] expectedEnds = new float[4 * rows];
    int[] expectedSums = new int[rows];
    KernelSets.use("java")
        .optimizeRows(x, rows, centroid, bits, expected, expectedEnds, expectedSums);
    for (String kernels : KernelSets.names()) {
      byte[] codes = new byte[expected.length];
      float[] ends = new float[4 * rows];
      int[] sums = new int[rows];
      KernelSets.use(kernels).optimizeRows(x, rows, centroid, bits, codes, ends, sums);
      assertThat(codes).as(kernels).isEqualTo(expected);
      assertThat(ends).as(kernels).isEqualTo(expectedEnds);
      assertThat(sums).as(kernels).isEqualTo(expectedSums);
    }
  }

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  /** Half the widths of the first intervals, in standard deviations. */
  private static final double[] FIRST = {0.798, 1.493, 2.051, 2.514, 2.916, 3.278, 3.611, 3.922};

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void rowsGainByMovingTheirIntervals(int bits) {
    float[] x = vectors();
    byte[] codes = new byte[x.length];
    Intervals intervals = quantizer(bits).apply(Span.of(x), Span.of(codes));
    double before = 0;
    double after = 0;
    for (int row = 0; row < ROWS; row++) {
      double[] values = new double[DIMENSIONS];
      int[] own = new int[DIMENSIONS];
      for (int d = 0; d < DIMENSIONS; d++) {
        values[d] = x[row * DIMENSIONS + d] - d % 3;
        own[d] = codes[row * DIMENSIONS + d] & 0xff;
      }
      double mean = Arrays.stream(values).average().orElseThrow();
      double square = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
      double reach = FIRST[bits - 1] * Math.sqrt(square / DIMENSIONS);
      double low = Math.max(mean - reach, Arrays.stream(values).min().orElseThrow());
      double high = Math.min(mean + reach, Arrays.stream(values).max().orElseThrow());
      double step = (high - low) / ((1 << bits) - 1);
      int[] nearest =
          Arrays.stream(values)
              .mapToInt(v -> (int) Math.rint((Math.max(low, Math.min(high, v)) - low) / step))
              .toArray();
      before += loss(values, nearest, low, high, bits);
      after += loss(values, own, intervals.lower()[row], intervals.upper()[row], bits);
    }
    assertThat(after).isLessThan(0.9 * before);
  }

  /** Nine parts of the square of the error along the row, and one of all of it. */
  private static double loss(double[] values, int[] codes, double low, double high, int bits) {
    double along = 0;
    double whole = 0;
    double square = 0;
    for (int d = 0; d < values.length; d++) {
      double error = values[d] - (low + codes[d] * (high - low) / ((1 << bits) - 1));
      along += values[d] * error;
      whole += error * error;
      square += values[d] * values[d];
    }
    return 0.9 * along * along / square + 0.1 * whole;
  }

  @Test
  void correctionsByHand() {
    float[] x = {-1, 1, 3, 3};
    byte[] codes = new byte[4];
    Intervals euclidean =
        OptimizedVectorQuantizer.of(8, new float[] {0, 2}, Similarity.EUCLIDEAN)
            .apply(Span.of(x), Span.of(codes));
    assertThat(euclidean.additional()).containsExactly(2, 10); // (-1, -1) and (3, 1)
    assertThat(euclidean.lower()[1]).isCloseTo(1, within(1e-6f));
    assertThat(euclidean.upper()[1]).isCloseTo(3, within(1e-6f));
    assertThat(codes[2]).isEqualTo((byte) 255);
    assertThat(codes[3]).isZero();
    assertThat(euclidean.sums()[1]).isEqualTo(255);
    Intervals product =
        OptimizedVectorQuantizer.of(1, new float[] {0, 2}, Similarity.PRODUCT)
            .apply(Span.of(x), Span.of(codes));
    assertThat(product.additional()).containsExactly(2, 6);
  }

  @Test
  void argumentsThatDoNotFit() {
    for (int bits : new int[] {0, 9}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> OptimizedVectorQuantizer.of(bits, new float[1], Similarity.PRODUCT))
          .withMessage("bits is " + bits + ", 1 to 8 are possible");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> OptimizedVectorQuantizer.of(4, new float[] {0, Float.NaN}, Similarity.PRODUCT))
        .withMessage("dimension 1 of the centroid is NaN");
    float[] x = vectors();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer(4).apply(Span.of(x), Span.of(new byte[8])))
        .withMessage("y has 8 bytes, 3000 rows need 120000");
    x[2500 * DIMENSIONS + 3] = Float.POSITIVE_INFINITY;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer(4).apply(Span.of(x), Span.of(new byte[x.length])))
        .withMessageStartingWith("row 2500, dimension 3 is Infinity: ");
  }
}
