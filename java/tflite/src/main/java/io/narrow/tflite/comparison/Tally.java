package io.narrow.tflite.comparison;

import io.narrow.kernels.Difference;
import io.narrow.tflite.observation.ExactSums;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Counts the errors of a tensor. Each figure of a sample is rounded once; over samples they are
 * summed without rounding, so that it does not matter which thread has seen which.
 */
final class Tally {
  /** Added to the noise in {@code signalToNoise}, as ai-edge-quantizer has it. */
  private static final double EPSILON = 1e-9;

  private static final int FIGURES = 7;

  /** Room for a thread's work. */
  static final class Scratch {
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
    if (codec.elements(memory) != n) {
      return false;
    }
    samples++;
    elements += n;
    if (n == 0) {
      sums.add(3, 1); // as between vectors of zeros
      return true;
    }
    Difference found = codec.difference(reference, memory, scratch);
    clipped += found.clipped();
    add(isFinite(found) ? Sample.of(n, found) : finite(reference, memory, scratch));
    return true;
  }

  private static boolean isFinite(Difference found) {
    return Double.isFinite(found.signal() + found.approximation() + found.largest());
  }

  /**
   * What was summed up of a sample.
   *
   * @param n how many values
   * @param signal sum of the squares of the float values
   * @param power sum of the squares of the others
   * @param noise sum of the squares of the differences
   * @param sum of the differences
   * @param extreme largest absolute difference
   */
  private record Sample(
      int n, double signal, double power, double noise, double sum, double extreme) {
    static Sample of(int n, Difference found) {
      return new Sample(
          n, found.signal(), found.approximation(), found.noise(), found.sum(), found.largest());
    }
  }

  /** The same of those values that are finite in both. */
  private Sample finite(ByteBuffer reference, ByteBuffer memory, Scratch scratch) {
    FloatBuffer x = reference.asFloatBuffer();
    FloatBuffer y = codec.floats(memory, scratch).asFloatBuffer();
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
    return new Sample(Math.max(n, 1), signal, power, noise, sum, extreme);
  }

  private void add(Sample sample) {
    double signal = sample.signal / sample.n;
    double meanSquare = sample.noise / sample.n;
    double mean = sample.sum / sample.n;
    sums.add(0, meanSquare);
    sums.add(1, signal);
    sums.add(2, signal / (meanSquare + EPSILON));
    sums.add(3, cosine(sample));
    sums.add(4, sample.extreme);
    sums.add(5, mean);
    sums.add(6, Math.sqrt(Math.max(0, meanSquare - mean * mean)));
    largest = Math.max(largest, sample.extreme);
  }

  private static double cosine(Sample sample) {
    double signal = sample.signal;
    double power = sample.power;
    if (sample.noise == 0) {
      return 1;
    }
    if (signal == 0 || power == 0) {
      return 0;
    }
    double product =
        (signal + power - sample.noise) / 2; // of the vectors: |x - y|^2 = x^2 - 2xy + y^2
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
