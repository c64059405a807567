package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShiftsTest {
  private static final int CHANNELS = 200;

  private static double[] truth(double size) {
    Random random = new Random(1);
    return random.doubles(CHANNELS, -size, size).toArray();
  }

  /** Of each sample the truth and noise of variance 1. */
  private static float[][] noisy(double[] truth, int samples) {
    Random random = new Random(2);
    float[][] values = new float[samples][CHANNELS];
    for (float[] sample : values) {
      for (int c = 0; c < CHANNELS; c++) {
        sample[c] = (float) (truth[c] + random.nextGaussian());
      }
    }
    return values;
  }

  private static double[] likely(float[][] shifts) {
    return new Shifts(new float[shifts.length][CHANNELS], shifts).likely();
  }

  private static double[] plain(float[][] shifts) {
    double[] means = new double[CHANNELS];
    for (float[] sample : shifts) {
      for (int c = 0; c < CHANNELS; c++) {
        means[c] += sample[c] / (double) shifts.length;
      }
    }
    return means;
  }

  private static double distance(double[] x, double[] y) {
    double sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
      sum += Math.pow(x[c] - y[c], 2);
    }
    return sum;
  }

  /** The least that any factor could leave of noise n beside shifts v is v n / (v + n). */
  @ParameterizedTest
  @CsvSource({"4, 0.3", "4, 1", "16, 0.3", "16, 1", "100, 0.3"})
  void comesNearerToTheTruthThanTheMean(int samples, double size) {
    double[] truth = truth(size);
    float[][] shifts = noisy(truth, samples);
    double shrunk = distance(truth, likely(shifts));
    double variance = size * size / 3;
    double noise = 1.0 / samples;
    assertThat(shrunk).isLessThan(distance(truth, plain(shifts)));
    assertThat(shrunk / CHANNELS).isLessThan(1.35 * variance * noise / (variance + noise));
  }

  @Test
  void chanceAloneIsNoShift() {
    float[][] shifts = noisy(new double[CHANNELS], 8);
    double[] none = new double[CHANNELS];
    assertThat(distance(none, likely(shifts))).isLessThan(distance(none, plain(shifts)) / 20);
  }

  @Test
  void whatIsCertainIsTakenWhole() {
    float[] same = noisy(new double[CHANNELS], 1)[0];
    for (int samples : new int[] {1, 2, 5}) {
      double[] found = likely(Collections.nCopies(samples, same).toArray(float[][]::new));
      for (int c = 0; c < CHANNELS; c++) {
        assertThat(found[c]).isCloseTo(same[c], within(1e-12));
      }
    }
  }

  @Test
  void orderOfTheSamplesMakesNoDifference() {
    float[][] shifts = noisy(truth(1), 9);
    List<float[]> others = Arrays.asList(shifts.clone());
    Collections.shuffle(others, new Random(3));
    assertThat(likely(others.toArray(float[][]::new))).isEqualTo(likely(shifts));
  }
}
