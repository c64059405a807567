package io.narrow.kernels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.BinaryOperator;

/** Cuts every operation on many values into pieces for threads; the bytes are those of one. */
final class ParallelKernels extends Kernels {
  private final Kernels kernels;
  private final Executor executor;
  private final int pieces;
  private final int least;

  /**
   * @param pieces how many at most
   * @param least values that a piece has at least
   */
  ParallelKernels(Kernels kernels, Executor executor, int pieces, int least) {
    this.kernels = kernels;
    this.executor = executor;
    this.pieces = pieces;
    this.least = least;
  }

  @Override
  public String name() {
    return kernels.name();
  }

  @Override
  Kernels forSize(int n) {
    return n < 2 * least ? kernels.forSize(n) : this;
  }

  /** Elements in whole cache lines of an output, or in whole pieces of one thread's calls. */
  private Pieces pieces(int n, int multiple, int lead) {
    return Pieces.of(n, Math.min(pieces, n / least), multiple, lead);
  }

  static Span part(Span span, Element element, int from, int count) {
    return span.part(element.bytes(from), element.bytes(count));
  }

  static Span floats(Span x, int from, int count) {
    return part(x, Element.FLOAT32, from, count);
  }

  /** Writes some elements of a span. */
  private interface Writer {
    long write(int from, int count, Span to);
  }

  /**
   * Pieces of one array may not be written by native code on several threads: a JVM may give each
   * of them a copy of the whole array, and take back what the last one leaves.
   */
  private long write(int n, Span y, Element element, Writer writer) {
    return pieces(n, Pieces.LINES, y.untilCacheLine(element))
        .run(
            executor,
            (from, count) -> {
              if (y.isDirect()) {
                return writer.write(from, count, part(y, element, from, count));
              }
              long sum = 0;
              for (int done = 0; done < count; done += NativeCall.CHUNK) {
                int m = Math.min(NativeCall.CHUNK, count - done);
                Span to = part(y, element, from + done, m);
                Span own = to.twin();
                sum += writer.write(from + done, m, own);
                to.copyFrom(own);
              }
              return sum;
            },
            Long::sum);
  }

  @Override
  FloatRange range(Span x, int n) {
    return pieces(n, Pieces.LINES, 0)
        .run(executor, (from, m) -> kernels.range(floats(x, from, m), m), FloatRange::merge);
  }

  @Override
  long[] rangePerChannel(
      Span x, int n, int first, int channels, long inner, float[] min, float[] max) {
    record Ends(float[] min, float[] max, long[] counts) {
      Ends merge(Ends other) {
        for (int c = 0; c < min.length; c++) {
          min[c] = Math.min(min[c], other.min[c]);
          max[c] = Math.max(max[c], other.max[c]);
        }
        counts[0] += other.counts[0];
        counts[1] += other.counts[1];
        return this;
      }
    }
    Ends found =
        pieces(n, Pieces.LINES, 0)
            .run(
                executor,
                (from, m) -> {
                  float[] low = min.clone();
                  float[] high = max.clone();
                  return new Ends(
                      low,
                      high,
                      kernels.rangePerChannel(
                          floats(x, from, m), m, first + from, channels, inner, low, high));
                },
                Ends::merge);
    System.arraycopy(found.min, 0, min, 0, channels);
    System.arraycopy(found.max, 0, max, 0, channels);
    return found.counts;
  }

  @Override
  float[] absMax(Span x, int n, int first, int channels, long inner) {
    return pieces(n, Pieces.LINES, 0)
        .run(
            executor,
            (from, m) -> kernels.absMax(floats(x, from, m), m, first + from, channels, inner),
            (a, b) -> {
              for (int c = 0; c < channels; c++) {
                a[c] = Math.max(a[c], b[c]);
              }
              return a;
            });
  }

  @Override
  void quantize(Span x, int n, int first, Quantization q, Span y) {
    write(
        n,
        y,
        q.type().element(),
        (from, m, to) -> {
          kernels.quantize(floats(x, from, m), m, first + from, q, to);
          return 0;
        });
  }

  @Override
  void dequantize(Span y, int n, int first, Quantization q, Span x) {
    write(
        n,
        x,
        Element.FLOAT32,
        (from, m, to) -> {
          kernels.dequantize(part(y, q.type().element(), from, m), m, first + from, q, to);
          return 0;
        });
  }

  @Override
  void toFloat16(Span x, int n, Span y) {
    write(
        n,
        y,
        Element.BITS16,
        (from, m, to) -> {
          kernels.toFloat16(floats(x, from, m), m, to);
          return 0;
        });
  }

  @Override
  long toFloat16Saturated(Span x, int n, Span y) {
    return write(
        n,
        y,
        Element.BITS16,
        (from, m, to) -> kernels.toFloat16Saturated(floats(x, from, m), m, to));
  }

