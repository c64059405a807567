package io.narrow.kernels;

import java.nio.FloatBuffer;

/** 16-bit floats. */
final class HalfCodec extends VectorCodec {
  private static final float LARGEST_FLOAT16 = 65504;
  private static final float LARGEST_BFLOAT16 = Float.intBitsToFloat(0x7f7f0000);

  private final float largest;

  HalfCodec(VectorQuantizer quantizer) {
    super(quantizer);
    largest = quantizer.format() == VectorFormat.FLOAT16 ? LARGEST_FLOAT16 : LARGEST_BFLOAT16;
  }

  @Override
  long clipped(float[] values, int row, int rows) {
    int n = rows * quantizer.dimensions();
    FloatRange range = Kernels.active().range(Span.of(values, 0, n));
    if (range.isEmpty() || range.max() <= largest && range.min() >= -largest) {
      return 0;
    }
    long beyond = 0;
    for (int i = 0; i < n; i++) {
      if (Math.abs(values[i]) > largest && Float.isFinite(values[i])) {
        if (quantizer.invalid() == VectorQuantizer.Invalid.FAIL) {
          throw new IllegalArgumentException(
              "row %s, dimension %s is %s: %s ends at %s, unless values are clipped"
                  .formatted(
                      row + i / quantizer.dimensions(),
                      i % quantizer.dimensions(),
                      values[i],
                      quantizer.format(),
                      largest));
        }
        beyond++;
      }
    }
    return beyond;
  }

  /** What is not finite only comes here to be clipped. */
  @Override
  void encode(float[] values, int row, int rows, Span y) {
    int n = rows * quantizer.dimensions();
    for (int i = 0; i < n; i++) {
      float value = Math.max(-largest, Math.min(largest, values[i]));
      values[i] = Float.isNaN(value) ? 0 : value;
    }
    Span x = Span.of(values, 0, n);
    if (quantizer.format() == VectorFormat.FLOAT16) {
      Kernels.active().toFloat16(x, y);
    } else {
      JavaCall.convert(n, 0, JavaCall.floats(x, n), JavaCall.shorts(y, n), HalfCodec::toBFloat16);
    }
  }

  private static void toBFloat16(float[] x, int xAt, short[] y, int yAt, int m, int first) {
    for (int i = 0; i < m; i++) {
      y[yAt + i] = BFloat16.fromFloat(x[xAt + i]);
    }
  }

  @Override
  void decode(Span y, int row, int rows, Span x) {
    int n = rows * quantizer.dimensions();
    if (quantizer.format() == VectorFormat.FLOAT16) {
      Kernels.active().toFloat32(y, x);
      return;
    }
    FloatBuffer floats = x.floats();
    JavaCall.Window<short[]> halves = JavaCall.shorts(y, n);
    JavaCall.read(
        n,
        0,
        halves,
        halves,
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            floats.put(first + i, BFloat16.toFloat(a[at + i]));
          }
        });
  }
}
