package io.narrow.tflite.correction;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Codes of the weights of a group with the least error of their sums of products: {@code |X (v - w)
 * - D|^2} for {@code v = scale * code}, exact weights {@code w}, and what is missing, {@code D}. To
 * {@code H = X'X} some of its diagonal is added.
 *
 * <p>First, with {@code H = U'U}, weight after weight from the one with the largest square on gets
 * the code nearest to what is best once those before it are fixed; this is what GPTQ finds, without
 * an inverse (Chen et al., "The geometry of LLM quantization: GPTQ as Babai's nearest plane
 * algorithm", 2025). Then each weight in turn gets the code that is best beside all others (Zhang
 * et al., "COMQ", 2024), as long as one changes.
 */
final class LeastSquares {
  /** Part of the mean of the diagonal that is added to it. */
  private static final double DAMPING = 0.01;

  /**
   * The least that is added, in means of the diagonals of all groups of a layer: a channel that
   * never fires has zeros only.
   */
  private static final double LEAST_DAMPING = 1e-6;

  private static final int SWEEPS = 4;
  private static final int LEAST_OF_A_THREAD = 200;

  private final int depth;
  private final int channels;
  private final int[] order; // of the weights, by growing squares
  private final double[] squares; // [depth, depth], damped, in that order
  private final double[] products; // [depth, channels], likewise
  private final double[] factor; // U, above the diagonal and on it
  private final double damping;

  /**
   * @param typical mean of the squares of all groups of a layer
   */
  LeastSquares(Moments moments, double typical) {
    this.depth = moments.depth();
    this.channels = moments.channels();
    this.order =
        IntStream.range(0, depth)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> moments.square(i, i)))
            .mapToInt(Integer::intValue)
            .toArray();
    this.damping =
        Math.max(
            Double.MIN_NORMAL,
            Math.max(DAMPING * moments.typicalSquare(), LEAST_DAMPING * typical));
    this.squares = new double[depth * depth];
    this.products = new double[depth * channels];
    for (int i = 0; i < depth; i++) {
      for (int j = 0; j < depth; j++) {
        squares[i * depth + j] = moments.square(order[i], order[j]);
      }
      squares[i * depth + i] = Math.max(0, squares[i * depth + i]) + damping;
      for (int c = 0; c < channels; c++) {
        products[i * channels + c] = moments.product(order[i], c);
      }
    }
    this.factor = factor(squares.clone(), depth);
  }

  private static double[] factor(double[] a, int n) {
    for (int k = 0; k < n; k++) {
      int row = k * n;
      double pivot = Math.sqrt(a[row + k]);
      for (int j = k; j < n; j++) {
        a[row + j] /= pivot;
      }
      IntStream rest = IntStream.range(k + 1, n);
      (n - k < LEAST_OF_A_THREAD ? rest : rest.parallel())
          .forEach(
              i -> {
                double by = a[row + i];
                for (int j = i; j < n; j++) {
                  a[i * n + j] -= by * a[row + j];
                }
              });
    }
    return a;
  }

  /**
   * Codes that were found.
   *
   * @param codes {@code [depth, channels]}
   * @param errors of the channels, less what is left without any rounding
   */
  record Choice(double[] codes, double[] errors) {}

  /**
   * Finds codes.
   *
   * @param weights {@code [depth, channels]}
   * @param scales one for each channel
   * @param largest code
   */
  Choice choose(double[] weights, double[] scales, int largest) {
    double[] exact = new double[weights.length];
    for (int i = 0; i < depth; i++) {
      System.arraycopy(weights, order[i] * channels, exact, i * channels, channels);
    }
    double[] codes = nearestPlanes(exact, scales, largest);
    double[] errors = new double[channels];
    IntStream.range(0, channels)
        .parallel()
        .forEach(c -> errors[c] = descend(c, exact, codes, scales[c], largest));
    double[] inPlace = new double[codes.length];
    for (int i = 0; i < depth; i++) {
      System.arraycopy(codes, i * channels, inPlace, order[i] * channels, channels);
    }
    return new Choice(inPlace, errors);
  }

  static double nearest(double exact, int largest) {
    return Math.max(-largest, Math.min(largest, Math.rint(exact)));
  }

  private double[] nearestPlanes(double[] exact, double[] scales, int largest) {
    double[] target = products.clone();
    for (int i = 0; i < depth; i++) {
      double pivot = factor[i * depth + i];
      for (int c = 0; c < channels; c++) {
        target[i * channels + c] /= pivot;
      }
      for (int j = i + 1; j < depth; j++) {
        double by = factor[i * depth + j];
        for (int c = 0; c < channels; c++) {
          target[j * channels + c] -= by * target[i * channels + c];
        }
      }
    }
    double[] codes = new double[exact.length];
    double[] left = new double[exact.length];
    double[] sums = new double[channels];
    for (int i = depth - 1; i >= 0; i--) {
      System.arraycopy(target, i * channels, sums, 0, channels);
      for (int j = i + 1; j < depth; j++) {
        double by = factor[i * depth + j];
        for (int c = 0; c < channels; c++) {
          sums[c] += by * left[j * channels + c];
        }
      }
      double pivot = factor[i * depth + i];
      for (int c = 0; c < channels; c++) {
        int at = i * channels + c;
        codes[at] = nearest((exact[at] + sums[c] / pivot) / scales[c], largest);
        left[at] = exact[at] - scales[c] * codes[at];
      }
    }
    return codes;
  }

  private double descend(int c, double[] exact, double[] codes, double scale, int largest) {
    double[] gradient = new double[depth];
    for (int i = 0; i < depth; i++) {
      int at = i * channels + c;
      gradient[i] -= products[at];
      add(gradient, i, scale * codes[at] - exact[at]);
    }
    boolean changed = true;
    for (int sweep = 0; sweep < SWEEPS && changed; sweep++) {
      changed = false;
      for (int i = depth - 1; i >= 0; i--) {
        int at = i * channels + c;
        double step = squares[i * depth + i] * scale;
        double better = nearest(codes[at] - gradient[i] / step, largest);
        if (better != codes[at]) {
          add(gradient, i, scale * (better - codes[at]));
          codes[at] = better;
          changed = true;
        }
      }
    }
    double error = 0;
    for (int i = 0; i < depth; i++) {
      int at = i * channels + c;
      error += (scale * codes[at] - exact[at]) * (gradient[i] - products[at]);
    }
    return error;
  }

  private void add(double[] gradient, int i, double by) {
    for (int j = 0; j < depth; j++) {
      gradient[j] += squares[i * depth + j] * by;
    }
  }

  /**
   * Errors of any codes, as those of {@link Choice}, but of the undamped sums.
   *
   * @param codes {@code [depth, channels]}
   */
  double[] errors(double[] weights, double[] codes, double[] scales) {
    double[] errors = new double[channels];
    IntStream.range(0, channels)
        .parallel()
        .forEach(c -> errors[c] = error(c, weights, codes, scales[c]));
    return errors;
  }

  private double error(int c, double[] weights, double[] codes, double scale) {
    double[] left = new double[depth];
    double[] gradient = new double[depth];
    for (int i = 0; i < depth; i++) {
      int at = order[i] * channels + c;
      left[i] = scale * codes[at] - weights[at];
      add(gradient, i, left[i]);
    }
    double error = 0;
    for (int i = 0; i < depth; i++) {
      error += left[i] * (gradient[i] - damping * left[i] - 2 * products[i * channels + c]);
    }
    return error;
  }

  @Override
  public String toString() {
    return depth + " weights of " + channels + " channels, in order " + Arrays.toString(order);
  }
}