  @Override
  void toFloat32(Span half, int n, Span x) {
    write(
        n,
        x,
        Element.FLOAT32,
        (from, m, to) -> {
          kernels.toFloat32(part(half, Element.BITS16, from, m), m, to);
          return 0;
        });
  }

  @Override
  void toBFloat16(Span x, int n, Span y) {
    write(
        n,
        y,
        Element.BITS16,
        (from, m, to) -> {
          kernels.toBFloat16(floats(x, from, m), m, to);
          return 0;
        });
  }

  @Override
  void fromBFloat16(Span half, int n, Span x) {
    write(
        n,
        x,
        Element.FLOAT32,
        (from, m, to) -> {
          kernels.fromBFloat16(part(half, Element.BITS16, from, m), m, to);
          return 0;
        });
  }

  @Override
  ErrorSums error(Span x, Span y, int n) {
    return sum(
        n,
        (from, m) -> kernels.error(floats(x, from, m), floats(y, from, m), m),
        new ErrorSums(0, 0),
        ErrorSums::merge);
  }

  @Override
  Difference difference(Span x, Span y, int n) {
    return sum(
        n,
        (from, m) -> kernels.difference(floats(x, from, m), floats(y, from, m), m),
        Difference.NONE,
        Difference::merge);
  }

  @Override
  Difference difference(Span x, Span codes, int n, Quantization q) {
    Element element = q.type().element();
    return sum(
        n,
        (from, m) -> kernels.difference(floats(x, from, m), part(codes, element, from, m), m, q),
        Difference.NONE,
        Difference::merge);
  }

  private interface Sum<S> {
    S of(int from, int m);
  }

  /** One thread adds the sums of its pieces one after another: so are they added here. */
  private <S> S sum(int n, Sum<S> sum, S none, BinaryOperator<S> merge) {
    List<S> sums =
        pieces(n, NativeCall.CHUNK, 0)
            .run(
                executor,
                (from, count) -> {
                  List<S> own = new ArrayList<>();
                  for (int done = 0; done < count; done += NativeCall.CHUNK) {
                    own.add(sum.of(from + done, Math.min(NativeCall.CHUNK, count - done)));
                  }
                  return own;
                },
                (a, b) -> {
                  a.addAll(b);
                  return a;
                });
    return sums.stream().reduce(none, merge);
  }

  @Override
  void searchScales(float[] x, int from, int each, int limit, int steps, float step, float[] s) {
    Pieces.of(s.length, pieces, 1, 0)
        .run(
            executor,
            (channel, count) -> {
              float[] own = Arrays.copyOfRange(s, channel, channel + count);
              kernels.searchScales(x, from + channel * each, each, limit, steps, step, own);
              System.arraycopy(own, 0, s, channel, count);
              return own;
            },
            (a, b) -> a);
  }

  /** Of rows that somebody has cut into pieces already. */
  @Override
  void optimizeRows(
      float[] x, int rows, float[] centroid, int bits, byte[] y, float[] ends, int[] sums) {
    kernels.optimizeRows(x, rows, centroid, bits, y, ends, sums);
  }

  @Override
  FittedQuantization quantizeFitted(
      Span x, int n, QuantizedType type, boolean symmetric, int channels, int inner, Span y) {
    if (n != (long) channels * inner) {
      return super.quantizeFitted(x, n, type, symmetric, channels, inner, y);
    }
    int lines = Pieces.LINES / Math.min(Pieces.LINES, Integer.lowestOneBit(inner));
    return Pieces.of(channels, Math.min(pieces, n / least), lines, 0)
        .run(
            executor,
            (channel, count) -> {
              Span to = part(y, type.element(), channel * inner, count * inner);
              Span own = y.isDirect() ? to : to.twin();
              FittedQuantization fitted =
                  kernels.quantizeFitted(
                      floats(x, channel * inner, count * inner),
                      count * inner,
                      type,
                      symmetric,
                      count,
                      inner,
                      own);
              if (own != to) {
                to.copyFrom(own);
              }
              return fitted;
            },
            FittedQuantization::followedBy);
  }

  /** Callers have threads of their own for it. */
  @Override
  void products(Matrix a, Matrix b, Matrix c) {
    kernels.products(a, b, c);
  }

  /** Codecs cut rows into pieces themselves. */
  @Override
  void pack(Packing packing, Span x, int rows, int dimensions, Span y) {
    kernels.pack(packing, x, rows, dimensions, y);
  }

  @Override
  void unpack(Packing packing, Span y, int rows, int dimensions, Span x) {
    kernels.unpack(packing, y, rows, dimensions, x);
  }
}
