package io.narrow.kernels;

/** 16-bit floats. */
final class HalfCodec extends VectorCodec {
  private static final float LARGEST_FLOAT16 = 65504;
  private static final float LARGEST_BFLOAT16 = Float.intBitsToFloat(0x7f7f0000);

  private final boolean isFloat16;
  private final float largest;

  HalfCodec(VectorQuantizer quantizer) {
    super(quantizer);
    isFloat16 = quantizer.format() == VectorFormat.FLOAT16;
    largest = isFloat16 ? LARGEST_FLOAT16 : LARGEST_BFLOAT16;
  }

  @Override
  VectorCounts encode(Span x, int row, int rows, Span y) {
    FloatRange range = quantizer.range(x, row);
    boolean within = range.isEmpty() || range.max() <= largest && range.min() >= -largest;
    boolean finite = range.nans() + range.infinities() == 0;
    if (within && finite) {
      round(x, y);
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
    round(Span.of(values), y);
    return new VectorCounts(rows, range.nans(), range.infinities(), beyond);
  }

  private void round(Span x, Span y) {
    if (isFloat16) {
      Kernels.active().toFloat16(x, y);
    } else {
      Kernels.active().toBFloat16(x, y);
    }
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    if (isFloat16) {
      Kernels.active().toFloat32(y, x);
    } else {
      Kernels.active().fromBFloat16(y, x);
    }
  }
}
