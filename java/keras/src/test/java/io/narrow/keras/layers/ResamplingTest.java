package io.narrow.keras.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights of pixels against what every way to resize has to hold, and against slow integrals. */
class ResamplingTest {
  private static final float CLOSE = 1e-5f;
  private static final int[][] SIZES = {
    {1, 1}, {1, 4}, {5, 5}, {4, 7}, {7, 4}, {3, 12}, {12, 3}, {9, 2}, {2, 9}, {16, 15}
  };

  private static final String[] ALL = {
    "bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian", "mitchellcubic", "area"
  };

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void evenImageStaysEven(boolean antialias) {
    for (String way : ALL) {
      for (int[] size : SIZES) {
        float[] matrix = Resampling.matrix(way, size[0], size[1], antialias);
        for (int o = 0; o < size[1]; o++) {
          float sum = 0;
          for (int i = 0; i < size[0]; i++) {
            sum += matrix[o * size[0] + i];
          }
          assertThat(sum).as("%s of %d to %d", way, size[0], size[1]).isCloseTo(1, within(CLOSE));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void mirroredImageGivesTheMirroredResult(boolean antialias) {
    for (String way : ALL) {
      for (int[] size : SIZES) {
        float[] matrix = Resampling.matrix(way, size[0], size[1], antialias);
        for (int k = 0; k < matrix.length; k++) {
          assertThat(matrix[k])
              .as("%s of %d to %d", way, size[0], size[1])
              .isCloseTo(matrix[matrix.length - 1 - k], within(CLOSE));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bilinear", "bicubic", "lanczos3", "lanczos5", "area"})
  void imageOfTheSameSizeStaysAsItIs(String way) {
    float[] matrix = Resampling.matrix(way, 6, 6, true);
    for (int k = 0; k < matrix.length; k++) {
      assertThat(matrix[k]).isCloseTo(k % 7 == 0 ? 1 : 0, within(CLOSE));
    }
  }

  /** A line stays one, pixels having their middle at a half, where no kernel reaches an edge. */
  @ParameterizedTest
  @CsvSource({"bilinear, 1", "bicubic, 2", "mitchellcubic, 2"})
  void lineStaysALineAwayFromTheEdges(String way, int reach) {
    int in = 9;
    for (int out : new int[] {10, 18, 25}) {
      float[] matrix = Resampling.matrix(way, in, out, false);
      for (int o = 0; o < out; o++) {
        double place = (o + .5) * in / out - .5;
        double found = 0;
        for (int i = 0; i < in; i++) {
          found += i * (double) matrix[o * in + i];
        }
        if (place >= reach - 1 && place <= in - reach) {
          // TensorFlow's table of cubic weights has 1024 places in a pixel.
          assertThat(found).as("%s to %d", way, out).isCloseTo(place, within(6e-4));
        }
      }
    }
  }

  /** Each pixel cut into parts so small that every result is a mean of whole ones. */
  @ParameterizedTest
  @CsvSource({"5, 3", "3, 5", "12, 4", "7, 7", "1, 6", "8, 1"})
  void areaIsTheMeanOfWhatAPixelCovers(int in, int out) {
    float[] matrix = Resampling.matrix("area", in, out, false);
    float[] slow = new float[in * out];
    for (int part = 0; part < in * out; part++) {
      slow[part / in * in + part / out] += 1f / in;
    }
    assertThat(matrix).containsExactly(slow, within(CLOSE));
  }

  @ParameterizedTest
  @CsvSource({"5, 3", "7, 7", "10, 4", "3, 5", "1, 1", "13, 6"})
  void adaptiveWindowsCoverTheirShareAndNothingBeside(int in, int out) {
    float[] matrix = Resampling.adaptive(in, out);
    for (int o = 0; o < out; o++) {
      int count = 0;
      for (int i = 0; i < in; i++) {
        // Whether the pixel [i, i + 1) and the share [o in/out, (o + 1) in/out) overlap.
        count += i * out < (o + 1) * in && (i + 1) * out > o * in ? 1 : 0;
      }
      for (int i = 0; i < in; i++) {
        boolean inside = i * out < (o + 1) * in && (i + 1) * out > o * in;
        assertThat(matrix[o * in + i]).isEqualTo(inside ? 1f / count : 0);
      }
    }
  }
}
