package io.narrow.kernels;

import java.io.Serializable;

/**
 * Counts of floats in bins that are the same for all data: by sign, exponent and the first six bits
 * of the mantissa. Merging adds counts, so neither order nor cut shows in the result.
 */
final class QuantileHistogram implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int BINS = 64; // per power of two
  private static final int SHIFT = 23 - 6;
  private static final int POWERS = 512; // a sign and eight bits of exponent

  // By power in increasing order of the values; a row of bins exists where a value was seen.
  private final long[][] counts = new long[POWERS][];
  private long total;

  /** Only for a finite value. */
  void add(float value) {
    int bits = Float.floatToRawIntBits(value + 0.0f); // -0 counts as 0
    int key = (bits >= 0 ? bits : ~bits ^ 0x80000000) >> SHIFT; // increases with the value
    int index = key + POWERS / 2 * BINS;
    long[] bins = counts[index / BINS];
    if (bins == null) {
      bins = counts[index / BINS] = new long[BINS];
    }
    bins[index % BINS]++;
    total++;
  }

  QuantileHistogram merge(QuantileHistogram other) {
    QuantileHistogram sum = new QuantileHistogram();
    sum.addAll(this);
    sum.addAll(other);
    return sum;
  }

  private void addAll(QuantileHistogram other) {
    total += other.total;
    for (int power = 0; power < POWERS; power++) {
      if (other.counts[power] != null) {
        if (counts[power] == null) {
          counts[power] = new long[BINS];
        }
        for (int bin = 0; bin < BINS; bin++) {
          counts[power][bin] += other.counts[power][bin];
        }
      }
    }
  }

  /**
   * The value that a fraction of all lies below, the middle of its bin.
   *
   * @return NaN if nothing was counted
   */
  float quantile(double fraction) {
    double below = fraction * (total - 1); // position in sorted order, as numpy has it
    long seen = 0;
    for (int power = 0; power < POWERS; power++) {
      for (int bin = 0; counts[power] != null && bin < BINS; bin++) {
        seen += counts[power][bin];
        if (seen > below) {
          return middle((power - POWERS / 2) * BINS + bin);
        }
      }
    }
    return Float.NaN;
  }

  private static float middle(int key) {
    int bits = (key << SHIFT) + (1 << (SHIFT - 1));
    return Float.intBitsToFloat(key >= 0 ? bits : ~(bits ^ 0x80000000));
  }
}
