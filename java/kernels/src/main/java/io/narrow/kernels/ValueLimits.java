package io.narrow.kernels;

import java.nio.FloatBuffer;
import java.util.Arrays;

/** The values that codes reach, by dimension, by row or for all; counts what lies beyond. */
record ValueLimits(VectorQuantizer quantizer, float[] low, float[] high) {
  /**
   * Counts the unusual values of some rows, the first of which is number row. Most rows have none;
   * that much is known from their ranges.
   *
   * @throws IllegalArgumentException if one is not finite and the policy is to fail
   */
  VectorCounts count(Span x, int row, int rows) {
    VectorQuantizer.Scope scope = quantizer.scope();
    int firstGroup = scope == VectorQuantizer.Scope.ROW ? row : 0;
    float[] min = filled(quantizer.groups(rows), Float.POSITIVE_INFINITY);
    float[] max = filled(min.length, Float.NEGATIVE_INFINITY);
    long[] unusual = quantizer.ranges(x, rows, row, min, max);
    long beyond = 0;
    for (int g = 0; g < min.length; g++) {
      if (min[g] < low[firstGroup + g] || max[g] > high[firstGroup + g]) {
        beyond += beyond(x.floats(), rows, g, low[firstGroup + g], high[firstGroup + g]);
      }
    }
    return new VectorCounts(rows, unusual[0], unusual[1], beyond);
  }

  static float[] filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  /** Of group g of these rows. */
  private long beyond(FloatBuffer values, int rows, int g, float low, float high) {
    int dimensions = quantizer.dimensions();
    int from = 0;
    int to = rows * dimensions;
    int step = 1;
    switch (quantizer.scope()) {
      case TENSOR -> {}
      case ROW -> {
        from = g * dimensions;
        to = from + dimensions;
      }
      case DIMENSION -> {
        from = g;
        step = dimensions;
      }
    }
    long beyond = 0;
    for (int i = from; i < to; i += step) {
      float value = values.get(i);
      beyond += (value < low || value > high) && Float.isFinite(value) ? 1 : 0;
    }
    return beyond;
  }
}
