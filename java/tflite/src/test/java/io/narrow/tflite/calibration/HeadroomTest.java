package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadroomTest {
  private static TensorStatistics gauss(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tallied.statistics(values);
  }

  /** As the class says it, value by value: each left out, the ranges of the others made wider. */
  private static double error(List<float[]> parts, double share) {
    double rounded = 0;
    double cut = 0;
    for (float[] part : parts) {
      float min = 0;
      float max = 0;
      for (float[] other : parts) {
        for (float value : other == part ? new float[0] : other) {
          min = Math.min(min, value);
          max = Math.max(max, value);
        }
      }
      double low = min * (1 + share);
      double high = max * (1 + share);
      double step = (high - low) / 255;
      for (float value : part) {
        double beyond = Math.max(0, Math.max(value - high, low - value));
        cut += beyond * beyond;
        rounded += beyond > 0 ? 0 : step * step / 12;
      }
    }
    return rounded + 8 * cut;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void wholeRangesGetTheShareThatLosesLeastOnWhatWasLeftOut(long seed) {
    Random random = new Random(seed);
    List<float[]> parts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      float[] values = new float[5];
      for (int k = 0; k < values.length; k++) {
        values[k] = (float) random.nextGaussian();
      }
      parts.add(values);
    }
    double share = Headroom.of(parts.stream().map(Tallied::statistics).toList()).whole();
    double least = Double.POSITIVE_INFINITY;
    for (double each : new double[] {0, .03, .06, .1, .15, .2, .3, .4, .6, .8, 1.2}) {
      least = Math.min(least, error(parts, each));
    }
    // Bins take a value for the edge of a thousandth of the range.
    assertThat(error(parts, share)).isLessThanOrEqualTo(least * 1.1);
    assertThat(error(parts, share)).isLessThan(error(parts, 0));
  }

  @Test
  void partsThatReachEquallyFarLackNothing() {
    TensorStatistics part = Tallied.statistics(-3, -1, 0.5f, 1, 2, 6);
    assertThat(Headroom.of(List.of(part, part, part)).isNone()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theFewerValuesTheMoreIsLacking(long seed) {
    Random random = new Random(seed);
    List<TensorStatistics> few = new ArrayList<>();
    List<TensorStatistics> many = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      few.add(gauss(random, 2));
      many.add(gauss(random, TensorTally.COUNTED));
    }
    assertThat(Headroom.of(many).cut()).isLessThan(Headroom.of(few).cut());
    assertThat(Headroom.of(many).whole()).isLessThan(Headroom.of(few).whole());
  }

  @Test
  void zeroStaysTheEndOfARange() {
    FloatRange positive = new Headroom(0.5, 1).around(new FloatRange(0, 4, 0, 0), false);
    assertThat(positive).isEqualTo(new FloatRange(0, 6, 0, 0));
    FloatRange both = new Headroom(0.5, 1).around(new FloatRange(-1, 4, 0, 0), true);
    assertThat(both).isEqualTo(new FloatRange(-2, 8, 0, 0));
    FloatRange far = new Headroom(0.5, 1).around(new FloatRange(2, 4, 0, 0), false);
    assertThat(far).isEqualTo(new FloatRange(2, 6, 0, 0));
  }

  @Test
  void onePartTellsNothing() {
    assertThat(Headroom.of(List.of(Tallied.statistics(1, 2))).isNone()).isTrue();
    assertThat(Headroom.of(List.of()).isNone()).isTrue();
  }
}
