package io.narrow.kernels;

/**
 * The same kernels in Java, for machines without the native library. Loops are plain, so that the
 * JIT compiler can unroll them; every result has the bits of the native ones.
 */
final class JavaKernels extends Kernels {
  static final JavaKernels INSTANCE = new JavaKernels();

  private static final float LARGEST_HALF = 65504;

  /** Adding and subtracting 1.5 * 2^23 rounds half to even. */
  private static final float TO_INTEGER = 12582912;

  @Override
  public String name() {
    return "java";
  }

  @Override
  Kernels forSize(int n) {
    return this;
  }

  @Override
  void optimizeRows(
      float[] x, int rows, float[] centroid, int bits, byte[] y, float[] ends, int[] sums) {
    OptimizedInterval interval = new OptimizedInterval(bits, centroid.length);
    for (int i = 0; i < rows; i++) {
      System.arraycopy(x, i * centroid.length, interval.row(), 0, centroid.length);
      ends[4 * i + 3] = interval.center(centroid);
      interval.optimize();
      sums[i] = interval.quantize(y, i * centroid.length);
      ends[4 * i] = interval.lower();
      ends[4 * i + 1] = interval.upper();
      ends[4 * i + 2] = interval.square();
    }
  }

  @Override
  void searchScales(
      float[] x, int from, int each, int limit, int steps, float step, float[] scales) {
    for (int c = 0; c < scales.length; c++) {
      float whole = scales[c];
      float least = 0;
      for (int k = 0; k < steps; k++) {
        float scale = whole * (1 - k * step);
        float error = roundingError(x, from + c * each, each, scale, limit);
        if (k == 0 || error < least) {
          least = error;
          scales[c] = scale;
        }
      }
    }
  }

  private static float roundingError(float[] x, int from, int n, float scale, float limit) {
    float inverse = 1 / scale;
    float[] partial = new float[16];
    for (int i = 0; i < n; i++) {
      float value = x[from + i];
      float code = Math.max(-limit, Math.min(limit, value * inverse));
      code = (code + TO_INTEGER) - TO_INTEGER;
      float error = value - code * scale;
      partial[i % 16] += error * error;
    }
    for (int width = 8; width > 0; width /= 2) {
      for (int i = 0; i < width; i++) {
        partial[i] += partial[i + width];
      }
    }
    return partial[0];
  }

