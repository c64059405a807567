package io.narrow.kernels;

import java.util.Arrays;

/** Codes of equal buckets between the ends of a range. */
final class BucketCodec extends VectorCodec {
  private final Buckets buckets;
  private final float[] min;
  private final float[] unit;
  private final float[] step;
  private final int offset;
  private final ValueLimits limits;

  BucketCodec(VectorQuantizer quantizer, VectorRanges ranges, Buckets buckets) {
    super(quantizer);
    this.buckets = buckets;
    this.offset = quantizer.format() == VectorFormat.INT8 ? 128 : 0;
    min = new float[ranges.size()];
    unit = new float[ranges.size()];
    step = new float[ranges.size()];
    float[] max = new float[ranges.size()];
    for (int g = 0; g < min.length; g++) {
      boolean empty = ranges.min(g) > ranges.max(g);
      min[g] = empty ? 0 : ranges.min(g);
      max[g] = empty ? 0 : ranges.max(g);
      float width = max[g] - min[g];
      if (Float.isInfinite(width)) {
        throw new IllegalArgumentException(
            "range %s, from %s to %s, is too wide for a float32".formatted(g, min[g], max[g]));
      }
      unit[g] = buckets.unit(width);
      step[g] = buckets.step(width);
    }
    limits = new ValueLimits(quantizer, min, max);
  }

  @Override
  void checkRows(int rows) {
    if (quantizer.scope() == VectorQuantizer.Scope.ROW && rows != min.length) {
      throw new IllegalArgumentException(
          "x has %s rows, ranges were fitted to %s".formatted(rows, min.length));
    }
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    VectorCounts counts = limits.count(x, row, rows);
    int n = rows * quantizer.dimensions();
    float[] position = new float[Runs.LONGEST];
    Runs runs = new Runs(quantizer, row, min, unit);
    JavaCall.convert(
        n,
        0,
        JavaCall.floats(counts.nans() == 0 ? x : withoutNans(x, n), n),
        JavaCall.bytes(y, n, Element.BITS8),
        (a, at, b, bt, m, first) ->
            runs.forEach(
                first,
                m,
                (from, length) -> {
                  buckets.position(a, at + from, runs.min, runs.unit, length, position);
                  buckets.number(position, length, offset, b, bt + from);
                }));
    return counts;
  }

  private static Span withoutNans(Span x, int n) {
    float[] values = new float[n];
    x.floats().get(values);
    for (int i = 0; i < n; i++) {
      values[i] = Float.isNaN(values[i]) ? 0 : values[i];
    }
    return Span.of(values);
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int n = rows * quantizer.dimensions();
    Runs runs = new Runs(quantizer, row, min, step);
    JavaCall.convert(
        n,
        0,
        JavaCall.bytes(y, n, Element.BITS8),
        JavaCall.floats(x, n),
        (b, bt, a, at, m, first) ->
            runs.forEach(
                first,
                m,
                (from, length) -> {
                  for (int i = 0; i < length; i++) {
                    int number = b[bt + from + i] + offset & 0xff;
                    a[at + from + i] = buckets.value(number, runs.min[i], runs.unit[i], offset);
                  }
                }));
  }

  /** Values that follow one another in one row, with their ranges one by one. */
  private static final class Runs {
    static final int LONGEST = 1024;

    interface Visitor {
      void visit(int from, int length);
    }

    final float[] min = new float[LONGEST];
    final float[] unit = new float[LONGEST];
    private final VectorQuantizer.Scope scope;
    private final int dimensions;
    private final int row;
    private final float[] mins;
    private final float[] units;
    private int filled = -1;

    Runs(VectorQuantizer quantizer, int row, float[] mins, float[] units) {
      this.scope = quantizer.scope();
      this.dimensions = quantizer.dimensions();
      this.row = row;
      this.mins = mins;
      this.units = units;
    }

    /** For m values from number first of the rows on. */
    void forEach(int first, int m, Visitor visitor) {
      for (int i = 0; i < m; ) {
        int dimension = (first + i) % dimensions;
        int length = Math.min(Math.min(m - i, dimensions - dimension), LONGEST);
        fill((first + i) / dimensions, dimension, length);
        visitor.visit(i, length);
        i += length;
      }
    }

    private void fill(int rowNumber, int dimension, int length) {
      switch (scope) {
        case DIMENSION -> {
          System.arraycopy(mins, dimension, min, 0, length);
          System.arraycopy(units, dimension, unit, 0, length);
        }
        case ROW -> fillAll(row + rowNumber);
        case TENSOR -> fillAll(0);
      }
    }

    private void fillAll(int group) {
      if (group != filled) {
        Arrays.fill(min, mins[group]);
        Arrays.fill(unit, units[group]);
        filled = group;
      }
    }
  }
}
