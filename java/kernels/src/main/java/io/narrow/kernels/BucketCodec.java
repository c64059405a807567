package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** Codes of equal buckets between the ends of a range. */
final class BucketCodec extends VectorCodec {
  private final Buckets buckets;
  private final int last; // number of a bucket
  private final float[] min;
  private final float[] unit;
  private final float[] step;
  private final int offset;
  private final ValueLimits limits;

  BucketCodec(VectorQuantizer quantizer, VectorRanges ranges, Buckets buckets, int last) {
    super(quantizer);
    this.buckets = buckets;
    this.last = last;
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
      unit[g] = buckets.unit(width, last);
      step[g] = buckets.step(width, last);
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
    int dimensions = quantizer.dimensions();
    Nibbles nibbles = quantizer.format().nibbles();
    if (nibbles == null) {
      number(x, row, rows, y, counts.nans() > 0);
      return counts;
    }
    byte[] codes = new byte[rows * dimensions];
    number(x, row, rows, Span.of(codes), counts.nans() > 0);
    int width = (int) quantizer.format().bytes(dimensions);
    byte[] packed = new byte[rows * width];
    for (int i = 0; i < rows; i++) {
      nibbles.pack(codes, i * dimensions, dimensions, packed, i * width);
    }
    y.write(0, ByteBuffer.wrap(packed));
    return counts;
  }

  /** Writes a byte per value. */
  private void number(Span x, int row, int rows, Span y, boolean nans) {
    int n = rows * quantizer.dimensions();
    float[] position = new float[Runs.LONGEST];
    Runs runs = new Runs(quantizer, row, min, unit);
    JavaCall.convert(
        n,
        0,
        JavaCall.floats(nans ? withoutNans(x, n) : x, n),
        JavaCall.bytes(y, n, Element.BITS8),
        (a, at, b, bt, m, first) ->
            runs.forEach(
                first,
                m,
                (from, length) -> {
                  buckets.position(a, at + from, runs.min, runs.unit, length, last, position);
                  buckets.number(position, length, last, offset, b, bt + from);
                }));
  }

  @Override
  void correct(Span x, int rows, float[] corrections, int to) {
    if (buckets != Buckets.LUCENE || quantizer.scope() != VectorQuantizer.Scope.TENSOR) {
      super.correct(x, rows, corrections, to);
    }
    float[] row = new float[quantizer.dimensions()];
    float[] terms = new float[row.length];
    FloatBuffer values = x.floats();
    for (int i = 0; i < rows; i++) {
      values.get(row);
      luceneTerms(row, min[0], unit[0], step[0], last, terms);
      float sum = 0;
      for (float term : terms) {
        sum += term;
      }
      corrections[to + i] = sum;
    }
  }

  private static void luceneTerms(
      float[] x, float min, float unit, float step, int last, float[] terms) {
    for (int i = 0; i < x.length; i++) {
      float d = x[i] - min;
      float position = Math.max(0, Math.min(last, unit * d));
      float q = (int) (position + 0.5) * step;
      terms[i] = min * (x[i] - min / 2) + (d - q) * q;
    }
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
    int dimensions = quantizer.dimensions();
    Nibbles nibbles = quantizer.format().nibbles();
    if (nibbles == null) {
      restore(y, row, rows, x);
      return;
    }
    int width = (int) quantizer.format().bytes(dimensions);
    byte[] packed = new byte[rows * width];
    y.bytes(0, packed.length).get(packed);
    byte[] codes = new byte[rows * dimensions];
    for (int i = 0; i < rows; i++) {
      nibbles.unpack(packed, i * width, dimensions, codes, i * dimensions);
    }
    restore(Span.of(codes), row, rows, x);
  }

  /** Of a byte per value. */
  private void restore(Span y, int row, int rows, Span x) {
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
                    a[at + from + i] =
                        buckets.value(number, runs.min[i], runs.unit[i], last, offset);
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
