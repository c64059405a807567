package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void emptyRange() {
    FloatRange range = Kernels.active().range(Span.of(new float[0]));
    assertThat(range).isEqualTo(FloatRange.EMPTY);
    assertThat(range.isEmpty()).isTrue();
    assertThat(new FloatRange(1, 1, 0, 0).isEmpty()).isFalse();
  }

  @Test
  void signalToNoiseRatio() {
    assertThat(new ErrorSums(100, 1).sqnr()).isEqualTo(20, within(1e-12));
    assertThat(new ErrorSums(0, 0).sqnr()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(new ErrorSums(0, 1).sqnr()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(new ErrorSums(1, 2).merge(new ErrorSums(3, 4))).isEqualTo(new ErrorSums(4, 6));
  }
}
