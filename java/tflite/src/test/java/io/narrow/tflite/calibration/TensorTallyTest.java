package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorTallyTest {
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    -1f,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    -Float.MIN_NORMAL,
    1e-30f,
    -1e-30f,
    Math.nextDown(1f),
    Math.nextUp(-1f),
    1024f,
    -2048f,
    3e38f,
    -3e38f,
    Float.MAX_VALUE,
    -Float.MAX_VALUE
  };

  private static FloatRange add(TensorTally tally, float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return tally.add(bytes, new float[TensorTally.COUNTED]);
  }

  private static TensorTally tally() {
    return new TensorTally(Optional.empty());
  }

  /** Samples of all magnitudes, signs and lengths. */
  private static List<float[]> samples(long seed, boolean special) {
    Random random = new Random(seed);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      float[] values = new float[1 + random.nextInt(3000)];
      double scale = Math.pow(10, random.nextInt(8) - 4);
      boolean positive = random.nextBoolean();
      for (int k = 0; k < values.length; k++) {
        double value = random.nextGaussian() * scale;
        values[k] = (float) (positive ? Math.max(value, 0) : value);
        if (special && random.nextInt(100) == 0) {
          values[k] = SPECIAL[random.nextInt(SPECIAL.length)];
        }
      }
      samples.add(values);
    }
    return samples;
  }

  /** All values at once, each put into its bin in exact arithmetic. */
  private static Map<Integer, Long> slowHistogram(List<float[]> samples, int exponent) {
    Map<Integer, Long> bins = new TreeMap<>();
    for (float[] sample : samples) {
      for (float value : sample) {
        double magnitude = Math.floor(Math.abs((double) value) / Math.pow(2, exponent));
        bins.merge((int) (value < 0 ? -1 - magnitude : magnitude), 1L, Long::sum);
      }
    }
    return bins;
  }

  private static Map<Integer, Long> bins(Histogram histogram) {
    Map<Integer, Long> bins = new TreeMap<>();
    for (int i = 0; i < histogram.size(); i++) {
      if (histogram.count(i) > 0) {
        bins.put(histogram.first() + i, histogram.count(i));
      }
    }
    return bins;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void countsAreThoseOfAllValuesAtOnceInWhateverOrderAndParts(long seed) {
    List<float[]> samples = samples(seed, seed % 2 == 0);
    TensorTally whole = tally();
    samples.forEach(values -> add(whole, values));
    Histogram histogram = whole.histogram();
    assertThat(bins(histogram)).isEqualTo(slowHistogram(samples, histogram.exponent()));
    int span =
        Histogram.bin(Math.max(whole.range().max(), 0), histogram.exponent())
            - Histogram.bin(Math.min(whole.range().min(), 0), histogram.exponent());
    assertThat(span).isBetween(1023 - 2, 2047);

    Collections.shuffle(samples, new Random(seed));
    TensorTally[] parts = {tally(), tally(), tally()};
    for (int i = 0; i < samples.size(); i++) {
      add(parts[i % 7 % 3], samples.get(i));
    }
    FloatRange range = whole.range();
    assertThat(parts[2].range().merge(parts[0].range()).merge(parts[1].range())).isEqualTo(range);
    int exponent = Histogram.exponent(range.min(), range.max());
    for (int[] order : new int[][] {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}}) {
      Histogram merged =
          parts[order[0]]
              .histogram()
              .merge(parts[order[1]].histogram(), exponent)
              .merge(parts[order[2]].histogram(), exponent);
      assertThat(merged).isEqualTo(histogram);
    }
  }

  @Test
  void zerosHaveABinOfTheSmallestWidth() {
    TensorTally tally = tally();
    add(tally, 0f, -0f, 0f);
    assertThat(tally.histogram()).isEqualTo(new Histogram(Histogram.SMALLEST, 0, new long[] {3}));
    add(tally, -0f, 8f);
    assertThat(bins(tally.histogram())).isEqualTo(Map.of(0, 4L, 1024, 1L));
  }

  @Test
  void theWidestRangeOfFloatsFits() {
    TensorTally tally = tally();
    add(tally, Float.MIN_VALUE, -Float.MIN_VALUE);
    add(tally, Float.MAX_VALUE, -Float.MAX_VALUE);
    Histogram histogram = tally.histogram();
    assertThat(histogram.total()).isEqualTo(4);
    assertThat(histogram.exponent()).isBetween(100, Histogram.LARGEST);
    assertThat(bins(histogram)).containsEntry(0, 1L).containsEntry(-1, 1L);
  }

  @Test
  void valuesThatAreNotFiniteAreToldAndNotCounted() {
    TensorTally tally = tally();
    FloatRange seen = add(tally, 1f, Float.NaN, Float.POSITIVE_INFINITY);
    assertThat(seen.nans()).isOne();
    assertThat(seen.infinities()).isOne();
    assertThat(tally.range().isEmpty()).isTrue();
    assertThat(tally.histogram().total()).isZero();
  }

  @Test
  void noElementsAreNoRange() {
    TensorTally tally = tally();
    assertThat(add(tally).isEmpty()).isTrue();
    assertThat(tally.range().isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {8192, 8193, 32768, 65536, 129 * 129 * 32, 7 * 7 * 1280, 1 << 20, 99991})
  void ofLargeTensorsEveryChannelAndRowIsCountedAsOften(int elements) {
    int step = TensorTally.step(elements);
    int counted = (elements - 1) / step + 1;
    assertThat(counted).isBetween(TensorTally.COUNTED / 4, TensorTally.COUNTED);
    for (int axis = 2; axis <= 64; axis++) {
      if (elements % axis == 0) {
        int[] hits = new int[axis];
        for (int at = 0; at < elements; at += step) {
          hits[at % axis]++;
        }
        int least = Arrays.stream(hits).min().orElseThrow();
        int most = Arrays.stream(hits).max().orElseThrow();
        assertThat(most - least).as("axis of %s", axis).isLessThanOrEqualTo(1);
      }
    }
    float[] values = new float[elements];
    Arrays.fill(values, 1f);
    values[1] = -5;
    TensorTally tally = tally();
    add(tally, values);
    assertThat(tally.histogram().total()).isEqualTo(counted);
    assertThat(tally.range().min()).as("the range is of all elements").isEqualTo(-5);
  }

  @Test
  void movingAverageIsThatOfNumpyInFloat32() {
    TensorTally tally = new TensorTally(Optional.of(RangeMethod.MOVING_AVERAGE));
    add(tally, -1f, 2f);
    add(tally, -3f, 1f);
    add(tally, 0.3f, 7f);
    // q = np.float32(-1), np.float32(2); for s in ...: q = 0.95 * q + (1.0 - 0.95) * np.float32(s)
    assertThat(tally.average().orElseThrow().min()).isEqualTo(-1.03f);
    assertThat(tally.average().orElseThrow().max()).isEqualTo(2.2024999f);
  }
}