  @Override
  FloatRange range(Span x, int n) {
    RangeState state = new RangeState(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
    JavaCall.Window<float[]> window = JavaCall.floats(x, n);
    JavaCall.read(n, 0, window, window, (a, at, b, bt, m, first) -> state.add(a, at, m));
    return state.range();
  }

  private static final class RangeState {
    private static final int BLOCK = 1024;
    private float min;
    private float max;
    private long nans;
    private long infinities;

    RangeState(float min, float max) {
      this.min = min;
      this.max = max;
    }

    void add(float[] a, int at, int m) {
      for (int i = at; i < at + m; i += BLOCK) {
        addBlock(a, i, Math.min(i + BLOCK, at + m));
      }
    }

    /** Looks for values that are not finite only where the ends are not. */
    private void addBlock(float[] a, int from, int to) {
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (int i = from; i < to; i++) {
        low = Math.min(low, a[i]);
        high = Math.max(high, a[i]);
      }
      if (low >= -Float.MAX_VALUE && high <= Float.MAX_VALUE) {
        min = Math.min(min, low);
        max = Math.max(max, high);
      } else {
        addUnusual(a, from, to);
      }
    }

    private void addUnusual(float[] a, int from, int to) {
      for (int i = from; i < to; i++) {
        if (Float.isFinite(a[i])) {
          min = Math.min(min, a[i]);
          max = Math.max(max, a[i]);
        } else if (Float.isNaN(a[i])) {
          nans++;
        } else {
          infinities++;
        }
      }
    }

    FloatRange range() {
      return new FloatRange(min + 0.0f, max + 0.0f, nans, infinities); // -0 becomes +0
    }
  }

  @Override
  long[] rangePerChannel(
      Span x, int n, int first, int channels, long inner, float[] min, float[] max) {
    long[] counts = new long[2];
    JavaCall.Window<float[]> window = JavaCall.floats(x, n);
    JavaCall.read(
        n,
        first,
        window,
        window,
        (a, at, b, bt, m, start) ->
            Channels.forEachRun(
                m,
                start,
                channels,
                inner,
                (c, from, to) -> {
                  RangeState state = new RangeState(min[c], max[c]);
                  state.add(a, at + from, to - from);
                  min[c] = state.min + 0.0f; // -0 becomes +0
                  max[c] = state.max + 0.0f;
                  counts[0] += state.nans;
                  counts[1] += state.infinities;
                }));
    return counts;
  }

  @Override
  float[] absMax(Span x, int n, int start, int channels, long inner) {
    float[] largest = new float[channels];
    JavaCall.Window<float[]> window = JavaCall.floats(x, n);
    JavaCall.read(
        n,
        start,
        window,
        window,
        (a, at, b, bt, m, first) -> {
          if (inner == 1 && channels > 1) {
            absMaxLastAxis(a, at, m, first % channels, largest);
          } else {
            Channels.forEachRun(
                m,
                first,
                channels,
                inner,
                (c, from, to) -> largest[c] = absMax(a, at + from, at + to, largest[c]));
          }
        });
    for (int c = 0; c < channels; c++) {
      if (Float.isNaN(largest[c])) {
        largest[c] = Float.NaN; // one bit pattern for all
      }
    }
    return largest;
  }

  private static float absMax(float[] a, int from, int to, float largest) {
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(a[i]));
    }
    return largest;
  }

  private static void absMaxLastAxis(float[] a, int at, int m, int channel, float[] largest) {
    for (int i = at; i < at + m; ) {
      int run = Math.min(largest.length - channel, at + m - i);
      for (int k = 0; k < run; k++) {
        largest[channel + k] = Math.max(largest[channel + k], Math.abs(a[i + k]));
      }
      i += run;
      channel = 0;
    }
  }

  @Override
  void quantize(Span x, int n, int first, Quantization q, Span y) {
    JavaCall.Window<float[]> floats = JavaCall.floats(x, n);
    switch (q.type()) {
      case INT16 ->
          JavaCall.convert(n, first, floats, JavaCall.shorts(y, n), new JavaQuantizer(q)::toShorts);
      case INT8, UINT8 ->
          JavaCall.convert(
              n, first, floats, JavaCall.bytes(y, n, Element.BITS8), new JavaQuantizer(q)::toBytes);
      case INT4 ->
          JavaCall.convert(
              n,
              first,
              floats,
              JavaCall.bytes(y, n, Element.BITS4),
              new JavaQuantizer(q)::toNibbles);
    }
  }

  @Override
  void dequantize(Span y, int n, int first, Quantization q, Span x) {
    JavaCall.Window<float[]> floats = JavaCall.floats(x, n);
    JavaDequantizer dequantizer = new JavaDequantizer(q);
    switch (q.type()) {
      case INT16 ->
          JavaCall.convert(n, first, JavaCall.shorts(y, n), floats, dequantizer::fromShorts);
      case INT8 ->
          JavaCall.convert(
              n, first, JavaCall.bytes(y, n, Element.BITS8), floats, dequantizer::fromBytes);
      case UINT8 ->
          JavaCall.convert(
              n,
              first,
              JavaCall.bytes(y, n, Element.BITS8),
              floats,
              dequantizer::fromUnsignedBytes);
      case INT4 ->
          JavaCall.convert(
              n, first, JavaCall.bytes(y, n, Element.BITS4), floats, dequantizer::fromNibbles);
    }
  }

  @Override
  void toFloat16(Span x, int n, Span y) {
    JavaCall.convert(
        n,
        0,
        JavaCall.floats(x, n),
        JavaCall.shorts(y, n),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            b[bt + i] = Float16.fromFloat(a[at + i]);
          }
        });
  }

  @Override
  long toFloat16Saturated(Span x, int n, Span y) {
    long[] count = new long[1];
    JavaCall.convert(
        n,
        0,
        JavaCall.floats(x, n),
        JavaCall.shorts(y, n),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            float v = a[at + i];
            if (Math.abs(v) > LARGEST_HALF) {
              v = Math.copySign(LARGEST_HALF, v);
              count[0]++;
            }
            b[bt + i] = Float16.fromFloat(v);
          }
        });
    return count[0];
  }

  @Override
  void toFloat32(Span half, int n, Span x) {
    JavaCall.convert(
        n,
        0,
        JavaCall.shorts(half, n),
        JavaCall.floats(x, n),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            b[bt + i] = Float16.toFloat(a[at + i]);
          }
        });
  }

  @Override
  void toBFloat16(Span x, int n, Span y) {
    JavaCall.convert(
        n,
        0,
        JavaCall.floats(x, n),
        JavaCall.shorts(y, n),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            b[bt + i] = BFloat16.fromFloat(a[at + i]);
          }
        });
  }

  @Override
  void fromBFloat16(Span half, int n, Span x) {
    JavaCall.convert(
        n,
        0,
        JavaCall.shorts(half, n),
        JavaCall.floats(x, n),
        (a, at, b, bt, m, first) -> {
          for (int i = 0; i < m; i++) {
            b[bt + i] = BFloat16.toFloat(a[at + i]);
          }
        });
  }

  @Override
  ErrorSums error(Span x, Span y, int n) {
    JavaErrorSums sums = new JavaErrorSums();
    JavaCall.read(
        n,
        0,
        JavaCall.floats(x, n),
        JavaCall.floats(y, n),
        (a, at, b, bt, m, first) -> sums.add(a, at, b, bt, m));
    return sums.total();
  }

  @Override
  void products(Matrix a, Matrix b, Matrix c) {
    c.addInJava(a, b);
  }

  @Override
  void pack(Packing packing, Span x, int rows, int dimensions, Span y) {
    Packed packed = Packed.toPack(packing, x, rows, dimensions, y);
    for (int r = 0; r < rows; r++) {
      packing.pack(
          packed.floats(),
          packed.floatsAt() + r * dimensions,
          dimensions,
          packed.bytes(),
          packed.bytesAt() + r * packed.width());
    }
    packed.bytesTo(y);
  }

  @Override
  void unpack(Packing packing, Span y, int rows, int dimensions, Span x) {
    Packed packed = Packed.toUnpack(packing, y, rows, dimensions, x);
    for (int r = 0; r < rows; r++) {
      packing.unpack(
          packed.bytes(),
          packed.bytesAt() + r * packed.width(),
          dimensions,
          packed.floats(),
          packed.floatsAt() + r * dimensions);
    }
    packed.floatsTo(x);
  }

  @Override
  Difference difference(Span x, Span y, int n) {
    return difference(
        x, y, n, new JavaDifference(Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY));
  }

  private static Difference difference(Span x, Span y, int n, JavaDifference sums) {
    JavaCall.read(
        n,
        0,
        JavaCall.floats(x, n),
        JavaCall.floats(y, n),
        (a, at, b, bt, m, first) -> sums.add(a, at, b, bt, m));
    return sums.total();
  }

  @Override
  Difference difference(Span x, Span codes, int n, Quantization q) {
    Difference found = Difference.NONE;
    Span floats = Span.of(new float[Math.min(n, NativeCall.CHUNK)]);
    for (int from = 0; from < n; from += NativeCall.CHUNK) {
      int m = Math.min(NativeCall.CHUNK, n - from);
      dequantize(ParallelKernels.part(codes, q.type().element(), from, m), m, 0, q, floats);
      JavaDifference sums = new JavaDifference(q.lowest(), q.highest());
      found = found.merge(difference(ParallelKernels.floats(x, from, m), floats, m, sums));
    }
    return found;
  }
}
