package io.narrow.kernels;

import java.util.Arrays;

/** Finds the ranges of rows, a block that fits the first caches at a time. */
final class VectorFit {
  /** 64 KiB. */
  static final int BLOCK = 1 << 14;

  private final VectorQuantizer quantizer;
  private final int dimensions;
  private final boolean quantiles;
  private float[] min;
  private float[] max;
  private QuantileHistogram[] histograms;
  private VectorCounts counts = VectorCounts.NONE;

  VectorFit(VectorQuantizer quantizer) {
    this.quantizer = quantizer;
    this.dimensions = quantizer.dimensions();
    this.quantiles = !quantizer.rule().isMinMax();
  }

  static VectorRanges join(VectorRanges a, VectorRanges b) {
    return a.scope() == VectorQuantizer.Scope.ROW ? a.followedBy(b) : a.merge(b);
  }

  VectorRanges fit(Span x, int rows, int firstRow) {
    int groups =
        switch (quantizer.scope()) {
          case TENSOR -> 1;
          case ROW -> rows;
          case DIMENSION -> dimensions;
        };
    min = new float[groups];
    max = new float[groups];
    Arrays.fill(min, Float.POSITIVE_INFINITY);
    Arrays.fill(max, Float.NEGATIVE_INFINITY);
    boolean byRow = quantizer.scope() == VectorQuantizer.Scope.ROW;
    if (quantiles && !byRow) {
      histograms = new QuantileHistogram[groups];
      Arrays.setAll(histograms, g -> new QuantileHistogram());
    }
    new RowBlocks(x, dimensions)
        .forEach(
            rows,
            (values, count, first) -> {
              VectorCounts unusual = check(quantizer, values, count, firstRow + first);
              counts = counts.merge(unusual);
              add(values, count, first, unusual.nans() + unusual.infinities() == 0);
            });
    return new VectorRanges(quantizer.scope(), min, max, histograms, counts);
  }

  /** Counts values that are not finite, or fails at the first. */
  static VectorCounts check(VectorQuantizer quantizer, float[] values, int rows, int firstRow) {
    int n = rows * quantizer.dimensions();
    FloatRange range = Kernels.active().range(Span.of(values, 0, n));
    long unusual = range.nans() + range.infinities();
    if (unusual > 0 && quantizer.invalid() == VectorQuantizer.Invalid.FAIL) {
      int i = 0;
      while (Float.isFinite(values[i])) {
        i++;
      }
      throw new IllegalArgumentException(
          "row %s, dimension %s is %s: only finite values can be quantized, unless they are clipped"
              .formatted(
                  firstRow + i / quantizer.dimensions(), i % quantizer.dimensions(), values[i]));
    }
    return new VectorCounts(rows, range.nans(), range.infinities(), 0);
  }

  private void add(float[] values, int rows, int first, boolean finite) {
    switch (quantizer.scope()) {
      case TENSOR -> extend(0, range(values, 0, rows * dimensions));
      case ROW -> {
        for (int r = 0; r < rows; r++) {
          addRow(values, r * dimensions, first + r);
        }
      }
      case DIMENSION -> {
        for (int r = 0; r < rows; r++) {
          if (finite) {
            addFinite(values, r * dimensions, min, max);
          } else {
            addOthers(values, r * dimensions);
          }
        }
      }
    }
    if (histograms != null) {
      for (int i = 0; i < rows * dimensions; i++) {
        if (Float.isFinite(values[i])) {
          histograms[histograms.length == 1 ? 0 : i % dimensions].add(values[i]);
        }
      }
    }
  }

  private void addRow(float[] values, int at, int row) {
    FloatRange range = range(values, at, dimensions);
    extend(row, range);
    if (quantiles) {
      QuantileHistogram histogram = new QuantileHistogram();
      for (int i = at; i < at + dimensions; i++) {
        if (Float.isFinite(values[i])) {
          histogram.add(values[i]);
        }
      }
      RangeRule rule = quantizer.rule();
      float low = range.min();
      float high = range.max();
      min[row] = VectorRanges.end(histogram, rule.lower(), low, high, low);
      max[row] = VectorRanges.end(histogram, rule.upper(), low, high, high);
    }
  }

  private static FloatRange range(float[] values, int at, int n) {
    return Kernels.active().range(Span.of(values, at, n));
  }

  private void extend(int group, FloatRange range) {
    min[group] = Math.min(min[group], range.min());
    max[group] = Math.max(max[group], range.max());
  }

  /** The JIT compiler makes vector instructions of this. */
  static void addFinite(float[] values, int at, float[] min, float[] max) {
    for (int d = 0; d < min.length; d++) {
      min[d] = Math.min(min[d], values[at + d]);
    }
    for (int d = 0; d < max.length; d++) {
      max[d] = Math.max(max[d], values[at + d]);
    }
  }

  private void addOthers(float[] values, int at) {
    for (int d = 0; d < dimensions; d++) {
      float value = values[at + d];
      if (Float.isFinite(value)) {
        min[d] = Math.min(min[d], value);
        max[d] = Math.max(max[d], value);
      }
    }
  }
}
