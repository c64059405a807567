package io.narrow.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.BinaryOperator;

/**
 * Elements, rows or channels cut into pieces for threads. All but the first start a multiple of
 * {@code multiple} after {@code lead}, so that two threads need not write to one cache line.
 */
record Pieces(int count, int first, int each) {
  /** So many elements or rows of any format fill whole cache lines of 64 bytes. */
  static final int LINES = 128;

  /** Works on the elements from one on. */
  interface Work<T> {
    T run(int from, int count);
  }

  /**
   * @param pieces how many at most, at least 1
   * @param lead elements before the first boundary
   */
  static Pieces of(int count, int pieces, int multiple, int lead) {
    if (pieces < 1) {
      throw new IllegalArgumentException("pieces is " + pieces + ", at least 1 is needed");
    }
    long whole = (count + (long) multiple - 1) / multiple;
    long each = Math.max(1, (whole + pieces - 1) / pieces) * multiple;
    return new Pieces(
        count, (int) Math.min(count, lead + each), (int) Math.min(Integer.MAX_VALUE, each));
  }

  /** Runs all pieces, the first on this thread, and joins what they give in their order. */
  <T> T run(Executor executor, Work<T> work, BinaryOperator<T> join) {
    List<CompletableFuture<T>> others = new ArrayList<>();
    for (long from = first; from < count; from += each) {
      int start = (int) from;
      int size = Math.min(each, count - start);
      others.add(CompletableFuture.supplyAsync(() -> work.run(start, size), executor));
    }
    try {
      T result = work.run(0, first);
      for (CompletableFuture<T> other : others) {
        result = join.apply(result, other.join());
      }
      return result;
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    } finally {
      // Whatever happened, no thread uses the caller's memory once this returns.
      others.forEach(other -> other.handle((value, failure) -> null).join());
    }
  }
}
