package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LeastSquaresTest {
  private static final int ROWS = 200;
  private static final int CHANNELS = 3;

  /** Inputs that depend on each other as those of a layer behind RELU do, and what is missing. */
  private static final class Data {
    final int depth;
    final double[] x;
    final double[] y = new double[ROWS * CHANNELS];
    final double[] weights;
    final double[] scales = new double[CHANNELS];

    Data(int depth, long seed) {
      this.depth = depth;
      this.x = new double[ROWS * depth];
      this.weights = new double[depth * CHANNELS];
      Random random = new Random(seed);
      double[] mix = random.doubles(3L * depth, -1, 1).toArray();
      for (int r = 0; r < ROWS; r++) {
        double[] hidden = random.doubles(3, -1, 1).toArray();
        for (int i = 0; i < depth; i++) {
          double sum = .2 * random.nextGaussian();
          for (int k = 0; k < 3; k++) {
            sum += hidden[k] * mix[3 * i + k];
          }
          x[r * depth + i] = Math.max(0, sum);
        }
        for (int c = 0; c < CHANNELS; c++) {
          y[r * CHANNELS + c] = .01 * random.nextGaussian() + .02 * x[r * depth];
        }
      }
      for (int c = 0; c < CHANNELS; c++) {
        for (int i = 0; i < depth; i++) {
          double weight = random.nextGaussian();
          weights[i * CHANNELS + c] = weight;
          scales[c] = Math.max(scales[c], Math.abs(weight) / 7);
        }
      }
    }

    Moments moments(boolean centred) {
      Moments moments = new Moments(depth, CHANNELS, centred);
      moments.add(x, y, ROWS);
      return moments;
    }

    Weights all() {
      return Weights.perChannel(weights, scales, 7);
    }

    double[] codes(Moments moments, double typical) {
      return new LeastSquares(moments, typical, .01).choose(all(), all().scales(), 1).codes();
    }

    double[] nearest() {
      double[] codes = new double[weights.length];
      for (int i = 0; i < codes.length; i++) {
        codes[i] = Math.rint(weights[i] / scales[i % CHANNELS]);
      }
      return codes;
    }

    /** The slow obvious way: |X (v - w) - D|^2 less |D|^2, without the means. */
    double error(int c, double[] codes, boolean centred) {
      double[] left = new double[ROWS];
      double mean = 0;
      double meanMissing = 0;
      for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < depth; i++) {
          int at = i * CHANNELS + c;
          left[r] += x[r * depth + i] * (scales[c] * codes[at] - weights[at]);
        }
        left[r] -= y[r * CHANNELS + c];
        mean += left[r] / ROWS;
        meanMissing += y[r * CHANNELS + c] / ROWS;
      }
      double error = 0;
      for (int r = 0; r < ROWS; r++) {
        double missing = y[r * CHANNELS + c];
        error += Math.pow(left[r] - (centred ? mean : 0), 2);
        error -= Math.pow(missing - (centred ? meanMissing : 0), 2);
      }
      return error;
    }
  }

  @ParameterizedTest
  @CsvSource({"9, true", "9, false", "64, true", "150, true", "150, false"})
  void errorsAreThoseOfTheSums(int depth, boolean centred) {
    Data data = new Data(depth, 1);
    Moments moments = data.moments(centred);
    double[] codes = data.nearest();
    double[] errors = moments.errors(data.all().off(codes));
    for (int c = 0; c < CHANNELS; c++) {
      double found = errors[c] - moments.energy(c);
      assertThat(found).isCloseTo(data.error(c, codes, centred), within(1e-8));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 9, 40, 90})
  void theErrorFallsFarBelowThatOfTheNearestCodes(int depth) {
    double before = 0;
    double after = 0;
    for (int seed = 0; seed < 10; seed++) {
      Data data = new Data(depth, seed);
      Moments moments = data.moments(true);
      double[] codes = data.codes(moments, moments.typicalSquare());
      for (double code : codes) {
        assertThat(code).isEqualTo(Math.rint(code)).isBetween(-7.0, 7.0);
      }
      for (int c = 0; c < CHANNELS; c++) {
        double missing = moments.energy(c);
        before += data.error(c, data.nearest(), true) + missing;
        after += data.error(c, codes, true) + missing;
      }
    }
    assertThat(after).isLessThanOrEqualTo(before * (depth < 9 ? 1 : .6));
  }

  /** All combinations of a few codes: what is found is next to the best of them. */
  @Test
  void noOtherCodesAreMuchBetter() {
    double best = 0;
    double found = 0;
    for (int seed = 0; seed < 20; seed++) {
      Data data = new Data(4, seed);
      Moments moments = data.moments(true);
      double[] codes = data.codes(moments, moments.typicalSquare());
      double least = Double.POSITIVE_INFINITY;
      double[] tried = codes.clone();
      for (int all = 0; all < 15 * 15 * 15 * 15; all++) {
        for (int i = 0, rest = all; i < 4; i++, rest /= 15) {
          tried[i * CHANNELS] = rest % 15 - 7;
        }
        least = Math.min(least, data.error(0, tried, true));
      }
      best += least + moments.energy(0);
      found += data.error(0, codes, true) + moments.energy(0);
    }
    assertThat(found).isBetween(best * (1 - 1e-9), best * 1.35);
  }

  /** To make up for a part of what is missing is to make up for all of a part of it. */
  @Test
  void aPartOfWhatIsMissingIsThatPartOfIt() {
    Data data = new Data(9, 4);
    Moments all = data.moments(true);
    double[] half =
        new LeastSquares(all, all.typicalSquare(), .1)
            .choose(data.all(), data.all().scales(), .5)
            .codes();
    for (int at = 0; at < data.y.length; at++) {
      data.y[at] /= 2;
    }
    Moments part = data.moments(true);
    assertThat(half)
        .isEqualTo(
            new LeastSquares(part, part.typicalSquare(), .1)
                .choose(data.all(), data.all().scales(), 1)
                .codes());
  }

  @Test
  void theMoreIsAddedTheNearerAreTheCodes() {
    Data data = new Data(40, 5);
    Moments moments = data.moments(true);
    double last = Double.POSITIVE_INFINITY;
    for (double damping : new double[] {.001, 1, 1e9}) {
      double[] codes =
          new LeastSquares(moments, 0, damping).choose(data.all(), data.all().scales(), 1).codes();
      double off = 0;
      for (double each : data.all().off(codes)) {
        off += each * each;
      }
      assertThat(off).isLessThan(last);
      last = off;
    }
  }

  @Test
  void momentsOfPartsAddUp() {
    Data data = new Data(70, 6);
    int split = 77;
    Moments one = new Moments(70, CHANNELS, true);
    Moments other = new Moments(70, CHANNELS, true);
    one.add(data.x, data.y, split);
    other.add(
        Arrays.copyOfRange(data.x, split * 70, data.x.length),
        Arrays.copyOfRange(data.y, split * CHANNELS, data.y.length),
        ROWS - split);
    one.add(other);
    double[] off = data.all().off(data.nearest());
    double[] wanted = data.moments(true).errors(off);
    double[] found = one.errors(off);
    for (int c = 0; c < CHANNELS; c++) {
      assertThat(found[c]).isCloseTo(wanted[c], within(1e-8));
    }
    int[] some = {2, 0};
    double[] two = one.of(some).errors(data.all().of(some).off(data.all().of(some).nearest()));
    assertThat(two).containsExactly(found[2], found[0]);
  }

  @Test
  void inputsThatAreAlwaysZeroLeaveTheNearestCodes() {
    Data data = new Data(9, 3);
    for (int r = 0; r < ROWS; r++) {
      data.x[r * 9 + 4] = 0;
    }
    Moments moments = data.moments(true);
    double[] codes = data.codes(moments, moments.typicalSquare());
    for (int c = 0; c < CHANNELS; c++) {
      assertThat(codes[4 * CHANNELS + c]).isEqualTo(data.nearest()[4 * CHANNELS + c]);
    }
  }

  @Test
  void aGroupThatNeverFiresIsRoundedToTheNearest() {
    Data data = new Data(9, 3);
    Arrays.fill(data.x, 0);
    Moments moments = data.moments(true);
    for (double typical : new double[] {0, 5}) {
      double[] codes = data.codes(moments, typical);
      assertThat(codes).isEqualTo(data.nearest());
    }
  }

  @Test
  void whatOverflowsIsSeen() {
    Data data = new Data(2, 3);
    assertThat(data.moments(true).isFinite()).isTrue();
    data.x[3] = Double.POSITIVE_INFINITY;
    assertThat(data.moments(true).isFinite()).isFalse();
    data.x[3] = 1;
    data.y[4] = Double.NaN;
    assertThat(data.moments(true).isFinite()).isFalse();
  }
}
