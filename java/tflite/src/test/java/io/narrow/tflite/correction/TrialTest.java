package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrialTest {
  private static final int DEPTH = 60;
  private static final int CHANNELS = 40;

  private final Random random = new Random(7);
  private final double[] mix = random.doubles(5L * DEPTH, -1, 1).toArray();
  private final Weights weights = weights();

  private Weights weights() {
    double[] exact = random.doubles((long) DEPTH * CHANNELS, -1, 1).toArray();
    double[] scales = random.doubles(CHANNELS, .2, .3).toArray();
    return Weights.perChannel(exact, scales, 7);
  }

  /**
   * Positions whose inputs depend on few hidden values and noise, and what is missing on them.
   *
   * @param own how large the part of each input is that depends on nothing else
   * @param missing how large what is missing is, which no input explains
   */
  private Moments[] moments(int rows, double own, double missing) {
    double[] x = new double[rows * DEPTH];
    double[] y = new double[rows * CHANNELS];
    for (int r = 0; r < rows; r++) {
      double[] hidden = random.doubles(5, -1, 1).toArray();
      for (int i = 0; i < DEPTH; i++) {
        x[r * DEPTH + i] = own * random.nextGaussian();
        for (int k = 0; k < 5; k++) {
          x[r * DEPTH + i] += hidden[k] * mix[5 * i + k];
        }
      }
      for (int c = 0; c < CHANNELS; c++) {
        y[r * CHANNELS + c] = missing * random.nextGaussian();
      }
    }
    Moments moments = new Moments(DEPTH, CHANNELS, true);
    moments.add(x, y, rows);
    return new Moments[] {moments};
  }

  private Trial trial(int rows, double own, double missing) {
    Halves halves = new Halves(moments(rows, own, missing), moments(rows, own, missing));
    return new Trial(halves, group -> weights);
  }

  private double error(Moments[] judge, double[] codes) {
    double sum = 0;
    for (double error : judge[0].errors(weights.off(codes))) {
      sum += error;
    }
    return sum;
  }

  /** Beside other samples of the same kind, of which neither half knows. */
  private double gainOnOthers(Moments[] seen, Trial.Way way, double own, double missing) {
    Moments[] others = moments(20_000, own, missing);
    LeastSquares squares = new LeastSquares(seen[0], seen[0].typicalSquare(), way.damping());
    double[] codes = squares.choose(weights, weights.scales(), way.part()).codes();
    return 10 * Math.log10(error(others, weights.nearest()) / error(others, codes));
  }

  @Test
  void manySamplesThatDependOnFewValuesAreTrusted() {
    Trial trial = trial(2000, .05, 0);
    assertThat(trial.best().orElseThrow().damping()).isLessThan(.5);
    assertThat(trial.gain()).isGreaterThan(6);
  }

  /** Inputs that do not depend on each other leave nothing to gain, and few samples pretend one. */
  @Test
  void theNearestCodesStayWhereOthersAreChance() {
    int kept = 0;
    for (int seed = 0; seed < 5; seed++) {
      random.setSeed(seed);
      java.util.Arrays.fill(mix, 0);
      Trial trial = trial(40, 1, 0);
      kept +=
          trial.gain() == 0 || trial.best().equals(Optional.of(Trial.WAYS[Trial.WAYS.length - 1]))
              ? 1
              : 0;
    }
    assertThat(kept).isEqualTo(5);
  }

  @Test
  void whatNoInputExplainsIsNotMadeUpFor() {
    assertThat(trial(50, .05, 1).best().map(Trial.Way::part).orElse(0.0)).isZero();
  }

  /** What is held out foretells what other samples give, and that is not less than nothing. */
  @ParameterizedTest
  @ValueSource(ints = {30, 100, 400})
  void theGainIsThatOnOtherSamples(int rows) {
    for (double missing : new double[] {0, .1, 1}) {
      for (double own : new double[] {.05, .3, 1}) {
        Halves halves = new Halves(moments(rows, own, missing), moments(rows, own, missing));
        Trial trial = new Trial(halves, group -> weights);
        if (trial.gain() > 0) {
          double others = gainOnOthers(halves.together(), trial.best().orElseThrow(), own, missing);
          assertThat(others).isGreaterThan(-.1).isCloseTo(trial.gain(), within(2.5));
        }
      }
    }
  }

  @Test
  void withoutSamplesTheNearestCodesStay() {
    Moments[] none = {new Moments(DEPTH, CHANNELS, true)};
    Moments[] some = moments(100, .05, 0);
    assertThat(new Trial(new Halves(none, some), group -> weights).gain()).isZero();
  }
}
