package io.narrow.kernels;

/** 16-bit floats, and blocks whose scale is one: formats that need no ranges and end somewhere. */
final class HalfCodec extends VectorCodec {
  private static final float LARGEST_FLOAT16 = 65504;
  private static final float LARGEST_BFLOAT16 = Float.intBitsToFloat(0x7f7f0000);

  private final float largest;

  HalfCodec(VectorQuantizer quantizer) {
    super(quantizer);
    largest =
        switch (quantizer.format()) {
          case BFLOAT16 -> LARGEST_BFLOAT16;
          case Q8_0 -> LARGEST_FLOAT16 * 127;
          case Q4_0 -> LARGEST_FLOAT16 * 8;
          default -> LARGEST_FLOAT16;
        };
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    FloatRange range = quantizer.range(x, row);
    boolean within = range.isEmpty() || range.max() <= largest && range.min() >= -largest;
    boolean finite = range.nans() + range.infinities() == 0;
    if (within && finite) {
      round(x, rows, y);
      return new VectorCounts(rows, 0, 0, 0);
    }
    float[] values = new float[rows * quantizer.dimensions()];
    x.floats().get(values);
    long beyond = 0;
    for (int i = 0; i < values.length; i++) {
      if (Math.abs(values[i]) > largest && Float.isFinite(values[i])) {
        if (quantizer.invalid() == VectorQuantizer.Invalid.FAIL) {
          throw new IllegalArgumentException(
              "%s: %s ends at %s, unless values are clipped"
                  .formatted(quantizer.describe(values[i], row, i), quantizer.format(), largest));
        }
        beyond++;
      }
      float clamped = Math.max(-largest, Math.min(largest, values[i]));
      values[i] = Float.isNaN(clamped) ? 0 : clamped;
    }
    round(Span.of(values), rows, y);
    return new VectorCounts(rows, range.nans(), range.infinities(), beyond);
  }

  private void round(Span x, int rows, Span y) {
    Kernels kernels = Kernels.active();
    int dimensions = quantizer.dimensions();
    switch (quantizer.format()) {
      case FLOAT16 -> kernels.toFloat16(x, y);
      case BFLOAT16 -> kernels.toBFloat16(x, y);
      default ->
          kernels
              .forSize(rows * dimensions)
              .pack(quantizer.format().packing(), x, rows, dimensions, y);
    }
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    Kernels kernels = Kernels.active();
    int dimensions = quantizer.dimensions();
    switch (quantizer.format()) {
      case FLOAT16 -> kernels.toFloat32(y, x);
      case BFLOAT16 -> kernels.fromBFloat16(y, x);
      default ->
          kernels
              .forSize(rows * dimensions)
              .unpack(quantizer.format().packing(), y, rows, dimensions, x);
    }
  }
}
