package io.narrow.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.BinaryOperator;

/**
 * Rows cut into pieces of a multiple of 128 rows: whatever the format and the dimensions, a piece
 * of codes is then a multiple of 64 bytes, and two threads write to no cache line together.
 */
record RowPieces(int rows, int each) {
  private static final int MULTIPLE = 128;

  /** Works on the rows from one on. */
  interface Work<T> {
    T run(int from, int count);
  }

  static RowPieces of(int rows, int pieces) {
    if (pieces < 1) {
      throw new IllegalArgumentException("pieces is " + pieces + ", at least 1 is needed");
    }
    long whole = (rows + (long) MULTIPLE - 1) / MULTIPLE;
    return new RowPieces(
        rows, (int) Math.min(rows, Math.max(1, (whole + pieces - 1) / pieces) * MULTIPLE));
  }

  /** Runs all pieces, the first on this thread, and joins what they give in the order of rows. */
  <T> T run(Executor executor, Work<T> work, BinaryOperator<T> join) {
    List<CompletableFuture<T>> others = new ArrayList<>();
    for (int from = each; from < rows; from += each) {
      int start = from;
      int count = Math.min(each, rows - from);
      others.add(CompletableFuture.supplyAsync(() -> work.run(start, count), executor));
      if (from > rows - each) {
        break; // from + each may be too large for an int
      }
    }
    try {
      T result = work.run(0, each);
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
