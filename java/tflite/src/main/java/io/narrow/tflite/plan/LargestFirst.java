package io.narrow.tflite.plan;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/** Does independent work of very different sizes on all processors. */
final class LargestFirst {
  private LargestFirst() {}

  /**
   * Does the work for every item, begun with the largest, so that no processor is left with it at
   * the end. Returns when all is done.
   *
   * @param size about how long the work for an item takes, in any unit
   */
  static <T> void forEach(List<T> items, ToLongFunction<T> size, Consumer<T> work) {
    List<T> sorted = items.stream().sorted(Comparator.comparingLong(size).reversed()).toList();
    AtomicInteger next = new AtomicInteger();
    IntStream.range(0, sorted.size())
        .parallel()
        .forEach(turn -> work.accept(sorted.get(next.getAndIncrement())));
  }
}
