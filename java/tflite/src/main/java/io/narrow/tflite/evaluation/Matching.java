package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Finds the tensor of one model that corresponds to one of another: by name if there is one of that
 * name and size, else at the same position if the size is the same, else the only one of that size.
 * Converters and quantizers change names and order, hence all three.
 */
final class Matching {
  private Matching() {}

  /** Index in {@code others} of what corresponds to {@code reference.get(index)}. */
  static int find(List<TensorInfo> reference, int index, List<TensorInfo> others, String file) {
    TensorInfo wanted = reference.get(index);
    int[] named = indices(others, o -> sameSize(o, wanted) && o.name().equals(wanted.name()));
    int[] sized = indices(others, o -> sameSize(o, wanted));
    boolean alone = reference.size() == 1 && others.size() == 1;
    if (named.length == 1) {
      return named[0];
    }
    if (index < others.size() && (alone || sameSize(others.get(index), wanted))) {
      return index;
    }
    if (sized.length == 1) {
      return sized[0];
    }
    throw NarrowException.input(
        file
            + ": nothing corresponds to "
            + wanted
            + " of the first model; there are "
            + String.join(", ", others.stream().map(TensorInfo::toString).toList()));
  }

  /** For each of {@code others} the index in {@code reference}; a one-to-one mapping. */
  static int[] all(List<TensorInfo> reference, List<TensorInfo> others, String file) {
    int[] found =
        IntStream.range(0, others.size()).map(i -> find(others, i, reference, file)).toArray();
    if (IntStream.of(found).distinct().count() != reference.size()) {
      throw NarrowException.input(
          file + ": its inputs do not correspond one to one to those of the first model");
    }
    return found;
  }

  private static boolean sameSize(TensorInfo a, TensorInfo b) {
    return a.elements() == b.elements();
  }

  private static int[] indices(List<TensorInfo> tensors, Predicate<TensorInfo> condition) {
    return IntStream.range(0, tensors.size()).filter(i -> condition.test(tensors.get(i))).toArray();
  }
}
