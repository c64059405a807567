package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * Counts the values of one tensor, sample by sample: the range of all of them, and a histogram. Of
 * a tensor with more than {@value #COUNTED} elements the histogram has about so many of each
 * sample, evenly spread: counting costs a nanosecond a value, more than computing many of them.
 * Which ones depends on the number of elements alone.
 */
public final class TensorTally {
  /** Most elements of one sample that go into the histogram. */
  public static final int COUNTED = 1 << 12;

  private static final int PART = 1 << 16; // floats: 256 KiB, and few calls
  private static final int MASK = Histogram.BINS - 1;

  private final long[] counts = new long[Histogram.BINS]; // bin k at k & MASK
  private final Optional<RangeMethod> averaging;
  private int exponent = Histogram.SMALLEST;
  private int low; // number of the lowest bin: there are fewer than 2048 from it to the highest
  private FloatRange range = FloatRange.EMPTY;
  private Optional<MovingAverage> average = Optional.empty();

  /** Without a moving average. */
  public TensorTally() {
    this(Optional.empty());
  }

  /**
   * @param averaging the moving average to keep, if any
   */
  TensorTally(Optional<RangeMethod> averaging) {
    this.averaging = averaging;
  }

  /**
   * Counts one sample's values.
   *
   * @param values direct memory of little-endian floats
   * @param scratch {@value #COUNTED} floats that this may overwrite
   * @return the range of these; if it has values that are not finite, nothing was counted
   */
  public FloatRange add(ByteBuffer values, float[] scratch) {
    ByteBuffer bytes = values.slice();
    FloatBuffer floats = bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    int size = floats.capacity();
    int step = step(size);
    FloatRange seen = FloatRange.EMPTY;
    // In parts that stay in the second cache: a large tensor is not there any more, and read once.
    for (int start = 0; start < size; start += PART) {
      int end = start + Math.min(size - start, PART);
      ByteBuffer part = bytes.slice(start * Float.BYTES, (end - start) * Float.BYTES);
      seen = seen.merge(Kernels.active().range(Span.of(part)));
      gather(floats, start, end, step, scratch);
    }
    if (!seen.isEmpty() && seen.nans() + seen.infinities() == 0) {
      add(seen);
      count(scratch, (size - 1) / step + 1);
    }
    return seen;
  }

  private static void gather(FloatBuffer floats, int start, int end, int step, float[] to) {
    if (step == 1) {
      floats.get(start, to, start, end - start);
      return;
    }
    for (int i = (start - 1) / step + (start > 0 ? 1 : 0); (long) i * step < end; i++) {
      to[i] = floats.get(i * step);
    }
  }

  private void add(FloatRange seen) {
    range = range.merge(seen);
    if (averaging.isPresent()) {
      average = Optional.of(MovingAverage.after(average, averaging.get().parameter(), seen));
    }
    widen();
  }

  /**
   * The distance between counted elements: it has no factor in common with their number, and so
   * with no axis, hence every channel, row and column has its share.
   */
  static int step(int elements) {
    int step = Math.max(1, (elements - 1) / COUNTED + 1);
    while (gcd(step, elements) > 1) {
      step++;
    }
    return step;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  // Histogram.bin, but in float: to multiply by a power of two is exact where it matters, as only
  // values far below the width can become subnormal. Adding zero takes the sign from -0.
  private void count(float[] values, int n) {
    float perUnit = Math.scalb(1f, -exponent);
    long[] bins = counts;
    for (int i = 0; i < n; i++) {
      float value = values[i];
      int bin = (int) (value * perUnit) + (Float.floatToRawIntBits(value + 0f) >> 31);
      bins[bin & MASK]++;
    }
  }

  /** Makes the bins as wide as the range demands. */
  private void widen() {
    int wider = Histogram.exponent(range.min(), range.max());
    if (wider != exponent) {
      Histogram old = histogram();
      Arrays.fill(counts, 0);
      for (int i = 0; i < old.size(); i++) {
        counts[old.binAt(i, wider) & MASK] += old.count(i);
      }
      exponent = wider;
    }
    low = Histogram.bin(Math.min(range.min(), 0), exponent);
  }

  FloatRange range() {
    return range;
  }

  Optional<MovingAverage> average() {
    return average;
  }

  /** What was counted; empty if nothing was. */
  public Optional<Distribution> distribution() {
    return range.isEmpty() ? Optional.empty() : Optional.of(new Distribution(range, histogram()));
  }

  /** What was counted; without any bin if nothing was. */
  Histogram histogram() {
    long[] inOrder = new long[Histogram.BINS];
    int from = Histogram.BINS;
    int to = 0;
    for (int i = 0; i < Histogram.BINS; i++) {
      inOrder[i] = counts[low + i & MASK];
      if (inOrder[i] != 0) {
        from = Math.min(from, i);
        to = i + 1;
      }
    }
    return from >= to
        ? new Histogram(exponent, 0, new long[0])
        : new Histogram(exponent, low + from, Arrays.copyOfRange(inOrder, from, to));
  }
}
