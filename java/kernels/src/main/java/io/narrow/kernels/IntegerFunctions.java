package io.narrow.kernels;

import io.narrow.kernels.internal.NativeFunctions;
import org.bytedeco.javacpp.Pointer;

/**
 * The native functions of one {@link QuantizedType}: a row of the table at the end.
 *
 * @param <A> the array that holds such integers
 */
record IntegerFunctions<A>(
    Class<A> array,
    Quantize<float[], A> quantizeArrays,
    Quantize<Pointer, Pointer> quantizePointers,
    QuantizePerChannel<float[], int[], A> quantizeArraysPerChannel,
    QuantizePerChannel<Pointer, Pointer, Pointer> quantizePointersPerChannel,
    QuantizeFitted<float[], int[], long[], A> quantizeArraysFitted,
    QuantizeFitted<Pointer, Pointer, Pointer, Pointer> quantizePointersFitted,
    Dequantize<float[], A> dequantizeArrays,
    Dequantize<Pointer, Pointer> dequantizePointers,
    DequantizePerChannel<float[], int[], A> dequantizeArraysPerChannel,
    DequantizePerChannel<Pointer, Pointer, Pointer> dequantizePointersPerChannel,
    Compare<float[], A, double[]> compareArrays,
    Compare<Pointer, Pointer, Pointer> comparePointers) {

  /** Floats in F to integers in Y. */
  interface Quantize<F, Y> {
    void run(
        F x,
        long xOffset,
        long n,
        float inverseScale,
        int zeroPoint,
        int min,
        int max,
        Y y,
        long yOffset);
  }

  /** The same with channels; I holds zero points. */
  interface QuantizePerChannel<F, I, Y> {
    void run(
        F x,
        long xOffset,
        long n,
        long first,
        long channels,
        long inner,
        F inverseScales,
        I zeroPoints,
        int min,
        int max,
        Y y,
        long yOffset);
  }

  /** The same with scales from ranges; L holds counts. */
  interface QuantizeFitted<F, I, L, Y> {
    void run(
        F x,
        long xOffset,
        long channels,
        long inner,
        int symmetric,
        int min,
        int max,
        F scales,
        I zeroPoints,
        long scalesOffset,
        L counts,
        Y y,
        long yOffset);
  }

  /** Integers in X to floats in F. */
  interface Dequantize<F, X> {
    void run(X x, long xOffset, long n, float scale, int zeroPoint, F y, long yOffset);
  }

  /** The same with channels; I holds zero points. */
  interface DequantizePerChannel<F, I, X> {
    void run(
        X x,
        long xOffset,
        long n,
        long first,
        long channels,
        long inner,
        F scales,
        I zeroPoints,
        F y,
        long yOffset);
  }

  /** Floats in F with integers in Y that stand for them; D holds sums. */
  interface Compare<F, Y, D> {
    void run(
        F x,
        long xOffset,
        Y y,
        long yOffset,
        long n,
        float scale,
        int zeroPoint,
        float lowest,
        float highest,
        D sums);
  }

  void quantize(NativeCall call, Quantization q) {
    float inverse = q.inverseScalesShared()[0];
    int zero = q.zeroPoint(0);
    if (call.isOnArrays()) {
      call.onArrays(
          (x, xo, y, yo, m, first) ->
              quantizeArrays.run(
                  (float[]) x, xo, m, inverse, zero, q.min(), q.max(), array.cast(y), yo));
    } else {
      call.onPointers(
          (x, xo, y, yo, m, first) ->
              quantizePointers.run(x, xo, m, inverse, zero, q.min(), q.max(), y, yo));
    }
  }

  void quantizePerChannel(NativeCall call, Quantization q) {
    int channels = q.channels();
    if (call.isOnArrays()) {
      float[] inverses = q.inverseScalesShared();
      int[] zeros = q.zeroPointsShared();
      call.onArrays(
          (x, xo, y, yo, m, first) ->
              quantizeArraysPerChannel.run(
                  (float[]) x,
                  xo,
                  m,
                  first,
                  channels,
                  q.inner(),
                  inverses,
                  zeros,
                  q.min(),
                  q.max(),
                  array.cast(y),
                  yo));
    } else {
      Pointer inverses = call.share(0, q.inverseScalesShared());
      Pointer zeros = call.share(1, q.zeroPointsShared());
      call.onPointers(
          (x, xo, y, yo, m, first) ->
              quantizePointersPerChannel.run(
                  x, xo, m, first, channels, q.inner(), inverses, zeros, q.min(), q.max(), y, yo));
    }
  }

  FittedQuantization quantizeFitted(
      NativeCall call, QuantizedType type, boolean symmetric, int channels, int inner) {
    float[] scales = new float[channels];
    int[] zeros = new int[channels];
    long[] counts = new long[2];
    int kind = symmetric ? 1 : 0;
    int min = Quantization.leastCode(type, symmetric);
    int max = type.max();
    if (call.isOnArrays()) {
      call.onArrays(
          NativeCall.CHUNK / inner / 2 * 2 * inner,
          (x, xo, y, yo, m, first) ->
              quantizeArraysFitted.run(
                  (float[]) x,
                  xo,
                  m / inner,
                  inner,
                  kind,
                  min,
                  max,
                  scales,
                  zeros,
                  first / inner,
                  counts,
                  array.cast(y),
                  yo));
    } else {
      Pointer memory = call.share(0, scales);
      Pointer zerosMemory = call.share(1, zeros);
      Pointer countsMemory = call.share(2, counts);
      call.onPointers(
          (x, xo, y, yo, m, first) ->
              quantizePointersFitted.run(
                  x,
                  xo,
                  channels,
                  inner,
                  kind,
                  min,
                  max,
                  memory,
                  zerosMemory,
                  0,
                  countsMemory,
                  y,
                  yo));
      call.shared(0, (long) channels * Float.BYTES).asFloatBuffer().get(scales);
      call.shared(1, (long) channels * Integer.BYTES).asIntBuffer().get(zeros);
      call.shared(2, 2 * Long.BYTES).asLongBuffer().get(counts);
    }
    Quantization q = Quantization.perChannel(type, scales, zeros, inner).withRange(min, max);
    return new FittedQuantization(q, counts[0], counts[1]);
  }

  void dequantize(NativeCall call, Quantization q) {
    float scale = q.scale(0);
    int zero = q.zeroPoint(0);
    if (call.isOnArrays()) {
      call.onArrays(
          (y, yo, x, xo, m, first) ->
              dequantizeArrays.run(array.cast(y), yo, m, scale, zero, (float[]) x, xo));
    } else {
      call.onPointers(
          (y, yo, x, xo, m, first) -> dequantizePointers.run(y, yo, m, scale, zero, x, xo));
    }
  }

  void dequantizePerChannel(NativeCall call, Quantization q) {
    int channels = q.channels();
    if (call.isOnArrays()) {
      float[] scales = q.scalesShared();
      int[] zeros = q.zeroPointsShared();
      call.onArrays(
          (y, yo, x, xo, m, first) ->
              dequantizeArraysPerChannel.run(
                  array.cast(y),
                  yo,
                  m,
                  first,
                  channels,
                  q.inner(),
                  scales,
                  zeros,
                  (float[]) x,
                  xo));
    } else {
      Pointer scales = call.share(0, q.scalesShared());
      Pointer zeros = call.share(1, q.zeroPointsShared());
      call.onPointers(
          (y, yo, x, xo, m, first) ->
              dequantizePointersPerChannel.run(
                  y, yo, m, first, channels, q.inner(), scales, zeros, x, xo));
    }
  }

  /** In pieces, as sums depend on their order. */
  Difference difference(NativeCall call, Quantization q) {
    float scale = q.scale(0);
    int zero = q.zeroPoint(0);
    return call.difference(
        (x, xo, y, yo, m, sums) ->
            compareArrays.run(
                (float[]) x, xo, array.cast(y), yo, m, scale, zero, q.lowest(), q.highest(), sums),
        (x, xo, y, yo, m, sums) ->
            comparePointers.run(x, xo, y, yo, m, scale, zero, q.lowest(), q.highest(), sums));
  }

  private static final IntegerFunctions<?>[] TABLE =
      new IntegerFunctions<?>[QuantizedType.values().length];

  /** Rows are made when first asked for: linking twelve functions takes a millisecond. */
  static IntegerFunctions<?> of(QuantizedType type) {
    IntegerFunctions<?> row = TABLE[type.ordinal()];
    if (row == null) {
      row = row(type);
      TABLE[type.ordinal()] = row;
    }
    return row;
  }

  private static IntegerFunctions<?> row(QuantizedType type) {
    return switch (type) {
      case INT4 ->
          new IntegerFunctions<>(
              byte[].class,
              NativeFunctions::narrow_f32_to_s4,
              NativeFunctions::narrow_f32_to_s4,
              NativeFunctions::narrow_f32_to_s4_per_channel,
              NativeFunctions::narrow_f32_to_s4_per_channel,
              NativeFunctions::narrow_f32_to_s4_fitted,
              NativeFunctions::narrow_f32_to_s4_fitted,
              NativeFunctions::narrow_s4_to_f32,
              NativeFunctions::narrow_s4_to_f32,
              NativeFunctions::narrow_s4_to_f32_per_channel,
              NativeFunctions::narrow_s4_to_f32_per_channel,
              NativeFunctions::narrow_f32_s4_difference,
              NativeFunctions::narrow_f32_s4_difference);
      case INT8 ->
          new IntegerFunctions<>(
              byte[].class,
              NativeFunctions::narrow_f32_to_s8,
              NativeFunctions::narrow_f32_to_s8,
              NativeFunctions::narrow_f32_to_s8_per_channel,
              NativeFunctions::narrow_f32_to_s8_per_channel,
              NativeFunctions::narrow_f32_to_s8_fitted,
              NativeFunctions::narrow_f32_to_s8_fitted,
              NativeFunctions::narrow_s8_to_f32,
              NativeFunctions::narrow_s8_to_f32,
              NativeFunctions::narrow_s8_to_f32_per_channel,
              NativeFunctions::narrow_s8_to_f32_per_channel,
              NativeFunctions::narrow_f32_s8_difference,
              NativeFunctions::narrow_f32_s8_difference);
      case UINT8 ->
          new IntegerFunctions<>(
              byte[].class,
              NativeFunctions::narrow_f32_to_u8,
              NativeFunctions::narrow_f32_to_u8,
              NativeFunctions::narrow_f32_to_u8_per_channel,
              NativeFunctions::narrow_f32_to_u8_per_channel,
              NativeFunctions::narrow_f32_to_u8_fitted,
              NativeFunctions::narrow_f32_to_u8_fitted,
              NativeFunctions::narrow_u8_to_f32,
              NativeFunctions::narrow_u8_to_f32,
              NativeFunctions::narrow_u8_to_f32_per_channel,
              NativeFunctions::narrow_u8_to_f32_per_channel,
              NativeFunctions::narrow_f32_u8_difference,
              NativeFunctions::narrow_f32_u8_difference);
      case INT16 ->
          new IntegerFunctions<>(
              short[].class,
              NativeFunctions::narrow_f32_to_s16,
              NativeFunctions::narrow_f32_to_s16,
              NativeFunctions::narrow_f32_to_s16_per_channel,
              NativeFunctions::narrow_f32_to_s16_per_channel,
              NativeFunctions::narrow_f32_to_s16_fitted,
              NativeFunctions::narrow_f32_to_s16_fitted,
              NativeFunctions::narrow_s16_to_f32,
              NativeFunctions::narrow_s16_to_f32,
              NativeFunctions::narrow_s16_to_f32_per_channel,
              NativeFunctions::narrow_s16_to_f32_per_channel,
              NativeFunctions::narrow_f32_s16_difference,
              NativeFunctions::narrow_f32_s16_difference);
    };
  }
}
