package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ThreadsTest {
  private static final int THREADS = 4;

  /** Every call here is copied through memory that calls take from one pool. */
  @Test
  void callsAtTheSameTimeDoNotShareScratchMemory() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int seed = i;
        all.add(threads.submit(() -> callAgainAndAgain(seed)));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static void callAgainAndAgain(int seed) {
    Operation.Axis axis = Operation.Axis.MIDDLE;
    int n = axis.multiple() * 4000;
    Quantization q = axis.quantization(QuantizedType.INT8, n);
    byte[] x = Inputs.floats(n, seed);
    byte[] expected = new byte[n];
    new JavaKernels().quantize(Span.of(x), q, Span.of(expected));
    Memory.Block input = Memory.ARRAY.holding(Element.FLOAT32, x);
    Memory.Block output = Memory.DIRECT.holding(Element.BITS8, new byte[n]);
    for (int i = 0; i < 500; i++) {
      Kernels.active().quantize(input.span(), q, output.span());
      assertThat(output.contents().get()).as("call %s of thread %s", i, seed).isEqualTo(expected);
    }
  }
}
