package io.narrow.kernels;

/**
 * A matrix of float64 values in an array, or a part of one, or its transpose: element {@code (i,
 * j)} is {@code values[offset + i * rowStep + j * columnStep]}.
 *
 * @param values not copied
 * @param offset of the first element
 * @param rows number of rows, at least 0
 * @param columns number of columns, at least 0
 * @param rowStep distance of elements under each other, at least 0
 * @param columnStep distance of elements beside each other, at least 0
 */
public record Matrix(
    double[] values, int offset, int rows, int columns, int rowStep, int columnStep) {
  /**
   * @throws IllegalArgumentException if an element would lie outside the array
   */
  public Matrix {
    if (offset < 0 || rows < 0 || columns < 0 || rowStep < 0 || columnStep < 0) {
      throw new IllegalArgumentException(
          "a matrix of %s x %s values at %s, in steps of %s and %s"
              .formatted(rows, columns, offset, rowStep, columnStep));
    }
    long last = offset + (rows - 1L) * rowStep + (columns - 1L) * columnStep;
    if (rows > 0 && columns > 0 && last >= values.length) {
      throw new IllegalArgumentException(
          "a matrix of %s x %s values at %s does not lie in an array of %s"
              .formatted(rows, columns, offset, values.length));
    }
  }

  /** A whole array, row after row. */
  public static Matrix of(double[] values, int rows, int columns) {
    return new Matrix(values, 0, rows, columns, columns, 1);
  }

  /** Some rows and columns of it. */
  public Matrix part(int row, int rowCount, int column, int columnCount) {
    if (row < 0 || column < 0 || row + rowCount > rows || column + columnCount > columns) {
      throw new IllegalArgumentException(
          "rows %s to %s and columns %s to %s of a matrix of %s x %s"
              .formatted(row, row + rowCount, column, column + columnCount, rows, columns));
    }
    int from = offset + row * rowStep + column * columnStep;
    return new Matrix(values, from, rowCount, columnCount, rowStep, columnStep);
  }

  /** Rows for columns. */
  public Matrix transposed() {
    return new Matrix(values, offset, columns, rows, columnStep, rowStep);
  }

  /** Adds products; all that is needed is checked. The order is that of the native kernels. */
  void addInJava(Matrix a, Matrix b) {
    for (int i = 0; i < rows; i++) {
      int to = offset + i * rowStep;
      for (int k = 0; k < a.columns; k++) {
        double by = a.values[a.offset + i * a.rowStep + k * a.columnStep];
        int from = b.offset + k * b.rowStep;
        for (int j = 0; j < columns; j++) {
          values[to + j] += by * b.values[from + j];
        }
      }
    }
  }

  /** Copies it out of, or back into, an array of its own, row after row. */
  void copy(double[] own, boolean back) {
    for (int i = 0; i < rows; i++) {
      int at = offset + i * rowStep;
      if (back) {
        System.arraycopy(own, i * columns, values, at, columns);
      } else {
        System.arraycopy(values, at, own, i * columns, columns);
      }
    }
  }
}
