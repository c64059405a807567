package io.narrow.tflite.calibration;

import java.util.Arrays;

/**
 * How often values fell into each of at most {@value #BINS} bins of equal width, a power of two.
 * Bin {@code k} holds {@code [k * width, (k + 1) * width)} for {@code k >= 0} and {@code (k *
 * width, (k + 1) * width]} below, so that two neighbours, {@code 2k} and {@code 2k + 1}, are one
 * bin of twice the width. The width is the smallest for which zero and all values fit: it follows
 * from their range alone. That makes histograms of the same values the same in whatever order and
 * parts the values were counted.
 *
 * @param exponent the width is {@code 2^exponent}
 * @param first number of the first bin that is not empty
 * @param counts values in that bin and those after it, up to the last that is not empty
 */
public record Histogram(int exponent, int first, long[] counts) {
  static final int BINS = 2048;

  /** The widths for which both the width and its reciprocal are normal floats. */
  static final int SMALLEST = -126;

  static final int LARGEST = 126;

  /** Copies the counts. */
  public Histogram {
    counts = counts.clone();
  }

  /** A copy of the counts. */
  @Override
  public long[] counts() {
    return counts.clone();
  }

  /** The bin of a value. */
  static int bin(float value, int exponent) {
    int whole = (int) Math.scalb((double) value, -exponent);
    return value < 0 ? whole - 1 : whole;
  }

  /** The exponent of the smallest width for which zero and all values of a range fit. */
  static int exponent(float min, float max) {
    float low = Math.min(min, 0);
    float high = Math.max(max, 0);
    double span = (double) high - low;
    // With a width of a 2048th of the span or less, there is a bin too many at the least.
    int exponent = Math.max(SMALLEST, Math.getExponent(span) - 11);
    while (bin(high, exponent) - bin(low, exponent) >= BINS) {
      exponent++;
    }
    return exponent;
  }

  /** Width of a bin. */
  public double width() {
    return Math.scalb(1.0, exponent);
  }

  /** The same values in at most so many bins, each as wide as some of these together. */
  public Histogram coarser(int bins) {
    int wider = exponent;
    while (lastBin(wider) - binAt(0, wider) >= bins) {
      wider++;
    }
    return merge(new Histogram(exponent, first, new long[1]), wider);
  }

  /** Number of bins from the first to the last. */
  int size() {
    return counts.length;
  }

  /** Values in the {@code i}th bin from the first. */
  long count(int i) {
    return counts[i];
  }

  long total() {
    return Arrays.stream(counts).sum();
  }

  /**
   * The values of both.
   *
   * @param wider exponent of the result, at least that of either
   */
  Histogram merge(Histogram other, int wider) {
    int low = Math.min(binAt(0, wider), other.binAt(0, wider));
    int high = Math.max(lastBin(wider), other.lastBin(wider));
    long[] merged = new long[high - low + 1];
    for (Histogram part : new Histogram[] {this, other}) {
      for (int i = 0; i < part.counts.length; i++) {
        merged[part.binAt(i, wider) - low] += part.counts[i];
      }
    }
    return new Histogram(wider, low, merged);
  }

  /** Number that the {@code i}th bin from the first has among wider ones. */
  int binAt(int i, int wider) {
    return first + i >> Math.min(wider - exponent, Integer.SIZE - 1);
  }

  private int lastBin(int wider) {
    return binAt(counts.length - 1, wider);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Histogram that
        && exponent == that.exponent
        && first == that.first
        && Arrays.equals(counts, that.counts);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(counts);
  }
}
