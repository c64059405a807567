package io.narrow.benchmarks;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Setup;

/** What a JDK 25 can do of its own: the Vector API, and a loop that it vectorizes. */
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class Jdk25Benchmark extends Settings {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 4));
  private static final float ROUNDER = 0x1.8p23f;

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

  /** With minimum and maximum of floats, four accumulators of each. */
  @Benchmark
  public float rangeOfFloats() {
    int step = FLOATS.length();
    FloatVector low0 = FloatVector.broadcast(FLOATS, Float.POSITIVE_INFINITY);
    FloatVector low1 = low0;
    FloatVector low2 = low0;
    FloatVector low3 = low0;
    FloatVector high0 = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector high1 = high0;
    FloatVector high2 = high0;
    FloatVector high3 = high0;
    for (int i = 0; i + 4 * step <= x.length; i += 4 * step) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, x, i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, x, i + step);
      FloatVector v2 = FloatVector.fromArray(FLOATS, x, i + 2 * step);
      FloatVector v3 = FloatVector.fromArray(FLOATS, x, i + 3 * step);
      low0 = low0.min(v0);
      low1 = low1.min(v1);
      low2 = low2.min(v2);
      low3 = low3.min(v3);
      high0 = high0.max(v0);
      high1 = high1.max(v1);
      high2 = high2.max(v2);
      high3 = high3.max(v3);
    }
    return high0.max(high1).max(high2.max(high3)).reduceLanes(VectorOperators.MAX)
        - low0.min(low1).min(low2.min(low3)).reduceLanes(VectorOperators.MIN);
  }

  /** By comparing and selecting, which does without the rules for NaN and zeros. */
  @Benchmark
  public float rangeByComparison() {
    int step = FLOATS.length();
    FloatVector low0 = FloatVector.broadcast(FLOATS, Float.POSITIVE_INFINITY);
    FloatVector low1 = low0;
    FloatVector high0 = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector high1 = high0;
    for (int i = 0; i + 2 * step <= x.length; i += 2 * step) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, x, i);
      FloatVector v1 = FloatVector.fromArray(FLOATS, x, i + step);
      low0 = low0.blend(v0, v0.lt(low0));
      low1 = low1.blend(v1, v1.lt(low1));
      high0 = high0.blend(v0, high0.lt(v0));
      high1 = high1.blend(v1, high1.lt(v1));
    }
    return high0.max(high1).reduceLanes(VectorOperators.MAX)
        - low0.min(low1).reduceLanes(VectorOperators.MIN);
  }

  /** The way of this library's kernels: the bits as signed and as unsigned integers. */
  @Benchmark
  public float rangeOfBits() {
    int step = FLOATS.length();
    IntVector signed0 = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    IntVector signed1 = signed0;
    IntVector most0 = IntVector.zero(INTS);
    IntVector most1 = most0;
    IntVector least0 = IntVector.broadcast(INTS, -1);
    IntVector least1 = least0;
    for (int i = 0; i + 2 * step <= x.length; i += 2 * step) {
      IntVector v0 = FloatVector.fromArray(FLOATS, x, i).reinterpretAsInts();
      IntVector v1 = FloatVector.fromArray(FLOATS, x, i + step).reinterpretAsInts();
      signed0 = signed0.max(v0);
      signed1 = signed1.max(v1);
      most0 = most0.lanewise(VectorOperators.UMAX, v0);
      most1 = most1.lanewise(VectorOperators.UMAX, v1);
      least0 = least0.lanewise(VectorOperators.UMIN, v0);
      least1 = least1.lanewise(VectorOperators.UMIN, v1);
    }
    int signed = signed0.max(signed1).reduceLanes(VectorOperators.MAX);
    int most = most0.lanewise(VectorOperators.UMAX, most1).reduceLanes(VectorOperators.UMAX);
    int least = least0.lanewise(VectorOperators.UMIN, least1).reduceLanes(VectorOperators.UMIN);
    return Float.intBitsToFloat(least < 0 ? least : signed)
        - Float.intBitsToFloat(most < 0 ? most : least);
  }

  /** Clamps floats, then rounds by adding 1.5 * 2^23. */
  @Benchmark
  public byte[] int8ByFloats() {
    int step = FLOATS.length();
    FloatVector low = FloatVector.broadcast(FLOATS, -128 + 3);
    FloatVector high = FloatVector.broadcast(FLOATS, 127 + 3);
    int zero = -3 - Float.floatToRawIntBits(ROUNDER);
    for (int i = 0; i + step <= x.length; i += step) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i).mul(1 / 0.03f).min(high).max(low);
      IntVector q = v.add(ROUNDER).reinterpretAsInts().add(zero);
      ((ByteVector) q.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(y8, i);
    }
    return y8;
  }

  /** The same, clamped by comparing and selecting. */
  @Benchmark
  public byte[] int8ByComparison() {
    int step = FLOATS.length();
    FloatVector low = FloatVector.broadcast(FLOATS, -128 + 3);
    FloatVector high = FloatVector.broadcast(FLOATS, 127 + 3);
    int zero = -3 - Float.floatToRawIntBits(ROUNDER);
    for (int i = 0; i + step <= x.length; i += step) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i).mul(1 / 0.03f);
      v = v.blend(high, high.lt(v));
      v = v.blend(low, v.lt(low));
      IntVector q = v.add(ROUNDER).reinterpretAsInts().add(zero);
      ((ByteVector) q.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(y8, i);
    }
    return y8;
  }

  /** Rounds first, then clamps integers; right for products below 2^22. */
  @Benchmark
  public byte[] int8ByIntegers() {
    int step = FLOATS.length();
    int zero = -3 - Float.floatToRawIntBits(ROUNDER);
    for (int i = 0; i + step <= x.length; i += step) {
      FloatVector v = FloatVector.fromArray(FLOATS, x, i).mul(1 / 0.03f).add(ROUNDER);
      IntVector q = v.reinterpretAsInts().add(zero).min(127).max(-128);
      ((ByteVector) q.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(y8, i);
    }
    return y8;
  }

  /** Vectorized by the JIT compiler. */
  @Benchmark
  public short[] float16OfTheJdk() {
    for (int i = 0; i < x.length; i++) {
      y16[i] = Float.floatToFloat16(x[i]);
    }
    return y16;
  }
}
