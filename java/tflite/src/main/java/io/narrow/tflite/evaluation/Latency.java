package io.narrow.tflite.evaluation;

import java.util.Arrays;

/**
 * How long runs took: the invocation alone, without filling inputs and reading outputs.
 *
 * @param meanMillis mean, in milliseconds
 * @param p50Millis median: half of the runs took no longer
 * @param p95Millis 95 of 100 runs took no longer
 */
public record Latency(double meanMillis, double p50Millis, double p95Millis) {
  private static final double NANOS_PER_MILLI = 1e6;

  static Latency of(long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    double mean = Arrays.stream(sorted).average().orElse(0);
    return new Latency(mean / NANOS_PER_MILLI, rank(sorted, 0.5), rank(sorted, 0.95));
  }

  // Nearest rank: the smallest value that a share of all values does not exceed.
  private static double rank(long[] sorted, double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(rank, 1) - 1] / NANOS_PER_MILLI;
  }
}
