package io.narrow.kernels;

import io.narrow.kernels.NativeCall.Operand;
import io.narrow.kernels.internal.NativeFunctions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Kernels in the native library. Which instruction set runs is a state of the library: there is one
 * choice per process, and only tests make another.
 */
final class NativeKernels extends Kernels {
  /** Measured on an EPYC, JDK 17 and 25: from 48 values (float16) to 90 (ranges) in arrays. */
  static final int BREAK_EVEN = 48;

  private static final int PRODUCT_ROWS = 64;
  private static final int PRODUCT_COLUMNS = 512;

  private final String name;
  private final int breakEven;

  private NativeKernels(String name, int breakEven) {
    this.name = name;
    this.breakEven = breakEven;
  }

  /** The instruction sets of this machine, slowest first. The library has to be loaded. */
  static List<String> names() {
    int count = NativeFunctions.narrow_isa_count();
    List<String> names = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      names.add(NativeFunctions.narrow_isa_name(i).getString());
    }
    return names;
  }

  /** Makes all native kernels use this instruction set, one of {@link #names()}. */
  static NativeKernels use(String name) {
    NativeFunctions.narrow_isa_use(names().indexOf(name));
    return new NativeKernels(name, 0);
  }

  /** The fastest for every size: native code by the last of {@link #names()}, or none. */
  static NativeKernels fastest() {
    List<String> names = names();
    String name = names.get(names.size() - 1);
    NativeFunctions.narrow_isa_use(names.size() - 1);
    return new NativeKernels(name, BREAK_EVEN);
  }

  /** From so many bytes on, results in direct memory are written around the caches. */
  static void stream(long bytes) {
    NativeFunctions.narrow_streaming_use(bytes);
  }

  @Override
  Kernels forSize(int n) {
    return n < breakEven ? JavaKernels.INSTANCE : this;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  void searchScales(
      float[] x, int from, int each, int limit, int steps, float step, float[] scales) {
    NativeFunctions.narrow_f32_least_error_scales(
        x, from, scales.length, each, limit, steps, step, scales, 0);
  }

  @Override
  void optimizeRows(
      float[] x, int rows, float[] centroid, int bits, byte[] y, float[] ends, int[] sums) {
    NativeFunctions.narrow_f32_optimized_rows(
        x, 0, rows, centroid.length, centroid, bits, y, 0, ends, sums);
  }

  @Override
  FloatRange range(Span x, int n) {
    float[] ends = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    long[] counts = new long[2];
    Operand input = Operand.input(x, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, input, input)) {
      if (call.isOnArrays()) {
        call.onArrays(
            (a, at, b, bt, m, first) ->
                NativeFunctions.narrow_f32_range((float[]) a, at, m, ends, counts));
      } else {
        Pointer endsMemory = call.share(0, ends);
        Pointer countsMemory = call.share(1, counts);
        call.onPointers(
            (a, at, b, bt, m, first) ->
                NativeFunctions.narrow_f32_range(a, at, m, endsMemory, countsMemory));
        call.shared(0, 2 * Float.BYTES).asFloatBuffer().get(ends);
        call.shared(1, 2 * Long.BYTES).asLongBuffer().get(counts);
      }
    }
    return new FloatRange(ends[0], ends[1], counts[0], counts[1]);
  }

  @Override
  long[] rangePerChannel(
      Span x, int n, int first, int channels, long inner, float[] min, float[] max) {
    long[] counts = new long[2];
    Operand input = Operand.input(x, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, first, input, input)) {
      if (call.isOnArrays()) {
        call.onArrays(
            (a, at, b, bt, m, start) ->
                NativeFunctions.narrow_f32_range_per_channel(
                    (float[]) a, at, m, start, channels, inner, min, max, counts));
      } else {
        float[] ends = Arrays.copyOf(min, 2 * channels);
        System.arraycopy(max, 0, ends, channels, channels);
        Pointer minMemory = call.share(0, ends);
        Pointer maxMemory = minMemory.getPointer((long) channels * Float.BYTES);
        Pointer countsMemory = call.share(1, counts);
        call.onPointers(
            (a, at, b, bt, m, start) ->
                NativeFunctions.narrow_f32_range_per_channel(
                    a, at, m, start, channels, inner, minMemory, maxMemory, countsMemory));
        call.shared(0, 2L * channels * Float.BYTES).asFloatBuffer().get(min).get(max);
        call.shared(1, 2 * Long.BYTES).asLongBuffer().get(counts);
      }
    }
    return counts;
  }

  @Override
  float[] absMax(Span x, int n, int first, int channels, long inner) {
    float[] largest = new float[channels];
    Operand input = Operand.input(x, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, first, input, input)) {
      if (call.isOnArrays()) {
        call.onArrays(
            (a, at, b, bt, m, start) ->
                NativeFunctions.narrow_f32_absmax(
                    (float[]) a, at, m, start, channels, inner, largest));
      } else {
        Pointer memory = call.share(0, largest);
        call.onPointers(
            (a, at, b, bt, m, start) ->
                NativeFunctions.narrow_f32_absmax(a, at, m, start, channels, inner, memory));
        call.shared(0, (long) channels * Float.BYTES).asFloatBuffer().get(largest);
      }
    }
    return largest;
  }

  @Override
  void quantize(Span x, int n, int first, Quantization q, Span y) {
    IntegerFunctions<?> functions = IntegerFunctions.of(q.type());
    Operand input = Operand.input(x, Element.FLOAT32);
    Operand output = Operand.output(y, q.type().element());
    try (NativeCall call = new NativeCall(n, first, input, output)) {
      if (q.channels() == 1) {
        functions.quantize(call, q);
      } else {
        functions.quantizePerChannel(call, q);
      }
    }
  }

  @Override
  void dequantize(Span y, int n, int first, Quantization q, Span x) {
    IntegerFunctions<?> functions = IntegerFunctions.of(q.type());
    Operand input = Operand.input(y, q.type().element());
    Operand output = Operand.output(x, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, first, input, output)) {
      if (q.channels() == 1) {
        functions.dequantize(call, q);
      } else {
        functions.dequantizePerChannel(call, q);
      }
    }
  }

  /** One native call on direct memory, and on arrays one for as many channels as it may take. */
  @Override
  FittedQuantization quantizeFitted(
      Span x, int n, QuantizedType type, boolean symmetric, int channels, int inner, Span y) {
    Operand input = Operand.input(x, Element.FLOAT32);
    Operand output = Operand.output(y, type.element());
    try (NativeCall call = new NativeCall(n, input, output)) {
      boolean apart = n == (long) channels * inner;
      if (!apart || !call.isDirect() && !(call.isOnArrays() && inner <= NativeCall.CHUNK / 2)) {
        return super.quantizeFitted(x, n, type, symmetric, channels, inner, y);
      }
      return IntegerFunctions.of(type).quantizeFitted(call, type, symmetric, channels, inner);
    }
  }

  /** A conversion between floats and 16 bits, on arrays and on pointers. */
  private interface Convert<X, Y> {
    void run(X x, long xOffset, long n, Y y, long yOffset);
  }

  private static void toBits16(
      Span x, int n, Span y, Convert<float[], short[]> arrays, Convert<Pointer, Pointer> pointers) {
    try (NativeCall call = float32ToBits16(x, n, y)) {
      if (call.isOnArrays()) {
        call.onArrays((a, at, b, bt, m, first) -> arrays.run((float[]) a, at, m, (short[]) b, bt));
      } else {
        call.onPointers((a, at, b, bt, m, first) -> pointers.run(a, at, m, b, bt));
      }
    }
  }

  private static void fromBits16(
      Span half,
      int n,
      Span x,
      Convert<short[], float[]> arrays,
      Convert<Pointer, Pointer> pointers) {
    Operand input = Operand.input(half, Element.BITS16);
    Operand output = Operand.output(x, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, input, output)) {
      if (call.isOnArrays()) {
        call.onArrays((a, at, b, bt, m, first) -> arrays.run((short[]) a, at, m, (float[]) b, bt));
      } else {
        call.onPointers((a, at, b, bt, m, first) -> pointers.run(a, at, m, b, bt));
      }
    }
  }

  @Override
  void toFloat16(Span x, int n, Span y) {
    toBits16(x, n, y, NativeFunctions::narrow_f32_to_f16, NativeFunctions::narrow_f32_to_f16);
  }

  @Override
  void toFloat32(Span half, int n, Span x) {
    fromBits16(half, n, x, NativeFunctions::narrow_f16_to_f32, NativeFunctions::narrow_f16_to_f32);
  }

  @Override
  void toBFloat16(Span x, int n, Span y) {
    toBits16(x, n, y, NativeFunctions::narrow_f32_to_bf16, NativeFunctions::narrow_f32_to_bf16);
  }

  @Override
  void fromBFloat16(Span half, int n, Span x) {
    fromBits16(
        half, n, x, NativeFunctions::narrow_bf16_to_f32, NativeFunctions::narrow_bf16_to_f32);
  }

  @Override
  long toFloat16Saturated(Span x, int n, Span y) {
    long[] count = new long[1];
    try (NativeCall call = float32ToBits16(x, n, y)) {
      if (call.isOnArrays()) {
        call.onArrays(
            (a, at, b, bt, m, first) ->
                count[0] +=
                    NativeFunctions.narrow_f32_to_f16_saturated(
                        (float[]) a, at, m, (short[]) b, bt));
      } else {
        call.onPointers(
            (a, at, b, bt, m, first) ->
                count[0] += NativeFunctions.narrow_f32_to_f16_saturated(a, at, m, b, bt));
      }
    }
    return count[0];
  }

  private static NativeCall float32ToBits16(Span x, int n, Span y) {
    return new NativeCall(n, Operand.input(x, Element.FLOAT32), Operand.output(y, Element.BITS16));
  }

  @Override
  ErrorSums error(Span x, Span y, int n) {
    double[] sums = new double[2];
    Operand signal = Operand.input(x, Element.FLOAT32);
    Operand approximation = Operand.input(y, Element.FLOAT32);
    try (NativeCall call = new NativeCall(n, signal, approximation)) {
      if (call.isOnArrays()) {
        call.onArrays(
            NativeCall.CHUNK,
            (a, at, b, bt, m, first) ->
                NativeFunctions.narrow_f32_error((float[]) a, at, (float[]) b, bt, m, sums));
      } else {
        Pointer memory = call.share(0, sums);
        call.onPointersInPieces(
            (a, at, b, bt, m, first) -> NativeFunctions.narrow_f32_error(a, at, b, bt, m, memory));
        call.shared(0, 2 * Double.BYTES).asDoubleBuffer().get(sums);
      }
    }
    return new ErrorSums(sums[0], sums[1]);
  }

  /**
   * In pieces, because a garbage collection may have to wait for each: some ten million products.
   */
  @Override
  void products(Matrix a, Matrix b, Matrix c) {
    for (int i = 0; i < c.rows(); i += PRODUCT_ROWS) {
      int rows = Math.min(PRODUCT_ROWS, c.rows() - i);
      for (int j = 0; j < c.columns(); j += PRODUCT_COLUMNS) {
        int columns = Math.min(PRODUCT_COLUMNS, c.columns() - j);
        // Native code may not write to an array that other threads write to: see ParallelKernels.
        Matrix part = c.part(i, rows, j, columns);
        double[] sums = new double[rows * columns];
        part.copy(sums, false);
        for (int k = 0; k < a.columns(); k += PRODUCT_COLUMNS) {
          int depth = Math.min(PRODUCT_COLUMNS, a.columns() - k);
          Matrix left = a.part(i, rows, k, depth);
          Matrix right = b.part(k, depth, j, columns);
          NativeFunctions.narrow_f64_add_products(
              left.values(),
              left.offset(),
              left.rowStep(),
              left.columnStep(),
              right.values(),
              right.offset(),
              right.rowStep(),
              rows,
              columns,
              depth,
              sums,
              0,
              columns);
        }
        part.copy(sums, true);
      }
    }
  }

  @Override
  void pack(Packing packing, Span x, int rows, int dimensions, Span y) {
    if (x.isDirect() && y.isDirect()) {
      packing.pack(new DirectPointer(x), rows, dimensions, new DirectPointer(y));
      return;
    }
    Packed packed = Packed.toPack(packing, x, rows, dimensions, y);
    packing.pack(
        packed.floats(),
        packed.floatsAt(),
        rows,
        dimensions,
        packed.bytes(),
        (long) packed.bytesAt());
    packed.bytesTo(y);
  }

  @Override
  void unpack(Packing packing, Span y, int rows, int dimensions, Span x) {
    if (!packing.unpacksNatively()) {
      JavaKernels.INSTANCE.unpack(packing, y, rows, dimensions, x);
    } else if (x.isDirect() && y.isDirect()) {
      packing.unpack(new DirectPointer(y), (long) rows * dimensions, new DirectPointer(x));
    } else {
      Packed packed = Packed.toUnpack(packing, y, rows, dimensions, x);
      packing.unpack(
          packed.bytes(),
          packed.bytesAt(),
          (long) rows * dimensions,
          packed.floats(),
          packed.floatsAt());
      packed.floatsTo(x);
    }
  }

  @Override
  Difference difference(Span x, Span y, int n) {
    Operand signal = Operand.input(x, Element.FLOAT32);
    Operand approximation = Operand.input(y, Element.FLOAT32);
    float lowest = Float.NEGATIVE_INFINITY;
    float highest = Float.POSITIVE_INFINITY;
    try (NativeCall call = new NativeCall(n, signal, approximation)) {
      return call.difference(
          (a, at, b, bt, m, sums) ->
              NativeFunctions.narrow_f32_difference(
                  (float[]) a, at, (float[]) b, bt, m, lowest, highest, sums),
          (a, at, b, bt, m, sums) ->
              NativeFunctions.narrow_f32_difference(a, at, b, bt, m, lowest, highest, sums));
    }
  }

  @Override
  Difference difference(Span x, Span codes, int n, Quantization q) {
    Operand signal = Operand.input(x, Element.FLOAT32);
    Operand approximation = Operand.input(codes, q.type().element());
    try (NativeCall call = new NativeCall(n, signal, approximation)) {
      return IntegerFunctions.of(q.type()).difference(call, q);
    }
  }
}
