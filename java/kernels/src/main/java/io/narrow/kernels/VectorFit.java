package io.narrow.kernels;

import java.util.Arrays;

/** Finds the ranges of rows. */
final class VectorFit {
  private final VectorQuantizer quantizer;

  VectorFit(VectorQuantizer quantizer) {
    this.quantizer = quantizer;
  }

  static VectorRanges join(VectorRanges a, VectorRanges b) {
    return a.scope() == VectorQuantizer.Scope.ROW ? a.followedBy(b) : a.merge(b);
  }

  VectorRanges fit(Span x, int rows, int firstRow) {
    float[] min = ValueLimits.filled(quantizer.groups(rows), Float.POSITIVE_INFINITY);
    float[] max = ValueLimits.filled(min.length, Float.NEGATIVE_INFINITY);
    long[] unusual = quantizer.ranges(x, rows, firstRow, min, max);
    QuantileHistogram[] histograms = null;
    if (!quantizer.rule().isMinMax()) {
      if (quantizer.scope() == VectorQuantizer.Scope.ROW) {
        narrow(x, rows, min, max);
      } else {
        histograms = histograms(x, rows, min.length);
      }
    }
    VectorCounts counts = new VectorCounts(rows, unusual[0], unusual[1], 0);
    return new VectorRanges(quantizer.scope(), min, max, histograms, counts);
  }

  private QuantileHistogram[] histograms(Span x, int rows, int groups) {
    QuantileHistogram[] histograms = new QuantileHistogram[groups];
    Arrays.setAll(histograms, g -> new QuantileHistogram());
    forEachRow(
        x,
        rows,
        (row, values) -> {
          for (int d = 0; d < values.length; d++) {
            if (Float.isFinite(values[d])) {
              histograms[groups == 1 ? 0 : d].add(values[d]);
            }
          }
        });
    return histograms;
  }

  /** Rows do not share ranges: their quantiles are found at once. */
  private void narrow(Span x, int rows, float[] min, float[] max) {
    RangeRule rule = quantizer.rule();
    forEachRow(
        x,
        rows,
        (row, values) -> {
          QuantileHistogram histogram = new QuantileHistogram();
          for (float value : values) {
            if (Float.isFinite(value)) {
              histogram.add(value);
            }
          }
          float low = min[row];
          float high = max[row];
          min[row] = VectorRanges.end(histogram, rule.lower(), low, high, low);
          max[row] = VectorRanges.end(histogram, rule.upper(), low, high, high);
        });
  }

  private interface RowVisitor {
    void visit(int row, float[] values);
  }

  private void forEachRow(Span x, int rows, RowVisitor visitor) {
    float[] values = new float[quantizer.dimensions()];
    var floats = x.floats();
    for (int row = 0; row < rows; row++) {
      floats.get(values);
      visitor.visit(row, values);
    }
  }
}
