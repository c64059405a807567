package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Choosers see bins; the references here see the values, and take the slow obvious way. */
class RangeChooserTest {
  private static final int N = 8000;

  /** Distributions as activations have them. */
  static Stream<Arguments> distributions() {
    Random random = new Random(17);
    float[] gauss = values(() -> (float) random.nextGaussian());
    float[] rectified = values(() -> Math.max(0, (float) random.nextGaussian() * 3));
    float[] laplace =
        values(() -> (float) (Math.log(1 - random.nextDouble()) * (random.nextBoolean() ? 1 : -1)));
    float[] outliers = gauss.clone();
    outliers[5] = 40;
    outliers[6] = -25;
    float[] shifted = values(() -> 5 + random.nextFloat());
    float[] skewed = values(() -> (float) -Math.exp(random.nextGaussian()));
    return Stream.of(
        Arguments.of("gauss", gauss),
        Arguments.of("rectified", rectified),
        Arguments.of("laplace", laplace),
        Arguments.of("outliers", outliers),
        Arguments.of("shifted", shifted),
        Arguments.of("skewed", skewed));
  }

  private interface Source {
    float next();
  }

  private static float[] values(Source source) {
    float[] values = new float[N];
    for (int i = 0; i < N; i++) {
      values[i] = source.next();
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("distributions")
  void percentileIsThatOfTheSortedValuesToOneBin(String name, float[] values) {
    TensorStatistics statistics = Tallied.statistics(values);
    double width = statistics.histogram().orElseThrow().width();
    float[] sorted = values.clone();
    Arrays.sort(sorted);
    for (double percent : new double[] {100, 99.99, 99.9, 99, 90, 50}) {
      FloatRange range = statistics.choose(RangeMethod.percentile(percent));
      int cut = (int) Math.floor(N * (100 - percent) / 200 + 1e-9);
      assertThat((double) range.min()).isCloseTo(sorted[cut], within(width));
      assertThat((double) range.max()).isCloseTo(sorted[N - 1 - cut], within(width));
      assertThat(range.min()).isBetween(sorted[0], sorted[cut]);
      assertThat(range.max()).isBetween(sorted[N - 1 - cut], sorted[N - 1]);
    }
  }

  /** Of quantizing to int8 and back. */
  private static double squaredError(float[] values, double min, double max) {
    double low = Math.min(min, 0);
    double high = Math.max(max, 0);
    double scale = (high - low) / 255;
    double zeroPoint = Math.rint(-128 - low / scale);
    double sum = 0;
    for (float value : values) {
      double code = Math.rint(value / scale) + zeroPoint;
      double back = (Math.max(-128, Math.min(127, code)) - zeroPoint) * scale;
      sum += (back - value) * (back - value);
    }
    return sum;
  }

  @ParameterizedTest
  @MethodSource("distributions")
  void leastSquaresIsNearTheBestOfAllRanges(String name, float[] values) {
    TensorStatistics statistics = Tallied.statistics(values);
    FloatRange all = statistics.range();
    double best = Double.POSITIVE_INFINITY;
    for (int i = 1; i <= 40; i++) {
      for (int j = 1; j <= 40; j++) {
        double min = Math.min(all.min(), 0) * i / 40;
        double max = Math.max(all.max(), 0) * j / 40;
        best = Math.min(best, max > min ? squaredError(values, min, max) : best);
      }
    }
    FloatRange range = statistics.choose(RangeMethod.MSE);
    assertThat(squaredError(values, range.min(), range.max())).isLessThan(best * 1.03);
    assertThat(range.min()).isGreaterThanOrEqualTo(all.min());
    assertThat(range.max()).isLessThanOrEqualTo(all.max());
  }

  /** Of each value; next to zero, where a code is exact, as many as one bin further out. */
  private static int[] bins(float[] values, double width) {
    return IntStream.range(0, values.length)
        .map(i -> (int) Math.floor(values[i] / width))
        .filter(bin -> bin < -1 || bin > 0)
        .flatMap(
            bin ->
                bin == 1
                    ? IntStream.of(0, 1)
                    : bin == -2 ? IntStream.of(-1, -2) : IntStream.of(bin))
        .toArray();
  }

  /** Divergence of what 256 codes make of the values within a distance, as TensorRT defines it. */
  private static double divergence(float[] values, double width, int low, int high) {
    double[] clamped = new double[high - low];
    double[] inside = new double[high - low];
    int counted = 0;
    for (int bin : bins(values, width)) {
      counted++;
      clamped[Math.min(Math.max(bin, low), high - 1) - low]++;
      if (bin >= low && bin < high) {
        inside[bin - low]++;
      }
    }
    double[] coded = new double[high - low];
    double total = 0;
    for (int code = 0; code < 256; code++) {
      int from = (int) Math.floor(code / 256.0 * coded.length);
      int to = (int) Math.floor((code + 1) / 256.0 * coded.length);
      double[] part = Arrays.copyOfRange(inside, from, to);
      double filled = Arrays.stream(part).filter(count -> count > 0).count();
      double mean = Arrays.stream(part).sum() / Math.max(filled, 1);
      for (int i = from; i < to; i++) {
        double count = inside[i] > 0 ? mean : 0;
        coded[i] = clamped[i] > 0 ? Math.max(count, 1e-4) : 0;
        total += coded[i];
      }
    }
    double sum = 0;
    for (int i = 0; i < coded.length; i++) {
      double p = clamped[i] / counted;
      sum += p > 0 ? p * Math.log(p / (coded[i] / total)) : 0;
    }
    return sum;
  }

  @ParameterizedTest
  @MethodSource("distributions")
  void entropyHasTheLeastDivergenceOf256Distances(String name, float[] values) {
    TensorStatistics statistics = Tallied.statistics(values);
    double width = statistics.histogram().orElseThrow().width();
    FloatRange all = statistics.range();
    int low = (int) Math.floor(Math.min(all.min(), 0) / width);
    int high = all.max() < 0 ? 0 : (int) Math.floor(all.max() / width) + 1;
    double least = Double.POSITIVE_INFINITY;
    int furthest = Math.max(-low, high);
    for (int distance = furthest; distance > 0; distance -= Math.max(1, furthest / 256)) {
      int from = Math.max(low, -distance);
      int to = Math.min(high, distance);
      least = to - from < 256 ? least : Math.min(least, divergence(values, width, from, to));
    }
    FloatRange range = statistics.choose(RangeMethod.ENTROPY);
    int from = (int) Math.floor(Math.min(range.min(), 0) / width);
    int to = (int) Math.ceil(Math.max(range.max(), 0) / width);
    double got = divergence(values, width, from, to);
    assertThat(got).isCloseTo(least, within(1e-9));
  }

  @Test
  void zerosDoNotNarrowTheRangeOfTheLeastDivergence() {
    Random random = new Random(9);
    float[] values = values(() -> Math.abs((float) random.nextGaussian()));
    float[] rectified = Arrays.copyOf(values, 4 * values.length);
    assertThat(Tallied.statistics(rectified).choose(RangeMethod.ENTROPY).max())
        .isEqualTo(Tallied.statistics(values).choose(RangeMethod.ENTROPY).max());
  }

  @Test
  void rareOutliersAreCutOffWhereTheCodesAreWorthMore() {
    Random random = new Random(5);
    float[] values = new float[1 << 13];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    values[77] = 40;
    TensorStatistics statistics = Tallied.statistics(values);
    assertThat(statistics.choose(RangeMethod.MINMAX).max()).isEqualTo(40);
    assertThat(statistics.choose(RangeMethod.percentile(99.9)).max()).isBetween(2f, 6f);
    assertThat(statistics.choose(RangeMethod.ENTROPY).max()).isBetween(2f, 20f);
    // One value in 8192 that is off by 36 costs more than coarse codes for the others.
    assertThat(statistics.choose(RangeMethod.MSE).max()).isGreaterThan(35);
  }

  @Test
  void oneValueIsItsOwnRange() {
    for (float value : new float[] {0, 3.7f, -1e-40f, 1e30f}) {
      for (RangeMethod method :
          new RangeMethod[] {
            RangeMethod.MINMAX, RangeMethod.PERCENTILE, RangeMethod.MSE, RangeMethod.ENTROPY
          }) {
        FloatRange range = Tallied.statistics(value, value).choose(method);
        assertThat(range)
            .as("%s of %s", method, value)
            .isEqualTo(new FloatRange(value, value, 0, 0));
      }
    }
  }

  @Test
  void methodsAreReadByName() {
    for (String text :
        new String[] {
          "minmax",
          "moving-average",
          "moving-average:0.9",
          "percentile",
          "percentile:99.5",
          "entropy",
          "mse"
        }) {
      assertThat(RangeMethod.parse(text)).hasToString(text);
    }
    assertThat(RangeMethod.parse("percentile")).isEqualTo(RangeMethod.percentile(99.99));
    assertThat(RangeMethod.parse("MINMAX")).isEqualTo(RangeMethod.MINMAX);
    for (String text :
        new String[] {
          "", "median", "percentile:101", "percentile:x", "mse:2", "moving-average:2"
        }) {
      assertThatThrownBy(() -> RangeMethod.parse(text))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("range method");
    }
  }
}
