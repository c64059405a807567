package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import java.util.stream.DoubleStream;

/** Chooses a range for 8-bit codes from a histogram. */
final class RangeChooser {
  private static final int CODES = 256;

  /** Bounds tried on each side of zero: neighbours differ by less than a step of the codes. */
  private static final int CANDIDATES = 256;

  /** What a bin counts that only values from outside the window fell into: no code, no zero. */
  private static final double NEXT_TO_NOTHING = 1e-4;

  private final FloatRange range;
  private final Histogram histogram;
  private final int low; // number of the first bin, or 0
  private final int high; // number after the last bin, or 0
  private final double width;

  RangeChooser(FloatRange range, Histogram histogram) {
    this.range = range;
    this.histogram = histogram;
    this.low = Math.min(0, histogram.first());
    this.high = Math.max(0, histogram.first() + histogram.size());
    this.width = histogram.width();
  }

  private long count(int bin) {
    int i = bin - histogram.first();
    return i < 0 || i >= histogram.size() ? 0 : histogram.count(i);
  }

  /** The values from one edge of a bin to another, but none beyond those seen. */
  private FloatRange between(int from, int to) {
    float min = Math.max(range.min(), (float) (from * width));
    float max = Math.min(range.max(), (float) (to * width));
    return new FloatRange(Math.min(min, max), Math.max(min, max), 0, 0);
  }

  FloatRange percentile(double percent) {
    // How many on each side; a whole number is not to be lost to the rounding of the percentage.
    double cut = histogram.total() * (100 - percent) / 200 * (1 + 1e-9);
    int from = low;
    for (long below = count(from); below <= cut && from < high - 1; below += count(from)) {
      from++;
    }
    int to = high;
    for (long above = count(to - 1); above <= cut && to > from + 1; above += count(to - 1)) {
      to--;
    }
    return between(from, to);
  }

  FloatRange leastSquares() {
    Sums sums = new Sums();
    int[] tops = new int[Math.min(CANDIDATES, high) + 1];
    double[] above = new double[tops.length]; // error of what each leaves out
    for (int j = 0; j < tops.length; j++) {
      tops[j] = candidate(high, j);
      above[j] = sums.beyond(tops[j], high, tops[j]);
    }
    double least = Double.POSITIVE_INFINITY;
    int from = low;
    int to = high;
    for (int i = Math.min(CANDIDATES, -low); i >= 0; i--) {
      int bottom = candidate(low, i);
      double below = sums.beyond(low, bottom, bottom);
      // What is left out only grows from here on: no narrower window is worth a look.
      for (int j = tops.length - 1; j >= 0 && below + above[j] < least; j--) {
        if (tops[j] > bottom) {
          double error = below + above[j] + sums.inside(bottom, tops[j]);
          if (error < least) { // the widest of equals
            least = error;
            from = bottom;
            to = tops[j];
          }
        }
      }
    }
    return between(from, to);
  }

  private static int candidate(int bound, int i) {
    int parts = Math.min(CANDIDATES, Math.abs(bound));
    return parts == 0 ? 0 : (int) ((long) bound * i / parts);
  }

  /** Sums over the bins before one, of the powers of the middle of a bin, in bins. */
  private final class Sums {
    private final double[][] sums = new double[3][high - low + 1];

    Sums() {
      for (int bin = low; bin < high; bin++) {
        double value = count(bin);
        for (double[] sum : sums) {
          sum[bin - low + 1] = sum[bin - low] + value;
          value *= bin + 0.5;
        }
      }
    }

    /** Squared error, in bins, of rounding what lies between two edges to codes over them. */
    double inside(int bottom, int top) {
      double step = (top - bottom) / (CODES - 1.0);
      double inside = sum(0, bottom, top) - sum(0, Math.max(bottom, -1), Math.min(top, 1));
      return inside * step * step / 12;
    }

    /** That of moving what lies between two edges to a bound. */
    double beyond(int from, int to, int bound) {
      return sum(2, from, to)
          - 2.0 * bound * sum(1, from, to)
          + (double) bound * bound * sum(0, from, to);
    }

    private double sum(int power, int from, int to) {
      return sums[power][to - low] - sums[power][from - low];
    }
  }

  /**
   * How many values the search for the least divergence sees: next to zero as many as beside that,
   * since zero has a code of its own, and the zeros of a RELU would outweigh all else.
   */
  private long smooth(int bin) {
    return count(bin == 0 ? 1 : bin == -1 ? -2 : bin);
  }

  FloatRange entropy() {
    int furthest = Math.max(-low, high);
    if (high - low <= CODES) {
      return between(low, high);
    }
    double least = Double.POSITIVE_INFINITY;
    int best = furthest;
    int stride = Math.max(1, furthest / CANDIDATES);
    for (int distance = furthest; distance > 0; distance -= stride) {
      int from = Math.max(low, -distance);
      int to = Math.min(high, distance);
      if (to - from < CODES) {
        break;
      }
      double divergence = divergence(from, to);
      if (divergence < least) {
        least = divergence;
        best = distance;
      }
    }
    return between(Math.max(low, -best), Math.min(high, best));
  }

  /** Of the distribution in a window, with all beyond moved to its ends, from that of its codes. */
  private double divergence(int from, int to) {
    int bins = to - from;
    double[] values = new double[bins];
    for (int bin = low; bin < high; bin++) {
      values[Math.min(Math.max(bin, from), to - 1) - from] += smooth(bin);
    }
    double total = DoubleStream.of(values).sum();
    double[] coded = new double[bins];
    for (int code = 0; code < CODES; code++) {
      spread(from, (int) ((long) code * bins / CODES), (int) ((code + 1L) * bins / CODES), coded);
    }
    double codedTotal = 0;
    for (int i = 0; i < bins; i++) {
      if (values[i] > 0) {
        coded[i] = Math.max(coded[i], NEXT_TO_NOTHING);
        codedTotal += coded[i];
      }
    }
    double divergence = 0;
    for (int i = 0; i < bins; i++) {
      if (values[i] > 0) {
        double share = values[i] / total;
        divergence += share * Math.log(share / (coded[i] / codedTotal));
      }
    }
    return divergence;
  }

  /** What is left of the bins of one code: their mean, in those that were not empty. */
  private void spread(int from, int start, int end, double[] coded) {
    long sum = 0;
    int filled = 0;
    for (int i = start; i < end; i++) {
      sum += smooth(from + i);
      filled += smooth(from + i) > 0 ? 1 : 0;
    }
    for (int i = start; i < end; i++) {
      coded[i] = smooth(from + i) > 0 ? (double) sum / filled : 0;
    }
  }
}
