package io.narrow.tflite.targets;

import io.narrow.tflite.model.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Questions about shapes. */
final class Shapes {
  private static final int IMAGE = 4;

  private Shapes() {}

  /** Whether only so many innermost axes of what an operator computes with are larger than 1. */
  static boolean inner(Site site, int axes) {
    return site.activations().stream()
        .allMatch(
            tensor ->
                IntStream.range(0, Math.max(0, tensor.rank() - axes))
                    .allMatch(axis -> tensor.dimension(axis) == 1));
  }

  /** Whether the result has as many values as the operand. */
  static boolean moves(Site site) {
    long before = site.operand(0).map(Tensor::elements).orElse(0L);
    return site.results().allMatch(tensor -> tensor.elements() == before);
  }

  /** Whether an image becomes so many times larger in both directions, or does not change. */
  static boolean resizes(Site site, int[] factors) {
    Optional<Tensor> from = site.operand(0);
    Optional<Tensor> to = site.results().findFirst();
    if (from.isEmpty() || to.isEmpty() || from.get().rank() != IMAGE || to.get().rank() != IMAGE) {
      return true;
    }
    int height = from.get().dimension(1);
    int width = from.get().dimension(2);
    boolean one = height == 1 && width == 1;
    if (one || Arrays.equals(from.get().shape(), to.get().shape())) {
      return true;
    }
    int less = site.operator().option("align_corners") == 0 ? 0 : 1;
    return IntStream.of(factors)
        .anyMatch(
            factor ->
                scaled(height, factor, less) == to.get().dimension(1) - less
                    && scaled(width, factor, less) == to.get().dimension(2) - less);
  }

  private static int scaled(int size, int factor, int less) {
    return (size - less) * factor;
  }

  /**
   * Whether slices go forwards, with steps of 1 but along the two axes before the last, of an
   * image.
   */
  static boolean walks(Site site) {
    Optional<long[]> steps = site.integers(3);
    if (steps.isEmpty()) {
      return true;
    }
    int rank = steps.get().length;
    List<Integer> free = List.of(rank - 2, rank - 3);
    return IntStream.range(0, rank)
        .allMatch(axis -> steps.get()[axis] == 1 || steps.get()[axis] > 1 && free.contains(axis));
  }
}
