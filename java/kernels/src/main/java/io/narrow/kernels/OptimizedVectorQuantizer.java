package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/**
 * Rows to codes between the ends of an interval of each row's own: the arithmetic of Lucene's
 * {@code OptimizedScalarQuantizer} (10.2 and newer), bit for bit. A row is taken less a centroid;
 * its interval starts around the mean and is moved as long as that makes the error of its codes
 * less, of which the part along the row counts nine times as much as all of it (Aguerrebere et al.,
 * "Similarity search in the blink of an eye with compressed indices", 2023; Guo et al.,
 * "Accelerating large-scale inference with anisotropic vector quantization", 2020).
 *
 * <p>Immutable; may be used by any number of threads. What a row becomes depends on the row and the
 * centroid alone.
 */
public final class OptimizedVectorQuantizer {
  private final VectorQuantizer rows; // what it knows of memory and of values that are not finite
  private final int bits;
  private final float[] centroid;
  private final Similarity similarity;

  /** What scores are made of, which decides what is stored beside the codes. */
  public enum Similarity {
    /** Distances: stored is the square of the row less the centroid. */
    EUCLIDEAN,
    /** Products, of any rows or of such with length 1: stored is that of row and centroid. */
    PRODUCT
  }

  /**
   * What goes with the codes of rows, one of each row.
   *
   * @param lower what code 0 stands for, less the centroid
   * @param upper what the largest code stands for
   * @param additional what {@link Similarity} says, a float32 sum from the first value to the last
   * @param sums of the codes
   */
  public record Intervals(float[] lower, float[] upper, float[] additional, int[] sums) {
    private Intervals(int rows) {
      this(new float[rows], new float[rows], new float[rows], new int[rows]);
    }
  }

  private OptimizedVectorQuantizer(int bits, float[] centroid, Similarity similarity) {
    this.rows = VectorQuantizer.of(VectorFormat.UINT8, centroid.length);
    this.bits = bits;
    this.centroid = centroid;
    this.similarity = similarity;
  }

  /**
   * A quantizer.
   *
   * @param bits of a code, 1 to 8
   * @param centroid one value for each dimension, finite; zeros for none
   * @throws IllegalArgumentException if there are no dimensions, or bits or a value are otherwise
   */
  public static OptimizedVectorQuantizer of(int bits, float[] centroid, Similarity similarity) {
    if (bits < 1 || bits > Byte.SIZE) {
      throw new IllegalArgumentException("bits is " + bits + ", 1 to 8 are possible");
    }
    for (int d = 0; d < centroid.length; d++) {
      if (!Float.isFinite(centroid[d])) {
        throw new IllegalArgumentException(
            "dimension %s of the centroid is %s".formatted(d, centroid[d]));
      }
    }
    return new OptimizedVectorQuantizer(bits, centroid.clone(), similarity);
  }

  /**
   * Turns rows into codes.
   *
   * @param x rows of floats, as many as the centroid has, or {@linkplain Span#asFloat16 of 16 bits}
   * @param y receives a byte per value, 0 to 2^bits - 1
   * @throws IllegalArgumentException if the sizes do not fit, y is read-only, or a value is not
   *     finite; part of y is written then
   */
  public Intervals apply(Span x, Span y) {
    return apply(x, y, Runnable::run, 1);
  }

  /**
   * The same in pieces on other threads; this one takes part.
   *
   * @param executor runs the other pieces; it must not wait for this thread
   * @param pieces how many at most, at least 1
   */
  public Intervals apply(Span x, Span y, Executor executor, int pieces) {
    int count = rows.rowsToWrite(x, y);
    Intervals all = new Intervals(count);
    return Pieces.of(count, pieces, Pieces.LINES, 0)
        .run(
            executor,
            (from, part) -> {
              quantize(x, y, from, part, all);
              return all;
            },
            (a, b) -> a);
  }

  private void quantize(Span x, Span y, int from, int count, Intervals all) {
    int dimensions = centroid.length;
    int atOnce = Math.max(1, NativeCall.CHUNK / dimensions);
    atOnce = Math.min(count, atOnce);
    float[] values = new float[atOnce * dimensions];
    byte[] codes = new byte[values.length];
    float[] ends = new float[4 * atOnce];
    int[] sums = new int[atOnce];
    for (int row = from; row < from + count; row += atOnce) {
      int some = Math.min(atOnce, from + count - row);
      Span floats = rows.floats(x, row, some);
      rows.range(floats, row);
      floats.floats().get(values, 0, some * dimensions);
      Kernels.active().optimizeRows(values, some, centroid, bits, codes, ends, sums);
      System.arraycopy(sums, 0, all.sums, row, some);
      for (int i = 0; i < some; i++) {
        all.lower[row + i] = ends[4 * i];
        all.upper[row + i] = ends[4 * i + 1];
        all.additional[row + i] = ends[4 * i + (similarity == Similarity.EUCLIDEAN ? 2 : 3)];
      }
      rows.codes(y, row, some).write(0, ByteBuffer.wrap(codes, 0, some * dimensions));
    }
  }
}
