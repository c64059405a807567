package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PiecesTest {
  @Property(tries = 300)
  void piecesCoverAllOnceAndStartOnBoundaries(
      @ForAll @IntRange(max = 5000) int count,
      @ForAll @IntRange(min = 1, max = 9) int pieces,
      @ForAll @IntRange(max = 63) int lead) {
    List<Integer> starts = new ArrayList<>();
    int covered =
        Pieces.of(count, pieces, Pieces.LINES, lead)
            .run(
                Runnable::run,
                (from, size) -> {
                  starts.add(from);
                  return size;
                },
                Integer::sum);
    assertThat(covered).isEqualTo(count);
    assertThat(starts).hasSizeLessThanOrEqualTo(pieces).contains(0).doesNotHaveDuplicates();
    assertThat(starts).allMatch(from -> from == 0 || from % Pieces.LINES == lead);
  }

  @Test
  void aNumberOfElementsBeyondHalfOfAllIntsDoesNotOverflow() {
    List<Integer> starts = new ArrayList<>();
    Pieces.of(Integer.MAX_VALUE, 2, Pieces.LINES, 5)
        .run(Runnable::run, (from, size) -> starts.add(from), (a, b) -> a);
    assertThat(starts).containsExactlyInAnyOrder(0, (1 << 30) + 5);
  }

  @Test
  void aFailureComesOnlyWhenNoPieceRuns() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    AtomicInteger running = new AtomicInteger();
    try {
      assertThatThrownBy(
              () ->
                  Pieces.of(3 * Pieces.LINES, 3, Pieces.LINES, 0)
                      .run(
                          threads,
                          (from, size) -> {
                            running.incrementAndGet();
                            if (from > 0) {
                              sleep();
                            }
                            running.decrementAndGet();
                            throw new IllegalStateException("piece " + from);
                          },
                          (a, b) -> a))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("piece 0");
      assertThat(running.get()).isZero();
    } finally {
      threads.shutdownNow();
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void cacheLineOfDirectMemory() {
    ByteBuffer memory = ByteBuffer.allocateDirect(300);
    int aligned = (64 - memory.alignmentOffset(0, 64)) % 64;
    Span at = Span.of(memory.duplicate().position(aligned));
    assertThat(at.untilCacheLine(Element.BITS8)).isZero();
    Span past = Span.of(memory.duplicate().position(aligned + 20));
    assertThat(past.untilCacheLine(Element.BITS8)).isEqualTo(44);
    assertThat(past.untilCacheLine(Element.BITS4)).isEqualTo(88);
    assertThat(past.untilCacheLine(Element.FLOAT32)).isEqualTo(11);
    Span odd = Span.of(memory.duplicate().position(aligned + 21));
    assertThat(odd.untilCacheLine(Element.FLOAT32)).isZero();
  }

  @Test
  void threadsOfTheCaller() {
    Kernels kernels = Kernels.active();
    assertThat(kernels.parallel(Runnable::run, 1)).isSameAs(kernels);
    assertThat(kernels.parallel(Runnable::run, 3).name()).isEqualTo(kernels.name());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.parallel(Runnable::run, 0))
        .withMessage("threads is 0, at least 1 is needed");
    List<Runnable> given = new ArrayList<>();
    Span x = Span.of(new float[1 << 20]);
    kernels
        .parallel(
            task -> {
              given.add(task);
              task.run();
            },
            4)
        .range(x);
    assertThat(given).hasSize(3);
  }
}
