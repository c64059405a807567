package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Native calls of several threads take their memory from one pool. */
class ThreadsTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 2;

  /** One in so many operations and turns is run: an emulator takes too long for all. */
  private static final int PART = Integer.getInteger("narrow.test.part", 1);

  /** As many channels as need more memory than a call leaves in the pool. */
  private static final Operation.Axis MANY = new Operation.Axis("MANY", 300_000, 1);

  /** What a thread does, given its number. */
  private interface Work {
    void run(int thread) throws Exception;
  }

  private static void onThreads(Work work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Void>> all = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int thread = i;
        all.add(
            () -> {
              work.run(thread);
              return null;
            });
      }
      for (Future<Void> one : threads.invokeAll(all)) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** Every call here is copied through scratch memory. */
  @Test
  void callsAtTheSameTimeDoNotShareScratchMemory() throws Exception {
    onThreads(
        thread -> {
          Operation.Axis axis = Operation.Axis.MIDDLE;
          int n = axis.multiple() * 4000;
          Quantization q = axis.quantization(QuantizedType.INT8, n);
          byte[] x = Inputs.floats(n, thread);
          byte[] expected = new byte[n];
          new JavaKernels().quantize(Span.of(x), q, Span.of(expected));
          Memory.Block input = Memory.ARRAY.holding(Element.FLOAT32, x);
          Memory.Block output = Memory.DIRECT.holding(Element.BITS8, new byte[n]);
          for (int i = 0; i < 500; i++) {
            Kernels.active().quantize(input.span(), q, output.span());
            assertThat(output.contents().get())
                .as("call %s of thread %s", i, thread)
                .isEqualTo(expected);
          }
        });
  }

  /** Against the Java kernels, which have no scratch memory. */
  @Test
  void everyOperationWithScratchTooLargeToKeep() throws Exception {
    List<Operation> all = Operation.all(List.of(MANY));
    List<Operation> operations =
        IntStream.range(0, all.size()).filter(i -> i % PART == 0).mapToObj(all::get).toList();
    List<Call> calls = new ArrayList<>();
    for (Operation operation : operations) {
      calls.add(Call.of(operation, new JavaKernels(), Memory.ARRAY, Memory.ARRAY));
    }
    Kernels kernels = Kernels.active();
    onThreads(
        thread -> {
          for (int i = 0; i < ROUNDS * calls.size(); i++) {
            // Threads are at different operations, and at each pair of them at some time.
            int at = i * (thread + 1) % calls.size();
            Operation operation = operations.get(at);
            Memory first = i % 2 == 0 ? Memory.DIRECT : Memory.ARRAY;
            Call call = Call.of(operation, kernels, first, Memory.DIRECT);
            assertThat(call.output)
                .as("%s, thread %s", operation, thread)
                .isEqualTo(calls.get(at).output);
            assertThat(call.result)
                .as("%s, thread %s", operation, thread)
                .isEqualTo(calls.get(at).result);
          }
        });
  }

  /** What one call returned and wrote. */
  private record Call(String result, byte[] output) {
    static Call of(Operation operation, Kernels kernels, Memory first, Memory second) {
      int n = MANY.channels();
      byte[] x = Inputs.of(operation.in(), n, 5);
      byte[] y = Inputs.of(operation.second(), n, 6);
      Memory.Block input = first.holding(operation.in(), x);
      Memory.Block output = second.holding(operation.second(), y);
      String result = operation.fast().run(kernels, input.span(), output.span(), n);
      return new Call(result, output.contents().get());
    }
  }

  /** Nobody drops a block of what another has taken: large ones go before the rest is offered. */
  @Test
  void scratchThatWasTakenIsNobodyElses() throws Exception {
    KernelSets.reset();
    int last = Scratch.BLOCKS - 1;
    AtomicInteger large = new AtomicInteger();
    AtomicInteger changed = new AtomicInteger();
    onThreads(
        thread -> {
          for (int i = 0; i < 400_000 / PART; i++) {
            Scratch scratch = Scratch.take();
            if (thread == 0 && i % 16 == 0) {
              scratch.block(last, Scratch.LARGEST_KEPT + 1);
            } else {
              ByteBuffer memory = scratch.block(last, 64).memory().putInt(0, thread);
              large.addAndGet(memory.capacity() > Scratch.LARGEST_KEPT ? 1 : 0);
              boolean same = scratch.block(last, 64).memory() == memory;
              changed.addAndGet(same && memory.getInt(0) == thread ? 0 : 1);
            }
            scratch.giveBack();
          }
        });
    assertThat(large.get()).as("taken with a block too large to keep").isZero();
    assertThat(changed.get()).as("changed between two looks").isZero();
  }
}
