package io.narrow.benchmarks;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * Time per call of the kernels through the public interface, from arrays, direct and mapped memory.
 * What runs is decided when a JVM starts, hence the subclasses.
 */
public abstract class KernelsBenchmark extends Settings {
  /** Where the floats and the results lie. */
  public enum Memory {
    ARRAY,
    DIRECT,
    MAPPED
  }

  @Param Memory memory;

  private final Quantization int8 = Quantization.perTensor(QuantizedType.INT8, 0.03f, -3);
  private Kernels kernels;
  private Span x;
  private Span y8;
  private Span y16;

  /** Fills the input with normally distributed values. */
  @Setup
  public void setup() throws IOException {
    kernels = Kernels.active();
    float[] values = values(size);
    if (memory == Memory.ARRAY) {
      x = Span.of(values);
      y8 = Span.of(new byte[size]);
      y16 = Span.of(new short[size]);
    } else {
      ByteBuffer buffer = memory(4 * size);
      buffer.order(ByteOrder.nativeOrder()).asFloatBuffer().put(values);
      x = Span.of(buffer);
      y8 = Span.of(memory(size));
      y16 = Span.of(memory(2 * size));
    }
  }

  private ByteBuffer memory(int bytes) throws IOException {
    if (memory == Memory.DIRECT) {
      return ByteBuffer.allocateDirect(bytes);
    }
    Path file = Files.createTempFile("narrow", ".bin");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
    }
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
