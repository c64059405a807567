package io.narrow.tflite.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QualityGateTest {
  /** The chance that the interval holds the true difference, summed over all that can happen. */
  @ParameterizedTest
  @CsvSource({
    "50, 0.02, 0.02",
    "50, 0.1, 0",
    "100, 0.02, 0.01",
    "100, 0.05, 0.02",
    "100, 0.2, 0.2",
    "200, 0.01, 0.03",
    "200, 0.1, 0.02",
    "200, 0.005, 0",
    "300, 0.03, 0.03"
  })
  void intervalHoldsTheTrueDifference(int n, double lost, double gained) {
    double[] factorials = new double[n + 1]; // their logarithms
    for (int i = 1; i <= n; i++) {
      factorials[i] = factorials[i - 1] + Math.log(i);
    }
    double held = 0;
    double all = 0;
    for (int b = 0; b <= n; b++) {
      for (int c = 0; b + c <= n; c++) {
        double logarithm =
            factorials[n]
                - factorials[b]
                - factorials[c]
                - factorials[n - b - c]
                + power(b, lost)
                + power(c, gained)
                + power(n - b - c, 1 - lost - gained);
        double chance = Math.exp(logarithm);
        PairedDifference difference = new PairedDifference(n, b, c);
        all += chance;
        if (difference.low() <= gained - lost && gained - lost <= difference.high()) {
          held += chance;
        }
      }
    }
    assertThat(all).isCloseTo(1, within(1e-9));
    assertThat(held).isGreaterThan(0.94);
  }

  private static double power(int exponent, double base) {
    return exponent == 0 ? 0 : exponent * Math.log(base);
  }

  @Test
  void chanceIsThatOfABinomialDistribution() {
    for (int lost = 0; lost < 40; lost++) {
      for (int gained = 0; gained < 40; gained++) {
        int changed = lost + gained;
        BigInteger tail = BigInteger.ZERO;
        BigInteger choose = BigInteger.ONE;
        for (int k = 0; k <= Math.min(lost, gained); k++) {
          tail = tail.add(choose);
          choose =
              choose.multiply(BigInteger.valueOf(changed - k)).divide(BigInteger.valueOf(k + 1));
        }
        double wanted =
            new BigDecimal(tail.shiftLeft(1))
                .divide(new BigDecimal(BigInteger.ONE.shiftLeft(changed)), MathContext.DECIMAL64)
                .min(BigDecimal.ONE)
                .doubleValue();
        assertThat(new PairedDifference(1000, lost, gained).chance())
            .isCloseTo(wanted, within(1e-9));
      }
    }
  }

  private static List<Evaluation> evaluate(String options) {
    return Evaluator.evaluate(
        List.of(Examples.DIGITS, Examples.DIGITS),
        Dataset.open(Examples.DIGITS_TEST + "?scale=1/16" + options).limit(100),
        Evaluator.Options.DEFAULT);
  }

  @Test
  void modelPassesWhatItReachesExactlyAndNothingAbove() {
    List<Evaluation> results = evaluate("");
    double accuracy = results.get(0).accuracy().orElseThrow();
    QualityGate reached = new QualityGate(Map.of("accuracy", accuracy), OptionalDouble.of(0));
    assertThat(reached.judge(results)).hasSize(3).allMatch(QualityGate.Verdict::passed);
    QualityGate above =
        new QualityGate(Map.of("accuracy", Math.nextUp(accuracy)), OptionalDouble.empty());
    assertThat(above.judge(results)).hasSize(2).noneMatch(QualityGate.Verdict::passed);
  }

  @Test
  void worseModelFailsByItsDrop() {
    // the float model finds all labels of its own making, a model of other weights does not
    PairedDifference worse = new PairedDifference(100, 5, 1);
    Evaluation first = evaluate("").get(0);
    Evaluation second =
        new Evaluation(
            first.model(),
            100,
            OptionalDouble.of(0.90),
            first.top5(),
            1,
            30,
            Optional.of(worse),
            10,
            first.latency(),
            List.of(),
            List.of(),
            1);
    List<Evaluation> both = List.of(first, second);
    assertThat(new QualityGate(Map.of(), OptionalDouble.of(0.03)).judge(both).get(0))
        .matches(verdict -> !verdict.passed())
        .extracting(QualityGate.Verdict::reason)
        .asString()
        .contains("drops by 0.0400")
        .contains("more samples might decide otherwise");
    assertThat(new QualityGate(Map.of(), OptionalDouble.of(0.04)).judge(both).get(0).passed())
        .isTrue();
  }

  @Test
  void whatWasNotMeasuredCannotBeAskedFor() {
    assertThatThrownBy(() -> new QualityGate(Map.of("speed", 1.0), OptionalDouble.empty()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("measure `speed`");
    assertThatThrownBy(() -> new QualityGate(Map.of(), OptionalDouble.of(-0.1)))
        .isInstanceOf(NarrowException.class);
    List<Evaluation> unlabelled =
        Evaluator.evaluate(
            List.of(Examples.DIGITS), Dataset.open("random:3"), Evaluator.Options.DEFAULT);
    assertThat(unlabelled.get(0).change()).isEmpty();
    assertThatThrownBy(
            () ->
                new QualityGate(Map.of("accuracy", 0.5), OptionalDouble.empty()).judge(unlabelled))
        .hasMessageContaining("no accuracy, as no sample has a label");
  }

  @Test
  void accuracyOfChanceIsFoundOut() {
    assertThat(evaluate("").get(0).nearChance()).isFalse();
    assertThat(evaluate("&offset=-1000").get(0).nearChance()).isTrue();
  }
}
