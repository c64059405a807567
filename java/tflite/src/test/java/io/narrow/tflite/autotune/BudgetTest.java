package io.narrow.tflite.autotune;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.plan.Recipe;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class BudgetTest {
  private static Trial trial(long bytes, double sqnrDb, double agreement, double millis) {
    return new Trial(
        "mix",
        Recipe.dynamic(),
        Map.of(),
        bytes,
        100,
        sqnrDb,
        agreement,
        OptionalDouble.empty(),
        Optional.empty(),
        millis);
  }

  private static void prefers(Budget budget, Trial better, Trial worse) {
    assertThat(budget.prefers(better, worse)).isTrue();
    assertThat(budget.prefers(worse, better)).isFalse();
  }

  @Test
  void ofThoseInTimeTheMostAccurateIsBestAndElseTheFastest() {
    Budget budget = Budget.latency(2);
    Trial inTime = trial(900, 30, 1, 1.9);
    prefers(budget, inTime, trial(800, 60, 1, 2.1));
    prefers(budget, inTime, trial(800, 29, 1, 0.1));
    prefers(budget, inTime, trial(901, 30, 1, 0.1));
    prefers(budget, trial(900, 10, 1, 3), trial(100, 60, 1, 4));
    assertThat(budget.met(trial(900, 30, 1, 2))).isTrue();
    assertThat(budget.unreachable("model", trial(900, 10, 1, 3)))
        .hasMessage(
            "model: no mix keeps to at most 2.000 ms; the least that was reached is 3.000 ms (mix)");
  }

  @Test
  void ofThoseThatAreAccurateEnoughTheSmallestIsBestAndElseTheMostAccurate() {
    Budget budget = Budget.sqnr(30);
    prefers(budget, trial(900, 30, 1, 9), trial(901, 50, 1, 1));
    prefers(budget, trial(900, 30, 1, 9), trial(100, 29.9, 1, 1));
    prefers(budget, trial(900, 29, 1, 9), trial(100, 28, 1, 1));
    prefers(Budget.drop(0.01), trial(900, 20, 0.99, 9), trial(100, 30, 0.98, 1));
    prefers(Budget.drop(0.01), trial(800, 20, 0.99, 9), trial(900, 30, 1, 1));
  }

  @Test
  void ofThoseThatAreSmallEnoughTheMostAccurateIsBestAndElseTheSmallest() {
    Budget budget = Budget.bytes(1000);
    prefers(budget, trial(1000, 30, 1, 9), trial(900, 29, 1, 1));
    prefers(budget, trial(1000, 30, 1, 9), trial(1001, 50, 1, 1));
    prefers(budget, trial(1001, 10, 1, 9), trial(1002, 50, 1, 1));
  }
}
