package io.narrow.tflite.autotune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  private static final int SAMPLES = 200;

  /** Noise of a common size per sample, as samples are unlike each other, and of one's own. */
  private static Outcome outcome(double size, long seed) {
    SplittableRandom common = new SplittableRandom(1);
    SplittableRandom own = new SplittableRandom(seed);
    double[][] signal = new double[1][SAMPLES];
    double[][] noise = new double[1][SAMPLES];
    for (int s = 0; s < SAMPLES; s++) {
      signal[0][s] = 1;
      double hard = Math.exp(4 * common.nextDouble());
      noise[0][s] = size * hard * (0.5 + own.nextDouble());
    }
    return new Outcome(1, signal, noise, new int[SAMPLES], new long[SAMPLES]);
  }

  @Test
  void differencesOfChanceAreEqualAndOthersAreNot() {
    Outcome first = outcome(0.01, 2);
    assertThat(Bootstrap.equal(first, first)).isTrue();
    assertThat(Bootstrap.equal(first, outcome(0.01, 3))).isTrue();
    assertThat(Bootstrap.equal(first, outcome(0.013, 3))).isFalse();
    assertThat(Bootstrap.equal(outcome(0.013, 3), first)).isFalse();
  }

  @Test
  void intervalLiesAroundTheDifferenceAndIsTheSameEveryTime() {
    Outcome less = outcome(0.01, 2);
    Outcome more = outcome(0.02, 3);
    double[] interval = Bootstrap.difference(less, more);
    double difference = less.sqnrDb() - more.sqnrDb();
    assertThat(difference).isCloseTo(10 * Math.log10(2), within(0.5));
    assertThat(interval[0]).isLessThan(difference).isGreaterThan(difference - 1);
    assertThat(interval[1]).isGreaterThan(difference).isLessThan(difference + 1);
    assertThat(Bootstrap.difference(less, more)).containsExactly(interval);
  }

  @Test
  void withoutNoiseOrWithoutNumbersNothingIsChance() {
    Outcome none = outcome(0, 2);
    assertThat(none.sqnrDb()).isInfinite().isPositive();
    assertThat(Bootstrap.equal(none, outcome(0, 3))).isTrue();
    assertThat(Bootstrap.equal(none, outcome(1e-9, 3))).isFalse();
    Outcome broken = outcome(Double.NaN, 2);
    assertThat(broken.sqnrDb()).isInfinite().isNegative();
    assertThat(Bootstrap.equal(broken, broken)).isTrue();
    assertThat(Bootstrap.equal(none, broken)).isFalse();
  }
}
