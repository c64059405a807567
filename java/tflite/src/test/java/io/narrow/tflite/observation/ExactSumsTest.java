package io.narrow.tflite.observation;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class ExactSumsTest {
  private static final long SEED = 11;

  private static float anyFloat(Random random) {
    float value = Float.intBitsToFloat(random.nextInt());
    return Float.isFinite(value) ? value : random.nextFloat() - .5f;
  }

  private static double mean(List<Float> values) {
    ExactSums sums = new ExactSums(2);
    values.forEach(value -> sums.add(new float[] {1, value}));
    double[] means = sums.means(values.size());
    assertThat(means[0]).isEqualTo(1);
    return means[1];
  }

  @Test
  void areThoseOfDecimalArithmetic() {
    Random random = new Random(SEED);
    for (int turn = 0; turn < 1000; turn++) {
      List<Float> values = new ArrayList<>();
      BigDecimal sum = BigDecimal.ZERO;
      for (int i = 0; i <= random.nextInt(50); i++) {
        float value = turn % 2 == 0 ? anyFloat(random) : (float) random.nextGaussian();
        values.add(value);
        sum = sum.add(new BigDecimal(value));
      }
      double exact =
          sum.divide(BigDecimal.valueOf(values.size()), MathContext.DECIMAL128).doubleValue();
      assertThat(mean(values))
          .as("seed %s, turn %s: %s", SEED, turn, values)
          .isCloseTo(exact, Percentage.withPercentage(1e-9));
    }
  }

  @Test
  void doNotDependOnTheOrder() {
    Random random = new Random(SEED);
    List<Float> values = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      values.add(anyFloat(random));
    }
    double mean = mean(values);
    for (int turn = 0; turn < 20; turn++) {
      Collections.shuffle(values, random);
      assertThat(mean(values)).isEqualTo(mean);
    }
  }

  @Test
  void whatCancelsIsZero() {
    assertThat(
            mean(List.of(3e38f, 1e-40f, -3e38f, -1e-40f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE)))
        .isZero();
  }
}
