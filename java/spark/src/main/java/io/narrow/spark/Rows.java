package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.spark.sql.catalyst.InternalRow;

/** Rows of a partition, gathered into batches of floats for the kernels. */
final class Rows {
  /** What becomes of a row that is null or of another length. */
  public enum Invalid {
    /** The job fails, with a line that names column and value. */
    ERROR,
    /** The row is left out. */
    SKIP,
    /** The row stays, without codes. */
    KEEP
  }

  /** Floats that a call of the kernels is given at once: they stay in a second-level cache. */
  private static final int BATCH = 1 << 16;

  /** Vectors that are so many floats. */
  static int inBatch(int dimensions) {
    return Math.max(1, BATCH / dimensions);
  }

  private final VectorColumn column;
  private final int dimensions;
  private final Invalid invalid;
  private final Iterator<InternalRow> rows;
  private final float[] x;

  Rows(VectorColumn column, int dimensions, Invalid invalid, Iterator<InternalRow> rows) {
    this.column = column;
    this.dimensions = dimensions;
    this.invalid = invalid;
    this.rows = rows;
    this.x = new float[inBatch(dimensions) * dimensions];
  }

  /**
   * @param rows copies of the rows, or none where they are not wanted
   * @param valid of each row, whether it is among the vectors
   * @param x the vectors, one after another, {@code count} of them
   */
  record Batch(List<InternalRow> rows, List<Boolean> valid, float[] x, int count) {}

  boolean hasNext() {
    return rows.hasNext();
  }

  Batch next(boolean keep) {
    List<InternalRow> kept = new ArrayList<>();
    List<Boolean> valid = new ArrayList<>();
    int count = 0;
    while (rows.hasNext() && (count + 1) * dimensions <= x.length && kept.size() < BATCH) {
      InternalRow row = rows.next();
      Optional<String> problem = column.read(row, x, count * dimensions, dimensions);
      if (problem.isPresent() && invalid == Invalid.ERROR) {
        throw NarrowException.input(problem.get());
      }
      if (keep && (problem.isEmpty() || invalid == Invalid.KEEP)) {
        kept.add(row.copy());
        valid.add(problem.isEmpty());
      }
      count += problem.isEmpty() ? 1 : 0;
    }
    return new Batch(kept, valid, x, count);
  }

  static <T> T naming(VectorColumn column, Supplier<T> call) {
    return naming("column `" + column.name() + "`", call);
  }

  /** Calls kernels; what they do not like names the column, as rows have no numbers here. */
  static <T> T naming(String where, Supplier<T> call) {
    try {
      return call.get();
    } catch (IllegalArgumentException e) {
      String what = e.getMessage().replaceFirst("^row \\d+, ", "");
      throw new NarrowException(NarrowException.Kind.INPUT, where + ": " + what, e);
    }
  }

  /** Rows that come of batches, made when they are asked for. */
  static Iterator<InternalRow> flattened(Supplier<Iterator<InternalRow>> next) {
    return new Iterator<>() {
      private Iterator<InternalRow> current = next.get();

      @Override
      public boolean hasNext() {
        while (current != null && !current.hasNext()) {
          current = next.get();
        }
        return current != null;
      }

      @Override
      public InternalRow next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        return current.next();
      }
    };
  }
}
