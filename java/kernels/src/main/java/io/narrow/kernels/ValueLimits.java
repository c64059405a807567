package io.narrow.kernels;

/** The values that codes reach, by dimension, by row or for all; counts what lies beyond. */
record ValueLimits(VectorQuantizer.Scope scope, int dimensions, float[] low, float[] high) {
  long beyond(float[] values, int row, int rows) {
    if (scope == VectorQuantizer.Scope.DIMENSION) {
      return beyondByDimension(values, rows);
    }
    long beyond = 0;
    for (int r = 0; r < rows; r++) {
      int group = scope == VectorQuantizer.Scope.ROW ? row + r : 0;
      beyond += beyondInRow(values, r * dimensions, low[group], high[group]);
    }
    return beyond;
  }

  private long beyondInRow(float[] values, int at, float low, float high) {
    FloatRange range = Kernels.active().range(Span.of(values, at, dimensions));
    if (range.min() >= low && range.max() <= high) {
      return 0;
    }
    long beyond = 0;
    for (int i = at; i < at + dimensions; i++) {
      beyond += isBeyond(values[i], low, high) ? 1 : 0;
    }
    return beyond;
  }

  /**
   * Most rows have no such value; that much the JIT compiler finds out with vector instructions.
   */
  private long beyondByDimension(float[] values, int rows) {
    float[] least = low.clone();
    float[] largest = high.clone();
    for (int r = 0; r < rows; r++) {
      VectorFit.addFinite(values, r * dimensions, least, largest);
    }
    long beyond = 0;
    for (int d = 0; d < dimensions; d++) {
      if (!(least[d] >= low[d] && largest[d] <= high[d])) {
        for (int r = 0; r < rows; r++) {
          beyond += isBeyond(values[r * dimensions + d], low[d], high[d]) ? 1 : 0;
        }
      }
    }
    return beyond;
  }

  private static boolean isBeyond(float value, float low, float high) {
    return (value < low || value > high) && Float.isFinite(value);
  }
}
