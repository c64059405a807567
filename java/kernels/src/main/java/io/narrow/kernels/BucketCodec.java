package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Codes of equal buckets between the ends of a range. */
final class BucketCodec extends VectorCodec {
  private final Buckets buckets;
  private final float[] min;
  private final float[] unit; // 0 where all values are the same
  private final int offset;
  private final ValueLimits limits;

  BucketCodec(VectorQuantizer quantizer, VectorRanges ranges, Buckets buckets) {
    super(quantizer);
    this.buckets = buckets;
    this.offset = quantizer.format() == VectorFormat.INT8 ? 128 : 0;
    min = new float[ranges.size()];
    unit = new float[ranges.size()];
    float[] max = new float[ranges.size()];
    for (int g = 0; g < min.length; g++) {
      boolean empty = ranges.min(g) > ranges.max(g);
      min[g] = empty ? 0 : ranges.min(g);
      max[g] = empty ? 0 : ranges.max(g);
      unit[g] = buckets.unit(max[g] - min[g]);
      if (Float.isInfinite(unit[g])) {
        throw new IllegalArgumentException(
            "range %s, from %s to %s, is too wide for a float32".formatted(g, min[g], max[g]));
      }
    }
    limits = new ValueLimits(quantizer.scope(), quantizer.dimensions(), min, max);
  }

  @Override
  void checkRows(int rows) {
    if (quantizer.scope() == VectorQuantizer.Scope.ROW && rows != min.length) {
      throw new IllegalArgumentException(
          "x has %s rows, ranges were fitted to %s".formatted(rows, min.length));
    }
  }

  @Override
  long clipped(float[] values, int row, int rows) {
    return limits.beyond(values, row, rows);
  }

  @Override
  void encode(float[] values, int row, int rows, Span y) {
    int dimensions = quantizer.dimensions();
    byte[] codes = new byte[dimensions];
    for (int r = 0; r < rows; r++) {
      for (int d = 0; d < dimensions; d++) {
        int g = group(row + r, d);
        float value = values[r * dimensions + d];
        value = Float.isNaN(value) ? 0 : value;
        codes[d] = (byte) (unit[g] == 0 ? -offset : code(value, g));
      }
      y.write((long) r * dimensions, ByteBuffer.wrap(codes));
    }
  }

  private int code(float value, int g) {
    return buckets.encode(value, min[g], unit[g], offset);
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int dimensions = quantizer.dimensions();
    ByteBuffer codes = y.bytes(0, (long) rows * dimensions);
    FloatBuffer floats = x.floats();
    for (int r = 0; r < rows; r++) {
      for (int d = 0; d < dimensions; d++) {
        int i = r * dimensions + d;
        int g = group(row + r, d);
        int code = offset == 0 ? Byte.toUnsignedInt(codes.get(i)) : codes.get(i);
        floats.put(i, unit[g] == 0 ? min[g] : buckets.decode(code, min[g], unit[g], offset));
      }
    }
  }

  private int group(int row, int dimension) {
    return switch (quantizer.scope()) {
      case TENSOR -> 0;
      case ROW -> row;
      case DIMENSION -> dimension;
    };
  }
}
