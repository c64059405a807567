package io.narrow.kernels;

import java.nio.FloatBuffer;

/** Copies rows out of any memory, as many at a time as stay in the first caches. */
record RowBlocks(Span x, int dimensions) {
  /** Takes rows that follow one another. */
  interface Visitor {
    /**
     * @param values {@code count} rows, which may be overwritten
     * @param first number of the first of them
     */
    void visit(float[] values, int count, int first);
  }

  /** The number of rows in a block. */
  static int size(int dimensions) {
    return Math.max(1, VectorFit.BLOCK / dimensions);
  }

  void forEach(int rows, Visitor visitor) {
    int size = Math.min(rows, size(dimensions));
    float[] values = new float[size * dimensions];
    FloatBuffer floats = x.floats();
    for (int first = 0; first < rows; first += size) {
      int count = Math.min(size, rows - first);
      floats.get(first * dimensions, values, 0, count * dimensions);
      visitor.visit(values, count, first);
    }
  }
}
