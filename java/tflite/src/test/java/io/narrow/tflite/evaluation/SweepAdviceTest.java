package io.narrow.tflite.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SweepAdviceTest {
  private static Evaluation file(OptionalDouble accuracy, double agreement, double ms, long bytes) {
    return new Evaluation(
        Path.of(accuracy + " " + agreement + " " + ms + " " + bytes),
        100,
        accuracy,
        OptionalDouble.empty(),
        agreement,
        40,
        Optional.empty(),
        10,
        new Latency(9, ms, 0, ms, ms, ms, ms, ms),
        List.of(),
        List.of(),
        bytes);
  }

  private static Evaluation file(double accuracy, double ms, long bytes) {
    return file(OptionalDouble.of(accuracy), 1, ms, bytes);
  }

  @Test
  void frontsAreWhatNothingCheaperIsAsAccurateAs() {
    Random random = new Random(7);
    for (int run = 0; run < 200; run++) {
      List<Evaluation> all =
          random
              .ints(9, 0, 1000)
              .mapToObj(n -> file(n % 10 / 10.0, 1 + n / 10 % 10, 1 + n / 100))
              .toList();
      SweepAdvice advice = SweepAdvice.of(all, 0.1);
      for (Evaluation one : all) {
        boolean smaller = false;
        boolean faster = false;
        for (Evaluation other : all) {
          double gain = other.accuracy().getAsDouble() - one.accuracy().getAsDouble();
          long bytes = other.fileBytes() - one.fileBytes();
          double millis = other.latency().p50Millis() - one.latency().p50Millis();
          smaller |= gain >= 0 && bytes < 0 || gain > 0 && bytes == 0;
          faster |= gain >= 0 && millis < 0 || gain > 0 && millis == 0;
        }
        boolean inSize =
            advice.frontOfSize().stream()
                .anyMatch(
                    f -> f.accuracy().equals(one.accuracy()) && f.fileBytes() == one.fileBytes());
        assertThat(inSize).as("%s in %s", one.model(), all).isEqualTo(!smaller);
        boolean inSpeed =
            advice.frontOfSpeed().stream()
                .anyMatch(
                    f -> f.accuracy().equals(one.accuracy()) && f.latency().equals(one.latency()));
        assertThat(inSpeed).as("%s in %s", one.model(), all).isEqualTo(!faster);
      }
    }
  }

  @Test
  void withoutLabelsAgreementIsWhatCounts() {
    Evaluation model = file(OptionalDouble.empty(), 1, 2, 100);
    Evaluation good = file(OptionalDouble.empty(), 0.9, 1, 50);
    Evaluation worse = file(OptionalDouble.empty(), 0.8, 3, 60);
    SweepAdvice advice = SweepAdvice.of(List.of(model, good, worse), 0.05);
    assertThat(advice.frontOfSize()).containsExactly(good, model);
    assertThat(advice.frontOfSpeed()).containsExactly(good, model);
    assertThat(advice.smallest()).isEmpty();
  }
}
