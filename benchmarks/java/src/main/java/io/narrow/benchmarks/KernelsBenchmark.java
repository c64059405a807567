package io.narrow.benchmarks;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Time per call of the kernels through the public interface, from arrays and from direct memory.
 * What runs is decided when a JVM starts, hence the subclasses.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public abstract class KernelsBenchmark {
  /** Where the floats and the results lie. */
  public enum Memory {
    ARRAY,
    DIRECT
  }

  @Param({"4096", "65536", "1048576"})
  int size;

  @Param Memory memory;

  private final Quantization int8 = Quantization.perTensor(QuantizedType.INT8, 0.03f, -3);
  private Kernels kernels;
  private Span x;
  private Span y8;
  private Span y16;

  /** Fills the input with normally distributed values. */
  @Setup
  public void setup() {
    kernels = Kernels.active();
    float[] values = values(size);
    if (memory == Memory.ARRAY) {
      x = Span.of(values);
      y8 = Span.of(new byte[size]);
      y16 = Span.of(new short[size]);
    } else {
      ByteBuffer buffer = ByteBuffer.allocateDirect(4 * size).order(ByteOrder.nativeOrder());
      buffer.asFloatBuffer().put(values);
      x = Span.of(buffer);
      y8 = Span.of(ByteBuffer.allocateDirect(size));
      y16 = Span.of(ByteBuffer.allocateDirect(2 * size));
    }
  }

  static float[] values(int size) {
    Random random = new Random(1);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** Smallest and largest value. */
  @Benchmark
  public FloatRange range() {
    return kernels.range(x);
  }

  /** Quantization with one scale. */
  @Benchmark
  public Span int8() {
    kernels.quantize(x, int8, y8);
    return y8;
  }

  /** Conversion to float16. */
  @Benchmark
  public Span float16() {
    kernels.toFloat16(x, y16);
    return y16;
  }
}
