package io.narrow.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Setup;

/** The loops one would write in Java without this library. */
@Fork(1)
public class LoopBenchmark extends Settings {
  private float[] x;
  private byte[] y8;
  private short[] y16;

  /** Fills the input with normally distributed values. */
  @Setup
  public void setup() {
    x = values(size);
    y8 = new byte[size];
    y16 = new short[size];
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
      y8[i] = (byte) Math.max(-128, Math.min(127, (int) Math.rint(x[i] / 0.03f) - 3));
    }
    return y8;
  }

  /** Conversion to float16. */
  @Benchmark
  public short[] float16() {
    for (int i = 0; i < x.length; i++) {
      y16[i] = half(x[i]);
    }
    return y16;
  }

  /** Rounds half to even. */
  private static short half(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude >= 0x38800000) {
      return (short) (sign | magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1) >> 13);
    }
    return (short) (sign | Math.round(Math.rint(Math.abs(value) * 0x1p24)));
  }
}
