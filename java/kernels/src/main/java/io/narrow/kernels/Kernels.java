package io.narrow.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * Range reduction, quantization and float16 conversion at the speed of memory.
 *
 * <p>Which kernels run is chosen once, by the system property {@code narrow.kernels}: {@code auto}
 * (the default: the fastest this machine has), {@code java}, {@code scalar}, {@code neon}, {@code
 * avx2} or {@code avx512}. All of them give the same bytes for every input. Where the native
 * library cannot be loaded, one warning says so and the Java kernels are used. So they are, with
 * {@code auto}, for calls on fewer than {@value NativeKernels#BREAK_EVEN} values, where the call
 * into native code takes longer than the work.
 *
 * <p>{@code narrow.kernels.streaming} is a number of bytes: results of at least that size in direct
 * or mapped memory are written around the caches. It pays where they are larger than the last cache
 * and not read soon, and costs elsewhere; without it nothing is.
 *
 * <p>The native library comes from the jar with the platform's classifier and is kept in the user's
 * cache directory. {@code narrow.kernels.cache} names another directory for it, {@code
 * narrow.kernels.library} a library to load instead.
 *
 * <p>Arguments are checked before anything is read or written: a span of the wrong element type or
 * size, a read-only output, or one array given as input and output with overlapping ranges is an
 * {@link IllegalArgumentException} that names the argument. An output may be longer than needed;
 * what is beyond stays as it is. Overlapping direct memory is not detected and gives undefined
 * contents. All methods may be called from any number of threads at once.
 */
public abstract sealed class Kernels permits NativeKernels, JavaKernels, ParallelKernels {
  Kernels() {}

  /**
   * The kernels chosen for this process.
   *
   * @throws IllegalArgumentException if the property {@code narrow.kernels} names no kernels
   * @throws IllegalStateException if it names kernels that cannot run here; the message lists those
   *     that can
   */
  public static Kernels active() {
    return Selection.active();
  }

  /**
   * The same kernels, cutting every operation on many values into pieces for several threads, on
   * boundaries of 64 bytes; this one takes part. The bytes are the same.
   *
   * @param executor runs the other pieces; its tasks must not wait for this thread
   * @param threads how many pieces at most, at least 1
   */
  public final Kernels parallel(Executor executor, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads is " + threads + ", at least 1 is needed");
    }
    return threads == 1 ? this : new ParallelKernels(this, executor, threads, LEAST_OF_A_THREAD);
  }

  /** Handing work to a thread takes as long as some ten thousand values. */
  private static final int LEAST_OF_A_THREAD = 1 << 17;

  /** The names of the kernels that can run here, slowest first, such as java, scalar, avx2. */
  public static List<String> available() {
    return Selection.available();
  }

  /** What was tried to load the native library, and what came of it: lines of text for a person. */
  public static String loading() {
    return Selection.loading();
  }

  /** The name of these kernels, as {@link #available()} lists them. */
  public abstract String name();

  /** The smallest and the largest finite value, and how many values are not finite. */
  public final FloatRange range(Span x) {
    int n = count("x", x, Element.FLOAT32);
    return forSize(n).range(x, n);
  }

  /**
   * The largest absolute value of every channel.
   *
   * @param x a whole tensor {@code [outer, channels, inner]} of floats
   * @param channels number of channels, at least 1
   * @param inner number of neighbouring elements that belong to one channel, at least 1
   * @return one value per channel: 0 if the channel is empty, {@code +Infinity} if it holds an
   *     infinity, NaN if it holds a NaN
   */
  public final float[] absMax(Span x, int channels, long inner) {
    int n = count("x", x, Element.FLOAT32);
    checkAxis(channels, inner);
    checkChannels(n, channels, inner);
    return forSize(n).absMax(x, n, 0, channels, inner);
  }

  /**
   * Quantizes floats.
   *
   * @param x a whole tensor of floats
   * @param q type, scales and zero points
   * @param y receives at least {@code q.type().bytes(elements of x)} bytes
   */
  public final void quantize(Span x, Quantization q, Span y) {
    int n = count("x", x, Element.FLOAT32);
    checkChannels(n, q.channels(), q.inner());
    checkRoom("y", y, q.type().element(), n);
    checkOutput("y", y, "x", x);
    forSize(n).quantize(x, n, 0, q, y);
  }

  /**
   * Finds the range of every channel, makes a scale and a zero point of it, and quantizes: in one
   * pass over memory where a channel is small enough for the caches and lies in one piece.
   *
   * <p>Of the smallest and the largest finite value of a channel, or 0 where that is smaller or
   * larger: symmetric, {@code scale = max(-min, max) / limit} with limit 7, 127 or 32767 and the
   * zero point in the middle, codes {@code -limit .. limit} around it; else {@code scale = (max -
   * min) / (type.max() - type.min())} and {@code zeroPoint = round(type.min() - min / scale)}, in
   * float64 and rounded to float32. The scale is at least {@link Float#MIN_NORMAL}.
   *
   * @param x a whole tensor {@code [outer, channels, inner]} of floats
   * @param type of the integers
   * @param symmetric whether the zero point is in the middle, as for weights
   * @param channels number of channels, at least 1
   * @param inner number of neighbouring elements that belong to one channel, at least 1
   * @param y receives at least {@code type.bytes(elements of x)} bytes
   */
  public final FittedQuantization quantizeFitted(
      Span x, QuantizedType type, boolean symmetric, int channels, int inner, Span y) {
    int n = count("x", x, Element.FLOAT32);
    checkAxis(channels, inner);
    checkChannels(n, channels, inner);
    checkRoom("y", y, type.element(), n);
    checkOutput("y", y, "x", x);
    return forSize(n).quantizeFitted(x, n, type, symmetric, channels, inner, y);
  }

  /**
   * Turns integers back into floats.
   *
   * @param y integers, at least as many as {@code x} has floats
   * @param q type, scales and zero points
   * @param x receives the floats; its size says how many
   */
  public final void dequantize(Span y, Quantization q, Span x) {
    int n = count("x", x, Element.FLOAT32);
    checkChannels(n, q.channels(), q.inner());
    checkRoom("y", y, q.type().element(), n);
    checkOutput("x", x, "y", y);
    forSize(n).dequantize(y, n, 0, q, x);
  }

  /**
   * Rounds floats to IEEE 754 binary16, halves to even. Values that round beyond 65504 become
   * infinite; a NaN keeps its sign and upper payload and becomes quiet. The bits are those of
   * {@code Float.floatToFloat16}.
   *
   * @param x floats
   * @param y receives the bits, two bytes per float
   */
  public final void toFloat16(Span x, Span y) {
    int n = count("x", x, Element.FLOAT32);
    checkRoom("y", y, Element.BITS16, n);
    checkOutput("y", y, "x", x);
    forSize(n).toFloat16(x, n, y);
  }

  /**
   * As {@link #toFloat16}, but values beyond 65504, infinities included, become 65504 with their
   * sign.
   *
   * @param x floats
   * @param y receives the bits, two bytes per float
   * @return how many values were beyond 65504
   */
  public final long toFloat16Saturated(Span x, Span y) {
    int n = count("x", x, Element.FLOAT32);
    checkRoom("y", y, Element.BITS16, n);
    checkOutput("y", y, "x", x);
    return forSize(n).toFloat16Saturated(x, n, y);
  }

  /**
   * Turns IEEE 754 binary16 into float32, exactly. A NaN keeps its sign and payload and becomes
   * quiet.
   *
   * @param half two bytes per value
   * @param x receives the floats
   */
  public final void toFloat32(Span half, Span x) {
    int n = count("half", half, Element.BITS16);
    checkRoom("x", x, Element.FLOAT32, n);
    checkOutput("x", x, "half", half);
    forSize(n).toFloat32(half, n, x);
  }

  /**
   * Rounds floats to bfloat16, their upper halves, halves to even. Values that round beyond the
   * largest become infinite; a NaN keeps its sign and upper payload and becomes quiet.
   *
   * @param x floats
   * @param y receives the bits, two bytes per float
   */
  public final void toBFloat16(Span x, Span y) {
    int n = count("x", x, Element.FLOAT32);
    checkRoom("y", y, Element.BITS16, n);
    checkOutput("y", y, "x", x);
    forSize(n).toBFloat16(x, n, y);
  }

  /**
   * Turns bfloat16 into float32, exactly.
   *
   * @param half two bytes per value
   * @param x receives the floats
   */
  public final void fromBFloat16(Span half, Span x) {
    int n = count("half", half, Element.BITS16);
    checkRoom("x", x, Element.FLOAT32, n);
    checkOutput("x", x, "half", half);
    forSize(n).fromBFloat16(half, n, x);
  }

  /**
   * The squares of a signal and of its difference from an approximation, summed in float64.
   *
   * @param x the signal, floats
   * @param y the approximation, as many floats
   */
  public final ErrorSums error(Span x, Span y) {
    int n = count("x", x, Element.FLOAT32);
    int m = count("y", y, Element.FLOAT32);
    if (n != m) {
      throw new IllegalArgumentException("x has " + n + " floats, y has " + m);
    }
    return forSize(n).error(x, y, n);
  }

  /**
   * How far floats are from those that they stand for.
   *
   * @param x the signal, floats
   * @param y the approximation, as many floats
   */
  public final Difference difference(Span x, Span y) {
    int n = count("x", x, Element.FLOAT32);
    int m = count("y", y, Element.FLOAT32);
    if (n != m) {
      throw new IllegalArgumentException("x has " + n + " floats, y has " + m);
    }
    return forSize(n).difference(x, y, n);
  }

  /**
   * How far codes are from the floats that they stand for.
   *
   * @param x the signal, floats
   * @param codes integers, at least as many
   * @param q of the codes, one scale for all
   */
  public final Difference difference(Span x, Span codes, Quantization q) {
    int n = count("x", x, Element.FLOAT32);
    checkRoom("codes", codes, q.type().element(), n);
    if (q.channels() != 1) {
      throw new IllegalArgumentException("one scale is needed, there are " + q.channels());
    }
    return forSize(n).difference(x, codes, n, q);
  }

  /**
   * Adds a product of matrices: {@code c += a b}. Each element of {@code c} is added to from the
   * first column of {@code a} to the last, products and sums rounded to float64. Pieces may be
   * computed by several threads, if these write to different elements.
   *
   * @param a of as many rows as {@code c}, in whatever steps
   * @param b of as many rows as {@code a} has columns; its rows lie in one piece each
   * @param c apart from the others; its rows lie in one piece each
   */
  public final void addProducts(Matrix a, Matrix b, Matrix c) {
    if (a.rows() != c.rows() || b.rows() != a.columns() || b.columns() != c.columns()) {
      throw new IllegalArgumentException(
          "%s x %s times %s x %s does not give %s x %s"
              .formatted(a.rows(), a.columns(), b.rows(), b.columns(), c.rows(), c.columns()));
    }
    if (b.columnStep() != 1 || c.columnStep() != 1) {
      throw new IllegalArgumentException("the rows of b and of c have to lie in one piece each");
    }
    long work = (long) a.rows() * a.columns() * b.columns();
    forSize((int) Math.min(work, Integer.MAX_VALUE)).products(a, b, c);
  }

  /**
   * Finds scales for symmetric weights: of the candidates {@code scales[c] * (1 - k * step)},
   * {@code k = 0 .. steps - 1}, the first with the least sum of {@code (x - q * scale)^2} over
   * channel {@code c}, where {@code q} is {@code x / scale} rounded to an integer in {@code -limit
   * .. limit}. Rounding is a larger part of the error than the few weights that are clipped.
   *
   * <p>All in float32, so that every kernel finds the same. A channel with a NaN, and one of more
   * than {@value #LONGEST_SEARCH} floats, keeps its scale.
   *
   * @param x floats of a tensor seen as {@code [outer, channels, inner]}
   * @param scales where the search starts, one per channel; positive
   * @param inner elements of a channel that follow one another, 1 if it is the last axis
   * @param limit largest code, up to 32767
   * @param steps how many candidates
   * @param step by which fraction of the first they differ; {@code steps * step} is below 1
   * @return the scales found
   */
  public final float[] leastErrorScales(
      Span x, float[] scales, long inner, int limit, int steps, float step) {
    int n = count("x", x, Element.FLOAT32);
    checkChannels(n, scales.length, inner);
    if (limit < 1 || limit > Short.MAX_VALUE || steps < 1 || !(step > 0) || steps * step >= 1) {
      throw new IllegalArgumentException(
          "no candidates: limit %s, steps %s, step %s".formatted(limit, steps, step));
    }
    for (float scale : scales) {
      if (!(scale * (1 - steps * step) >= Float.MIN_NORMAL) || Float.isInfinite(scale)) {
        throw new IllegalArgumentException("scale " + scale + " leads to none with a reciprocal");
      }
    }
    float[] found = scales.clone();
    int each = scales.length == 0 ? 0 : n / scales.length;
    if (each > 0 && each <= LONGEST_SEARCH) {
      new ChannelReader(x, found.length, each, (int) Math.min(inner, each))
          .forEach(
              (values, channels, at) -> {
                float[] own = Arrays.copyOfRange(found, at, at + channels);
                searchScales(values, 0, each, limit, steps, step, own);
                System.arraycopy(own, 0, found, at, channels);
              });
    }
    return found;
  }

  /** The longest channel whose values are worth a search, and fit into one call. */
  static final int LONGEST_SEARCH = 1 << 16;

  /**
   * @param x channels of {@code each} values, one after another
   * @param from where the first of them starts
   * @param scales of all channels, where the search starts and what it finds
   */
  abstract void searchScales(
      float[] x, int from, int each, int limit, int steps, float step, float[] scales);

  /**
   * Codes between the ends of an interval of each row's own; see {@link OptimizedInterval}.
   *
   * @param x rows of finite values, as many as the centroid has; at least one row in all
   * @param ends receives four values for each row: the lower end, the upper end, the sum of the
   *     squares of the row less the centroid, and that of the products of both
   * @param sums receives the sum of the codes of each row
   */
  abstract void optimizeRows(
      float[] x, int rows, float[] centroid, int bits, byte[] y, float[] ends, int[] sums);

  /** These kernels, or others that are faster on so many values. */
  abstract Kernels forSize(int n);

  abstract FloatRange range(Span x, int n);

  // Of the n elements of a call, the one at the start of the span is element number `first` of the
  // tensor.

  /** Extends the range of every channel; returns the numbers of NaNs and of infinities. */
  abstract long[] rangePerChannel(
      Span x, int n, int first, int channels, long inner, float[] min, float[] max);

  abstract float[] absMax(Span x, int n, int first, int channels, long inner);

  abstract void quantize(Span x, int n, int first, Quantization q, Span y);

  abstract void dequantize(Span y, int n, int first, Quantization q, Span x);

  /** A few channels at a time where each lies in one piece, all at once otherwise. */
  FittedQuantization quantizeFitted(
      Span x, int n, QuantizedType type, boolean symmetric, int channels, int inner, Span y) {
    boolean apart = n == (long) channels * inner;
    int atOnce = apart ? Math.max(2, NativeCall.CHUNK / inner & -2) : channels;
    FittedQuantization all = null;
    for (int channel = 0; channel < channels; channel += atOnce) {
      int count = Math.min(atOnce, channels - channel);
      int from = channel * inner;
      int m = apart ? count * inner : n;
      Span part = x.part(Element.FLOAT32.bytes(from), Element.FLOAT32.bytes(m));
      float[] min = new float[count];
      float[] max = new float[count];
      Arrays.fill(min, Float.POSITIVE_INFINITY);
      Arrays.fill(max, Float.NEGATIVE_INFINITY);
      long[] unusual = rangePerChannel(part, m, 0, count, inner, min, max);
      Quantization q = Quantization.ofRanges(type, symmetric, min, max, inner);
      quantize(part, m, 0, q, y.part(type.bytes(from), type.bytes(m)));
      FittedQuantization some = new FittedQuantization(q, unusual[0], unusual[1]);
      all = all == null ? some : all.followedBy(some);
    }
    return all;
  }

  abstract void toFloat16(Span x, int n, Span y);

  abstract long toFloat16Saturated(Span x, int n, Span y);

  abstract void toFloat32(Span half, int n, Span x);

  abstract void toBFloat16(Span x, int n, Span y);

  abstract void fromBFloat16(Span half, int n, Span x);

  abstract ErrorSums error(Span x, Span y, int n);

  abstract void products(Matrix a, Matrix b, Matrix c);

  /** A few rows, or one. */
  abstract void pack(Packing packing, Span x, int rows, int dimensions, Span y);

  abstract void unpack(Packing packing, Span y, int rows, int dimensions, Span x);

  abstract Difference difference(Span x, Span y, int n);

  abstract Difference difference(Span x, Span codes, int n, Quantization q);

  private static int count(String name, Span span, Element element) {
    checkType(name, span, element);
    long size = element.bytes(1);
    if (span.byteLength() % size != 0) {
      throw new IllegalArgumentException(
          "%s has %s bytes, not a multiple of %s".formatted(name, span.byteLength(), size));
    }
    return (int) (span.byteLength() / size);
  }

  private static void checkSize(String name, Span span) {
    if (span.isDirect() && span.byteLength() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s has %s bytes, a call takes %s: slice it"
              .formatted(name, span.byteLength(), Integer.MAX_VALUE));
    }
  }

  private static void checkType(String name, Span span, Element element) {
    if (!span.canHold(element)) {
      throw new IllegalArgumentException(
          "%s is a %s, which cannot hold %s values: %s, byte[] or direct memory can"
              .formatted(name, span.describe(), element.title, element.array.getSimpleName()));
    }
    checkSize(name, span);
  }

  private static void checkRoom(String name, Span span, Element element, int n) {
    checkType(name, span, element);
    if (span.byteLength() < element.bytes(n)) {
      throw new IllegalArgumentException(
          "%s has %s bytes, %s %s values need %s"
              .formatted(name, span.byteLength(), n, element.title, element.bytes(n)));
    }
  }

  private static void checkOutput(String name, Span output, String inputName, Span input) {
    if (output.isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only");
    }
    if (output.overlaps(input)) {
      throw new IllegalArgumentException(
          name + " and " + inputName + " overlap in one array: input and output must be apart");
    }
  }

  private static void checkAxis(int channels, long inner) {
    if (channels < 1 || inner < 1) {
      throw new IllegalArgumentException(
          "channels is %s and inner is %s, at least 1 is needed for both"
              .formatted(channels, inner));
    }
  }

  private static void checkChannels(int n, int channels, long inner) {
    if (channels > 1 && n > 0 && (inner > Integer.MAX_VALUE || n % (channels * inner) != 0)) {
      throw new IllegalArgumentException(
          "x has %s floats, not a multiple of %s channels of %s".formatted(n, channels, inner));
    }
  }
}
