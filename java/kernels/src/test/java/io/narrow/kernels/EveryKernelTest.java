package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation on every set of kernels, against {@link Slow}, to the bit. */
class EveryKernelTest {
  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static Stream<Arguments> operationsOnKernels() {
    List<Arguments> all = new ArrayList<>();
    for (Operation operation : Operation.all()) {
      for (String kernels : KernelSets.names()) {
        all.add(Arguments.of(operation, kernels));
      }
    }
    return all.stream();
  }

  static Stream<Operation> operations() {
    return Operation.all().stream();
  }

  @ParameterizedTest
  @MethodSource("operationsOnKernels")
  void lengthsFrom0To130(Operation operation, String kernels) {
    for (int n = 0; n <= 130; n++) {
      if (n % operation.multiple() == 0) {
        Case test = new Case(operation, n, n);
        test.check(kernels, Memory.ARRAY, Memory.ARRAY);
        test.check(kernels, Memory.DIRECT, Memory.DIRECT);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("operationsOnKernels")
  void everyPairOfMemoryKinds(Operation operation, String kernels) {
    Case test = new Case(operation, operation.multiple() * 37, 1);
    checkEveryPair(test, kernels);
  }

  /** Pieces are 65536 elements long; this is three of them, the last one short and odd. */
  @ParameterizedTest
  @MethodSource("operations")
  void piecesFitTogether(Operation operation) {
    int n = (2 * 65536 + 40) / operation.multiple() * operation.multiple();
    Case test = new Case(operation, n % 2 == 0 ? n - operation.multiple() : n, 2);
    for (String kernels : KernelSets.names()) {
      checkEveryPair(test, kernels);
    }
  }

  private static void checkEveryPair(Case test, String kernels) {
    for (Memory first : Memory.values()) {
      for (Memory second : Memory.values()) {
        if (!test.operation.writes() || second != Memory.READ_ONLY) {
          test.check(kernels, first, second);
        }
      }
    }
  }

  /** An operation on given input, and what should come of it. */
  private static final class Case {
    private final Operation operation;
    private final int n;
    private final long seed;
    private final byte[] x;
    private final byte[] y;
    private final byte[] expected;
    private final String expectedResult;

    Case(Operation operation, int n, long seed) {
      this.operation = operation;
      this.n = n;
      this.seed = seed;
      // Most sums would be NaN.
      boolean sums = operation.name().equals("error") && seed % 4 != 0;
      x = sums ? Inputs.finite(n, seed) : Inputs.of(operation.in(), n, seed);
      y =
          operation.writes()
              ? new byte[(int) operation.second().bytes(n)]
              : sums ? Inputs.finite(n, ~seed) : Inputs.of(operation.second(), n, ~seed);
      ByteBuffer output = buffer(y.clone());
      expectedResult = operation.slow().run(buffer(x), output, n);
      expected = output.array();
    }

    private static ByteBuffer buffer(byte[] bytes) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    void check(String kernels, Memory first, Memory second) {
      Memory.Block input = first.holding(operation.in(), x);
      Memory.Block other = second.holding(operation.second(), y);
      String result = operation.fast().run(KernelSets.use(kernels), input.span(), other.span(), n);
      String what =
          "%s by %s, n %s, seed %s, %s and %s"
              .formatted(operation, kernels, n, seed, first, second);
      assertThat(result).as(what).isEqualTo(expectedResult);
      assertThat(other.contents().get()).as(what).isEqualTo(expected);
      assertThat(input.contents().get()).as("input after " + what).isEqualTo(x);
    }
  }
}
