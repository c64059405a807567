package io.narrow.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The loops one would write in Java without this library. */
@State(Scope.Thread)
@Fork(1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class NaiveBenchmark {
  @Param({"4096", "65536", "1048576"})
  int size;

  private float[] x;
  private byte[] y;

  /** Fills the input with normally distributed values. */
  @Setup
  public void setup() {
    x = KernelsBenchmark.values(size);
    y = new byte[size];
  }

  /** Smallest and largest value. */
  @Benchmark
  public float range() {
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (float v : x) {
      min = Math.min(min, v);
      max = Math.max(max, v);
    }
    return max - min;
  }

  /** Quantization with one scale. */
  @Benchmark
  public byte[] int8() {
    for (int i = 0; i < x.length; i++) {
      y[i] = (byte) Math.max(-128, Math.min(127, (int) Math.rint(x[i] / 0.03f) - 3));
    }
    return y;
  }
}
