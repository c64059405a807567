package io.narrow.kernels;

import java.util.concurrent.Executor;

/**
 * Turns rows of floats into codes, and back. Immutable; may be used by any number of threads.
 *
 * <p>The codes are the same whatever memory they lie in and however the rows are cut.
 */
public abstract sealed class VectorCodec permits IntegerCodec, BucketCodec, HalfCodec, BinaryCodec {
  final VectorQuantizer quantizer;

  VectorCodec(VectorQuantizer quantizer) {
    this.quantizer = quantizer;
  }

  /** What this codec was made by. */
  public final VectorQuantizer quantizer() {
    return quantizer;
  }

  /**
   * Turns rows into codes.
   *
   * @param x rows of floats, or {@linkplain Span#asFloat16 of 16 bits}; where ranges are by row,
   *     the rows that were fitted
   * @param y receives as many rows of codes
   * @return how many values were unusual
   * @throws IllegalArgumentException if the sizes do not fit, y is read-only, or a value is not
   *     finite (for 16-bit floats: or too large) and the policy is to fail; part of y is written
   *     then
   */
  public final VectorCounts apply(Span x, Span y) {
    return apply(x, y, Runnable::run, 1);
  }

  /**
   * The same in pieces on other threads; this one takes part.
   *
   * @param executor runs the other pieces; it must not wait for this thread
   * @param pieces how many at most, at least 1
   */
  public final VectorCounts apply(Span x, Span y, Executor executor, int pieces) {
    int rows = quantizer.rowsToWrite(x, y);
    checkRows(rows);
    return Pieces.of(rows, pieces, Pieces.LINES, 0)
        .run(
            executor,
            (from, count) -> applyRows(x, y, from, count, pieces == 1),
            VectorCounts::merge);
  }

  /**
   * Turns codes back into floats.
   *
   * @param y rows of codes
   * @param x receives as many rows of floats
   * @throws IllegalArgumentException if the sizes do not fit, or x is read-only
   */
  public final void restore(Span y, Span x) {
    if (x.floatElement() != Element.FLOAT32) {
      throw new IllegalArgumentException("x is a %s: codes become float32".formatted(x.describe()));
    }
    int rows = rows(x, y);
    if (x.isReadOnly()) {
      throw new IllegalArgumentException("x is read-only");
    }
    if (x.overlaps(y)) {
      throw new IllegalArgumentException("x and y overlap in one array");
    }
    int size = blockSize();
    for (int from = 0; from < rows; from += size) {
      int count = Math.min(size, rows - from);
      decode(quantizer.codes(y, from, count), from, count, quantizer.floats(x, from, count));
    }
  }

  /**
   * How far what comes back is from what went in; sums of parts can be merged.
   *
   * @param x rows of floats
   * @param y their codes
   * @throws IllegalArgumentException if the sizes do not fit
   */
  public final ErrorSums error(Span x, Span y) {
    int rows = rows(x, y);
    int dimensions = quantizer.dimensions();
    int size = blockSize();
    float[] back = new float[Math.min(rows, size) * dimensions];
    ErrorSums sums = new ErrorSums(0, 0);
    for (int from = 0; from < rows; from += size) {
      int count = Math.min(size, rows - from);
      Span restored = Span.of(back, 0, count * dimensions);
      decode(quantizer.codes(y, from, count), from, count, restored);
      sums = sums.merge(Kernels.active().error(quantizer.floats(x, from, count), restored));
    }
    return sums;
  }

  /**
   * What Lucene's scalar quantizer stores beside the codes of a row, for scores by products: the
   * sum of {@code min * (x - min / 2) + (d - q) * q} over its values, where {@code d = x - min} and
   * {@code q} is that of the code, in float32 from the first to the last. It is 0 for euclidean
   * distances, without being computed.
   *
   * @param x rows of floats, as for {@link #apply}
   * @return one of each row
   * @throws IllegalArgumentException if the scheme is not {@link VectorQuantizer.Scheme#LUCENE}
   *     with scope tensor, or x is not whole rows
   */
  public final float[] corrections(Span x) {
    float[] corrections = new float[quantizer.rows(x)];
    int size = blockSize();
    for (int from = 0; from < corrections.length || from == 0; from += size) {
      int count = Math.min(size, corrections.length - from);
      correct(quantizer.floats(x, from, count), count, corrections, from);
    }
    return corrections;
  }

  private int rows(Span x, Span y) {
    int rows = quantizer.rows(x, y);
    checkRows(rows);
    return rows;
  }

  /**
   * A few rows at a time, which are looked at twice. Pieces of one array may not be written by
   * native code on several threads: a JVM may give each of them a copy of the whole array, and take
   * back what the last one leaves.
   */
  private VectorCounts applyRows(Span x, Span y, int from, int rows, boolean alone) {
    int size = blockSize();
    VectorCounts counts = VectorCounts.NONE;
    for (int row = from; row < from + rows; row += size) {
      int count = Math.min(size, from + rows - row);
      Span to = quantizer.codes(y, row, count);
      Span own = alone || y.isDirect() ? to : to.twin();
      counts = counts.merge(encode(quantizer.floats(x, row, count), row, count, own));
      if (own != to) {
        to.copyFrom(own);
      }
    }
    return counts;
  }

  /** Rows that a call of a kernel takes at once. */
  private int blockSize() {
    return Math.max(1, NativeCall.CHUNK / quantizer.dimensions());
  }

  /** Fails where the codec belongs to other rows. */
  void checkRows(int rows) {}

  /**
   * Writes the codes of some rows, the first of which is number row, and counts unusual values.
   *
   * @throws IllegalArgumentException if there is one that the policy lets fail
   */
  abstract VectorCounts encode(Span x, int row, int rows, Span y);

  /** Writes the corrections of some rows, from number to on. */
  void correct(Span x, int rows, float[] corrections, int to) {
    throw new IllegalArgumentException(
        "corrections are of %s by TENSOR, not %s by %s"
            .formatted(VectorQuantizer.Scheme.LUCENE, quantizer.scheme(), quantizer.scope()));
  }

  /** Writes what the codes of some rows stand for. */
  abstract void decode(Span y, int row, int rows, Span x);
}
