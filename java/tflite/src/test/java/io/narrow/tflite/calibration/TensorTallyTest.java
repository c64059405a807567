package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
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

  /** Statistics of two tensors in random parts of a data set, merged in a random order. */
  @Property(tries = 100)
  void calibrationsOfPartsMergeToThatOfAllInAnyOrder(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int count) throws IOException {
    Random random = new Random(seed);
    List<float[]> samples = samples(seed, random.nextBoolean());
    List<Calibration> parts = new ArrayList<>();
    List<float[]> left = new ArrayList<>(samples);
    for (int i = count; i > 0; i--) {
      int size = i == 1 ? left.size() : random.nextInt(left.size() + 1);
      parts.add(calibration(left.subList(0, size)));
      left = left.subList(size, left.size());
    }
    while (parts.size() > 1) {
      Calibration one = parts.remove(random.nextInt(parts.size()));
      Calibration other = parts.remove(random.nextInt(parts.size()));
      parts.add(random.nextInt(parts.size() + 1), one.merge(other));
    }
    assertThat(text(parts.get(0))).isEqualTo(text(calibration(samples)));
  }

  /** Of a tensor that every sample has values of, and one that those of an even length have. */
  private static Calibration calibration(List<float[]> samples) {
    TensorTally[] tallies = {tally(), tally()};
    for (float[] values : samples) {
      add(tallies[0], values);
      if (values.length % 2 == 0) {
        add(tallies[1], values);
      }
    }
    List<TensorStatistics> known = new ArrayList<>();
    for (int t = 0; t < tallies.length; t++) {
      if (!tallies[t].range().isEmpty()) {
        known.add(
            new TensorStatistics(
                new TensorStatistics.Place(0, t),
                "tensor " + t,
                tallies[t].range(),
                Optional.of(tallies[t].histogram()),
                Optional.empty()));
      }
    }
    return new Calibration(samples.size(), known, RangeMethod.AUTO);
  }

  private static String text(Calibration calibration) throws IOException {
    Path file = Files.createTempFile("calibration", ".json");
    try {
      calibration.write(file);
      return Files.readString(file);
    } finally {
      Files.delete(file);
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
