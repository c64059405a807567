package io.narrow.tflite.comparison;

import io.narrow.tflite.observation.ExactSums;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Counts the errors of a tensor. Each figure of a sample is rounded once; over samples they are
 * summed without rounding, so that it does not matter which thread has seen which.
 */
final class Tally {
  /** Added to the noise in {@code signalToNoise}, as ai-edge-quantizer has it. */
  private static final double EPSILON = 1e-9;

  private static final int FIGURES = 7;

  /** Values that are read at a time: with the lanes they stay in the first cache. */
  private static final int BLOCK = 1024;

  /** Blocks after which the lanes go into doubles, so that none of their floats adds up many. */
  private static final int BLOCKS = 64;

  /**
   * Sums of squares in floats count if they are between these, or nothing is: far from the ends.
   */
  private static final double SMALLEST = 1e-25;

  private static final double LARGEST = 1e30;

  /**
   * Room for a thread's work. Sums are floats, one for each place in a block, for the compiler of
   * the JVM to make vector instructions of, as it does not of one sum or of doubles.
   */
  static final class Scratch {
    private final float[] values = new float[BLOCK];
    private final float[] others = new float[BLOCK];
    private final float[] sums = new float[BLOCK];
    private final float[] noises = new float[BLOCK];
    private final float[] signals = new float[BLOCK];
    private final float[] powers = new float[BLOCK];
    private final float[] extremes = new float[BLOCK];
    private ByteBuffer floats = ByteBuffer.allocateDirect(0);

    private void clear(int lanes) {
      for (float[] each : List.of(sums, noises, signals, powers, extremes)) {
        Arrays.fill(each, 0, lanes, 0);
      }
    }

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
    Sample sample = sums(reference.asFloatBuffer(), values.asFloatBuffer(), scratch);
    if (!sample.isSure()) {
      sample = sumsOfDoubles(reference.asFloatBuffer(), values.asFloatBuffer());
    }
    add(sample);
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
    /** Whether no square was beyond the range of a float, or so small that it lost digits. */
    boolean isSure() {
      return isSure(signal) && isSure(power) && (extreme == 0 || isSure(noise));
    }

    private static boolean isSure(double squares) {
      return squares > SMALLEST && squares < LARGEST;
    }
  }

  private static Sample sums(FloatBuffer x, FloatBuffer y, Scratch scratch) {
    int n = x.remaining();
    double[] totals = new double[4];
    float largest = 0;
    while (x.hasRemaining()) {
      int lanes = Math.min(BLOCK, x.remaining());
      scratch.clear(lanes);
      for (int block = 0; block < BLOCKS && x.hasRemaining(); block++) {
        int m = Math.min(BLOCK, x.remaining());
        x.get(scratch.values, 0, m);
        y.get(scratch.others, 0, m);
        addSquares(scratch, m);
        addExtremes(scratch.values, scratch.others, scratch.extremes, m);
      }
      for (int i = 0; i < lanes; i++) {
        totals[0] += scratch.signals[i];
        totals[1] += scratch.powers[i];
        totals[2] += scratch.noises[i];
        totals[3] += scratch.sums[i];
        largest = Math.max(largest, scratch.extremes[i]);
      }
    }
    return new Sample(n, totals[0], totals[1], totals[2], totals[3], largest);
  }

  private static void addSquares(Scratch scratch, int m) {
    float[] values = scratch.values;
    float[] others = scratch.others;
    float[] sums = scratch.sums;
    float[] noises = scratch.noises;
    float[] signals = scratch.signals;
    float[] powers = scratch.powers;
    for (int i = 0; i < m; i++) {
      float value = values[i];
      float other = others[i];
      float difference = value - other;
      sums[i] += difference;
      noises[i] += difference * difference;
      signals[i] += value * value;
      powers[i] += other * other;
    }
  }

  /** In a loop of its own: together with the squares, the compiler gives up. */
  private static void addExtremes(float[] values, float[] others, float[] extremes, int m) {
    for (int i = 0; i < m; i++) {
      extremes[i] = Math.max(extremes[i], Math.abs(values[i] - others[i]));
    }
  }

  /** The same for values of any size; what is not finite is left out. */
  private Sample sumsOfDoubles(FloatBuffer x, FloatBuffer y) {
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
