package io.narrow.tflite.comparison;

import io.narrow.kernels.ErrorSums;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.tflite.observation.ExactSums;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Counts the errors of a tensor. Each figure of a sample is rounded once; over samples they are
 * summed without rounding, so that it does not matter which thread has seen which.
 */
final class Tally {
  /** Added to the noise in {@code signalToNoise}, as ai-edge-quantizer has it. */
  private static final double EPSILON = 1e-9;

  private static final int FIGURES = 7;
  private static final int BLOCK = 4096;

  /** Room for a thread's work. */
  static final class Scratch {
    private final float[] values = new float[BLOCK];
    private final float[] others = new float[BLOCK];
    private final float[] sums = new float[BLOCK];
    private final float[] extremes = new float[BLOCK];
    private ByteBuffer floats = ByteBuffer.allocateDirect(0);

    /** Direct memory for so many floats, valid until the next call. */
    ByteBuffer floats(int elements) {
      if (floats.capacity() < elements * Float.BYTES) {
        floats = ByteBuffer.allocateDirect(elements * Float.BYTES);
      }
      return floats.slice(0, elements * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private final ExactSums sums = new ExactSums(FIGURES);
  private final TensorCodec codec;
  private long samples;
  private double largest;
  private long notFinite;
  private long elements;
  private long clipped;

  /**
   * @param codec of the tensor
   */
  Tally(TensorCodec codec) {
    this.codec = codec;
  }

  /**
   * Adds a sample.
   *
   * @param reference float values, in direct memory, little-endian
   * @param memory of the tensor
   * @return false if it is not of the same size, and nothing was added
   */
  boolean add(ByteBuffer reference, ByteBuffer memory, Scratch scratch) {
    int n = reference.remaining() / Float.BYTES;
    ByteBuffer values = codec.floats(memory, scratch);
    if (values.remaining() != reference.remaining()) {
      return false;
    }
    samples++;
    elements += n;
    clipped += codec.clipped(reference);
    addErrors(reference, values, n, scratch);
    return true;
  }

  private void addErrors(ByteBuffer reference, ByteBuffer values, int n, Scratch scratch) {
    if (n == 0) {
      sums.add(3, 1); // as between vectors of zeros
      return;
    }
    Kernels kernels = Kernels.active();
    Span x = Span.of(reference);
    Span y = Span.of(values);
    ErrorSums error = kernels.error(x, y);
    double power = kernels.error(y, x).signal();
    float extreme = extreme(reference.asFloatBuffer(), values.asFloatBuffer(), scratch);
    if (Double.isFinite(error.signal() + error.noise() + power + extreme)) {
      add(n, error.signal(), error.noise(), power, sum(scratch, n), extreme);
    } else {
      addFinite(reference.asFloatBuffer(), values.asFloatBuffer());
    }
  }

  /**
   * The largest absolute difference; the sum of the differences is left in the scratch. Without
   * branches and with a sum per place in a block, which the compiler of the JVM turns into vector
   * instructions, as it does not with one sum.
   */
  private static float extreme(FloatBuffer x, FloatBuffer y, Scratch scratch) {
    float[] values = scratch.values;
    float[] others = scratch.others;
    float[] sums = scratch.sums;
    float[] extremes = scratch.extremes;
    int lanes = Math.min(BLOCK, x.remaining());
    Arrays.fill(sums, 0, lanes, 0);
    Arrays.fill(extremes, 0, lanes, 0);
    while (x.hasRemaining()) {
      int m = Math.min(BLOCK, x.remaining());
      x.get(values, 0, m);
      y.get(others, 0, m);
      for (int i = 0; i < m; i++) {
        float difference = values[i] - others[i];
        sums[i] += difference;
        extremes[i] = Math.max(extremes[i], Math.abs(difference));
      }
    }
    float largest = 0;
    for (int i = 0; i < lanes; i++) {
      largest = Math.max(largest, extremes[i]);
    }
    return largest;
  }

  private static double sum(Scratch scratch, int n) {
    double sum = 0;
    for (int i = 0; i < Math.min(BLOCK, n); i++) {
      sum += scratch.sums[i];
    }
    return sum;
  }

  /** The same for values of which some are not finite: these are left out. */
  private void addFinite(FloatBuffer x, FloatBuffer y) {
    int n = 0;
    double signal = 0;
    double noise = 0;
    double power = 0;
    double sum = 0;
    double extreme = 0;
    for (int i = 0; i < x.limit(); i++) {
      double value = x.get(i);
      double other = y.get(i);
      if (Double.isFinite(value) && Double.isFinite(other)) {
        double difference = value - other;
        n++;
        signal += value * value;
        noise += difference * difference;
        power += other * other;
        sum += difference;
        extreme = Math.max(extreme, Math.abs(difference));
      } else if (Double.compare(value, other) != 0) {
        notFinite++;
      }
    }
    add(Math.max(n, 1), signal, noise, power, sum, extreme);
  }

  private void add(int n, double signal, double noise, double power, double sum, double extreme) {
    double meanSquare = noise / n;
    double mean = sum / n;
    sums.add(0, meanSquare);
    sums.add(1, signal / n);
    sums.add(2, signal / n / (meanSquare + EPSILON));
    sums.add(3, cosine(signal, noise, power));
    sums.add(4, extreme);
    sums.add(5, mean);
    sums.add(6, Math.sqrt(Math.max(0, meanSquare - mean * mean)));
    largest = Math.max(largest, extreme);
  }

  private static double cosine(double signal, double noise, double power) {
    if (noise == 0) {
      return 1;
    }
    if (signal == 0 || power == 0) {
      return 0;
    }
    double product = (signal + power - noise) / 2; // of the vectors: |x - y|^2 = x^2 - 2xy + y^2
    return Math.max(-1, Math.min(1, product / Math.sqrt(signal) / Math.sqrt(power)));
  }

  /** Adds what another has counted. */
  void add(Tally other) {
    sums.add(other.sums);
    samples += other.samples;
    largest = Math.max(largest, other.largest);
    notFinite += other.notFinite;
    elements += other.elements;
    clipped += other.clipped;
  }

  /** The share of the float values that the tensor could not hold. */
  double clipped() {
    return elements == 0 ? 0 : (double) clipped / elements;
  }

  Comparison.Error error() {
    double[] means = sums.means(Math.max(samples, 1));
    return new Comparison.Error(
        means[0], means[1], means[2], means[3], largest, means[4], means[5], means[6], notFinite);
  }
}
