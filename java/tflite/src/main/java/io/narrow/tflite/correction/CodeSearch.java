package io.narrow.tflite.correction;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Matrix;
import java.util.Arrays;

/** Looks for the codes of some channels of a group; all matrices have a column for each channel. */
final class CodeSearch {
  private static final int SWEEPS = 4;

  /** Weights that are looked at one by one before all others hear of it. */
  private static final int BLOCK = 32;

  private final Kernels kernels = Kernels.active();
  private final Matrix squares;
  private final Matrix factor;
  private final double[] products;
  private final double[] exact;
  private final int largest;
  private final int depth;
  private final int channels;

  /**
   * @param squares {@code H}
   * @param factor {@code U} of {@code H = U'U}
   * @param products {@code X'D}
   * @param exact weights
   * @param largest code
   */
  CodeSearch(Matrix squares, Matrix factor, double[] products, double[] exact, int largest) {
    this.squares = squares;
    this.factor = factor;
    this.products = products;
    this.exact = exact;
    this.largest = largest;
    this.depth = squares.rows();
    this.channels = exact.length / depth;
  }

  private Matrix matrix(double[] values) {
    return Matrix.of(values, values.length / channels, channels);
  }

  /** {@code to[0 .. channels - 1] += by * from[0 .. channels - 1]}, from places on. */
  private void add(double[] to, int at, double by, double[] from, int start) {
    for (int c = 0; c < channels; c++) {
      to[at + c] += by * from[start + c];
    }
  }

  /** From the last weight to the first, each nearest to what is best beside those before it. */
  double[] nearestPlanes(double[] scales) {
    double[] target = target();
    double[] codes = new double[exact.length];
    double[] left = new double[exact.length];
    for (int end = depth; end > 0; end -= BLOCK) {
      int first = Math.max(0, end - BLOCK);
      double[] sums = Arrays.copyOfRange(target, first * channels, end * channels);
      kernels.addProducts(
          factor.part(first, end - first, end, depth - end),
          matrix(left).part(end, depth - end, 0, channels),
          matrix(sums));
      for (int i = end - 1; i >= first; i--) {
        int row = (i - first) * channels;
        for (int j = i + 1; j < end; j++) {
          add(sums, row, factor.values()[i * depth + j], left, j * channels);
        }
        double pivot = factor.values()[i * depth + i];
        for (int c = 0; c < channels; c++) {
          int at = i * channels + c;
          double best = exact[at] + sums[row + c] / pivot;
          codes[at] = Weights.nearest(best / scales[at], largest);
          left[at] = exact[at] - scales[at] * codes[at];
        }
      }
    }
    return codes;
  }

  /** {@code Z} of {@code U'Z = X'D}. */
  private double[] target() {
    double[] sums = products.clone();
    double[] negated = new double[sums.length];
    for (int first = 0; first < depth; first += BLOCK) {
      int end = Math.min(depth, first + BLOCK);
      kernels.addProducts(
          factor.part(0, first, first, end - first).transposed(),
          matrix(negated).part(0, first, 0, channels),
          matrix(sums).part(first, end - first, 0, channels));
      for (int i = first; i < end; i++) {
        for (int k = first; k < i; k++) {
          add(sums, i * channels, factor.values()[k * depth + i], negated, k * channels);
        }
        double pivot = factor.values()[i * depth + i];
        for (int c = 0; c < channels; c++) {
          int at = i * channels + c;
          sums[at] /= pivot;
          negated[at] = -sums[at];
        }
      }
    }
    return sums;
  }

  /**
   * Sweeps over the weights, each of which gets the code that is best beside all others.
   *
   * @param codes are changed
   * @return the errors that are left
   */
  double[] descend(double[] codes, double[] scales) {
    double[] left = new double[codes.length];
    double[] gradient = new double[codes.length];
    for (int at = 0; at < codes.length; at++) {
      left[at] = scales[at] * codes[at] - exact[at];
      gradient[at] = -products[at];
    }
    kernels.addProducts(squares, matrix(left), matrix(gradient));
    boolean changed = true;
    for (int sweep = 0; sweep < SWEEPS && changed; sweep++) {
      changed = false;
      for (int end = depth; end > 0; end -= BLOCK) {
        changed |= descend(codes, scales, gradient, Math.max(0, end - BLOCK), end);
      }
    }
    double[] errors = new double[channels];
    for (int at = 0; at < codes.length; at++) {
      double by = scales[at] * codes[at] - exact[at];
      errors[at % channels] += by * (gradient[at] - products[at]);
    }
    return errors;
  }

  private boolean descend(double[] codes, double[] scales, double[] gradient, int first, int end) {
    double[] own = Arrays.copyOfRange(gradient, first * channels, end * channels);
    double[] steps = new double[own.length];
    boolean changed = false;
    for (int i = end - 1; i >= first; i--) {
      int row = (i - first) * channels;
      double square = squares.values()[i * depth + i];
      boolean any = false;
      for (int c = 0; c < channels; c++) {
        int at = i * channels + c;
        double exactly = codes[at] - own[row + c] / (square * scales[at]);
        double better = Weights.nearest(exactly, largest);
        if (better != codes[at]) {
          steps[row + c] = scales[at] * (better - codes[at]);
          codes[at] = better;
          any = true;
        }
      }
      for (int j = first; any && j < i; j++) {
        add(own, (j - first) * channels, squares.values()[j * depth + i], steps, row);
      }
      changed |= any;
    }
    if (changed) {
      kernels.addProducts(
          squares.part(0, depth, first, end - first), matrix(steps), matrix(gradient));
    }
    return changed;
  }
}
