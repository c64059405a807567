package io.narrow.tflite.correction;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Matrix;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Sums over positions of what the weights of a group are multiplied with, and of what is missing
 * from their products: all that choosing codes needs to know of data.
 */
final class Moments {
  private static final int ROWS_AT_A_TIME = 64;

  private final int depth;
  private final int channels;
  private final double[] squares; // [depth, depth], on and above the diagonal
  private final double[] products; // [depth, channels]
  private final double[] inputs; // [depth]
  private final double[] missing; // [channels]
  private final double[] energies; // [channels]
  private final boolean centred;
  private long count;

  /**
   * @param centred whether means do not count, as a bias makes up for them
   */
  Moments(int depth, int channels, boolean centred) {
    this(depth, channels, centred, new double[depth * depth], new double[depth]);
  }

  private Moments(int depth, int channels, boolean centred, double[] squares, double[] inputs) {
    this.depth = depth;
    this.channels = channels;
    this.centred = centred;
    this.squares = squares;
    this.inputs = inputs;
    this.products = new double[depth * channels];
    this.missing = new double[channels];
    this.energies = new double[channels];
  }

  /** The same for some channels; what does not depend on them is shared. */
  Moments of(int[] some) {
    Moments part = new Moments(depth, some.length, centred, squares, inputs);
    part.count = count;
    for (int c = 0; c < some.length; c++) {
      part.missing[c] = missing[some[c]];
      part.energies[c] = energies[some[c]];
      for (int i = 0; i < depth; i++) {
        part.products[i * some.length + c] = products[i * channels + some[c]];
      }
    }
    return part;
  }

  /** Adds what others have seen of the same group. */
  void add(Moments others) {
    add(squares, others.squares);
    add(products, others.products);
    add(inputs, others.inputs);
    add(missing, others.missing);
    add(energies, others.energies);
    count += others.count;
  }

  private static void add(double[] to, double[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }

  int depth() {
    return depth;
  }

  int channels() {
    return channels;
  }

  /**
   * Adds positions. The order of additions is the same for any number of threads.
   *
   * @param x {@code [rows, depth]}
   * @param y {@code [rows, channels]}
   */
  void add(double[] x, double[] y, int rows) {
    count += rows;
    Matrix seen = Matrix.of(x, rows, depth);
    Matrix absent = Matrix.of(y, rows, channels);
    int blocks = (depth + ROWS_AT_A_TIME - 1) / ROWS_AT_A_TIME;
    IntStream all = IntStream.range(0, blocks);
    (blocks > 1 ? all.parallel() : all).forEach(block -> add(block, seen, absent));
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < depth; i++) {
        inputs[i] += x[r * depth + i];
      }
      for (int c = 0; c < channels; c++) {
        double value = y[r * channels + c];
        missing[c] += value;
        energies[c] += value * value;
      }
    }
  }

  private void add(int block, Matrix x, Matrix y) {
    int first = block * ROWS_AT_A_TIME;
    int count = Math.min(ROWS_AT_A_TIME, depth - first);
    Matrix part = x.part(0, x.rows(), first, count).transposed();
    Matrix from = x.part(0, x.rows(), first, depth - first);
    Matrix to = Matrix.of(squares, depth, depth).part(first, count, first, depth - first);
    Kernels.active().addProducts(part, from, to);
    to = Matrix.of(products, depth, channels).part(first, count, 0, channels);
    Kernels.active().addProducts(part, y, to);
  }

  private double mean(double sum) {
    return centred && count > 0 ? sum / count : 0;
  }

  /** Whether all that was seen is finite. */
  boolean isFinite() {
    return IntStream.range(0, depth).allMatch(i -> Double.isFinite(squares[i * depth + i]))
        && Arrays.stream(energies).allMatch(Double::isFinite);
  }

  /** Mean of an input. */
  double input(int i) {
    return inputs[i] / count;
  }

  /** Mean of what is missing from a channel. */
  double missing(int channel) {
    return missing[channel] / count;
  }

  /** Covariance of two inputs, or the mean of their products, times the number of positions. */
  double square(int i, int j) {
    int at = i <= j ? i * depth + j : j * depth + i;
    return squares[at] - inputs[i] * mean(inputs[j]);
  }

  /** The same of an input and what is missing from a channel. */
  double product(int i, int channel) {
    return products[i * channels + channel] - inputs[i] * mean(missing[channel]);
  }

  /** The same of what is missing from a channel with itself. */
  double energy(int channel) {
    return energies[channel] - missing[channel] * mean(missing[channel]);
  }

  /**
   * Squared errors of the sums of each channel if its weights are other ones.
   *
   * @param off how far they are off, {@code [depth, channels]}
   */
  double[] errors(double[] off) {
    Matrix all = Matrix.of(squares, depth, depth);
    Matrix weights = Matrix.of(off, depth, channels);
    double[] own = new double[off.length]; // products with the blocks of the diagonal
    double[] right = new double[off.length]; // and with what is right of them, and not stored below
    for (int first = 0; first < depth; first += ROWS_AT_A_TIME) {
      int rows = Math.min(ROWS_AT_A_TIME, depth - first);
      int end = first + rows;
      Matrix to = Matrix.of(own, depth, channels).part(first, rows, 0, channels);
      Kernels.active()
          .addProducts(
              all.part(first, rows, first, rows), weights.part(first, rows, 0, channels), to);
      to = Matrix.of(right, depth, channels).part(first, rows, 0, channels);
      Kernels.active()
          .addProducts(
              all.part(first, rows, end, depth - end),
              weights.part(end, depth - end, 0, channels),
              to);
    }
    double[] errors = new double[channels];
    double[] shifts = new double[channels];
    for (int at = 0; at < off.length; at++) {
      int i = at / channels;
      int c = at % channels;
      errors[c] += off[at] * (own[at] + 2 * right[at] - 2 * product(i, c));
      shifts[c] += off[at] * inputs[i];
    }
    for (int c = 0; c < channels; c++) {
      errors[c] += energy(c) - shifts[c] * mean(shifts[c]);
    }
    return errors;
  }

  /** Mean of {@link #square} of each input with itself. */
  double typicalSquare() {
    double sum = 0;
    for (int i = 0; i < depth; i++) {
      sum += square(i, i);
    }
    return sum / depth;
  }
}
