package io.narrow.kernels;

import java.util.Arrays;

/** Codes with scales and zero points, by the kernels. */
final class IntegerCodec extends VectorCodec {
  private final Quantization quantization;
  private final ValueLimits limits;

  IntegerCodec(VectorQuantizer quantizer, Quantization quantization) {
    super(quantizer);
    this.quantization = quantization;
    float[] low = new float[quantization.channels()];
    float[] high = new float[quantization.channels()];
    for (int c = 0; c < low.length; c++) {
      // Half a step further a value still is nearest to the last code.
      double scale = quantization.scale(c);
      low[c] = (float) ((quantization.min() - quantization.zeroPoint(c) - 0.5) * scale);
      high[c] = (float) ((quantization.max() - quantization.zeroPoint(c) + 0.5) * scale);
    }
    limits = new ValueLimits(quantizer, low, high);
  }

  @Override
  void checkRows(int rows) {
    if (quantizer.scope() == VectorQuantizer.Scope.ROW && rows != quantization.channels()) {
      throw new IllegalArgumentException(
          "x has %s rows, ranges were fitted to %s".formatted(rows, quantization.channels()));
    }
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    VectorCounts counts = limits.count(x, row, rows);
    Kernels.active().quantize(x, of(row, rows), y);
    return counts;
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    Kernels.active().dequantize(y, of(row, rows), x);
  }

  /** Of all rows, or of these where each has its own. */
  private Quantization of(int row, int rows) {
    if (quantizer.scope() != VectorQuantizer.Scope.ROW) {
      return quantization;
    }
    float[] scales = Arrays.copyOfRange(quantization.scalesShared(), row, row + rows);
    int[] zeroPoints = Arrays.copyOfRange(quantization.zeroPointsShared(), row, row + rows);
    return Quantization.perChannel(quantization.type(), scales, zeroPoints, quantizer.dimensions())
        .withRange(quantization.min(), quantization.max());
  }
}
