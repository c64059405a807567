package io.narrow.tflite.evaluation;

import java.util.Arrays;

/**
 * How long runs took: the invocation alone, without filling inputs and reading outputs. Times in
 * milliseconds.
 *
 * @param runs how many
 * @param meanMillis mean
 * @param deviationMillis standard deviation of a run (of all runs, not of a sample of them)
 * @param minMillis shortest
 * @param p5Millis 5 of 100 runs took no longer
 * @param p50Millis median: half of the runs took no longer
 * @param p95Millis 95 of 100 runs took no longer
 * @param maxMillis longest
 */
public record Latency(
    int runs,
    double meanMillis,
    double deviationMillis,
    double minMillis,
    double p5Millis,
    double p50Millis,
    double p95Millis,
    double maxMillis) {
  private static final double NANOS_PER_MILLI = 1e6;

  /** Of runs that took so many nanoseconds each, in any order. */
  public static Latency of(long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    double mean = Arrays.stream(sorted).average().orElse(0);
    double variance =
        Arrays.stream(sorted).mapToDouble(x -> (x - mean) * (x - mean)).average().orElse(0);
    return new Latency(
        sorted.length,
        mean / NANOS_PER_MILLI,
        Math.sqrt(variance) / NANOS_PER_MILLI,
        rank(sorted, 0),
        rank(sorted, 0.05),
        rank(sorted, 0.5),
        rank(sorted, 0.95),
        rank(sorted, 1));
  }

  // Nearest rank: the smallest value that a share of all values does not exceed.
  private static double rank(long[] sorted, double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(rank, 1) - 1] / NANOS_PER_MILLI;
  }
}
