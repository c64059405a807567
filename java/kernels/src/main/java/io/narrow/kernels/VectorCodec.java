package io.narrow.kernels;

import java.nio.ByteBuffer;
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
    checkFloats(x);
    int rows = rows(x, y);
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
   * Turns rows into codes of blocks of 32 values whose scales lie in an array of their own, as
   * Jlama's Q8 and Q4 tensors have them: for {@link VectorFormat#Q8_0} signed bytes, {@code x *
   * (127 / max|x|)} rounded, halves up; for {@link VectorFormat#Q4_0} the codes of that format. The
   * arithmetic is Jlama's.
   *
   * @param x rows of floats, as for {@link #apply}
   * @param y receives 32 or 16 bytes of each block
   * @return the scales, one of each block: what a step stands for
   * @throws IllegalArgumentException if the format has no blocks, the sizes do not fit, y is
   *     read-only, or a value is not finite, whatever the policy
   */
  public final float[] applyApart(Span x, Span y) {
    ApartBlocks blocks = ApartBlocks.of(quantizer.format());
    int rows = quantizer.rows(x);
    int perRow = quantizer.dimensions() / ApartBlocks.VALUES;
    checkApart(y, rows, blocks);
    if (y.isReadOnly()) {
      throw new IllegalArgumentException("y is read-only");
    }
    float[] scales = new float[Math.multiplyExact(rows, perRow)];
    int size = blockSize();
    float[] values = new float[Math.min(rows, size) * quantizer.dimensions()];
    byte[] codes = new byte[values.length / ApartBlocks.VALUES * blocks.bytes];
    for (int from = 0; from < rows; from += size) {
      int count = Math.min(size, rows - from);
      Span floats = quantizer.floats(x, from, count);
      quantizer.withInvalid(VectorQuantizer.Invalid.FAIL).range(floats, from);
      floats.floats().get(values, 0, count * quantizer.dimensions());
      for (int b = 0; b < count * perRow; b++) {
        scales[from * perRow + b] =
            blocks.pack(values, b * ApartBlocks.VALUES, codes, b * blocks.bytes);
      }
      int bytes = count * perRow * blocks.bytes;
      y.part((long) from * perRow * blocks.bytes, bytes).write(0, ByteBuffer.wrap(codes, 0, bytes));
    }
    return scales;
  }

  /**
   * Turns codes of {@link #applyApart} back into floats.
   *
   * @param y codes
   * @param scales one of each block
   * @param x receives rows of floats; its size says how many
   * @throws IllegalArgumentException if the format has no blocks, the sizes do not fit, or x is
   *     read-only
   */
  public final void restoreApart(Span y, float[] scales, Span x) {
    ApartBlocks blocks = ApartBlocks.of(quantizer.format());
    checkFloats(x);
    int rows = quantizer.rows(x);
    int perRow = quantizer.dimensions() / ApartBlocks.VALUES;
    checkApart(y, rows, blocks);
    if (scales.length < (long) rows * perRow) {
      throw new IllegalArgumentException(
          "%s scales, %s rows have %s blocks".formatted(scales.length, rows, (long) rows * perRow));
    }
    byte[] codes = new byte[perRow * blocks.bytes];
    float[] values = new float[quantizer.dimensions()];
    for (int row = 0; row < rows; row++) {
      y.bytes((long) row * codes.length, codes.length).get(codes);
      for (int b = 0; b < perRow; b++) {
        float scale = scales[row * perRow + b];
        blocks.unpack(codes, b * blocks.bytes, scale, values, b * ApartBlocks.VALUES);
      }
      quantizer.floats(x, row, 1).floats().put(values);
    }
  }

  private void checkApart(Span y, int rows, ApartBlocks blocks) {
    long needed = (long) rows * quantizer.dimensions() / ApartBlocks.VALUES * blocks.bytes;
    if (!y.canHold(Element.BITS8) || y.byteLength() < needed) {
      throw new IllegalArgumentException(
          "y is a %s, %s rows need %s bytes".formatted(y.describe(), rows, needed));
    }
  }

  /** Fails unless these are float32 that can be written to. */
  private static void checkFloats(Span x) {
    if (x.floatElement() != Element.FLOAT32) {
      throw new IllegalArgumentException("x is a %s: codes become float32".formatted(x.describe()));
    }
    if (x.isReadOnly()) {
      throw new IllegalArgumentException("x is read-only");
    }
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
