package io.narrow.kernels;

/** Codes of equal buckets between the ends of a range. */
final class BucketCodec extends VectorCodec {
  private final Buckets buckets;
  private final float[] min;
  private final float[] max;
  private final float[] unit;
  private final int offset;
  private final ValueLimits limits;

  BucketCodec(VectorQuantizer quantizer, VectorRanges ranges, Buckets buckets) {
    super(quantizer);
    this.buckets = buckets;
    this.offset = quantizer.format() == VectorFormat.INT8 ? 128 : 0;
    min = new float[ranges.size()];
    unit = new float[ranges.size()];
    max = new float[ranges.size()];
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
    int n = rows * dimensions;
    JavaCall.convert(
        n,
        row * dimensions,
        JavaCall.floats(x, n),
        JavaCall.bytes(y, n, Element.BITS8),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            int g = group(first + i);
            float value = Float.isNaN(a[at + i]) ? 0 : a[at + i];
            int number = unit[g] == 0 ? 0 : buckets.number(value, min[g], unit[g], offset);
            b[bt + i] = (byte) (number - offset);
          }
        });
    return counts;
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int dimensions = quantizer.dimensions();
    int n = rows * dimensions;
    JavaCall.convert(
        n,
        row * dimensions,
        JavaCall.bytes(y, n, Element.BITS8),
        JavaCall.floats(x, n),
        (b, bt, a, at, m, first) -> {
          for (int i = 0; i < m; i++) {
            int g = group(first + i);
            int number = b[bt + i] + offset & 0xff;
            boolean flat = min[g] == max[g];
            a[at + i] = flat ? min[g] : buckets.value(number, min[g], unit[g], offset);
          }
        });
  }

  /** The range of a value, by its number in the tensor. */
  private int group(int i) {
    return switch (quantizer.scope()) {
      case TENSOR -> 0;
      case ROW -> i / quantizer.dimensions();
      case DIMENSION -> i % quantizer.dimensions();
    };
  }
}
