package io.narrow.keras.layers;

import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/**
 * Weights of pixels along one axis for the ways to resize that TensorFlow Lite has no operator for:
 * a matrix [out, in], as TensorFlow's operators compute them.
 */
final class Resampling {
  /** Keys, 1981. */
  private static final double KEYS = -0.5;

  /** TensorFlow takes weights of cubic interpolation from a table with this many steps. */
  private static final int CUBIC_STEPS = 1024;

  /**
   * @param radius where the weight becomes 0
   */
  private record Kernel(double radius, DoubleUnaryOperator weight) {}

  private static final Map<String, Kernel> KERNELS =
      Map.of(
          "bilinear", new Kernel(1, x -> Math.max(0, 1 - Math.abs(x))),
          "bicubic", new Kernel(2, Resampling::cubic),
          "lanczos3", new Kernel(3, x -> lanczos(3, x)),
          "lanczos5", new Kernel(5, x -> lanczos(5, x)),
          "gaussian", new Kernel(1.5, x -> Math.exp(-x * x / (2 * 0.5 * 0.5))),
          "mitchellcubic", new Kernel(2, Resampling::mitchell));

  private Resampling() {}

  static boolean has(String interpolation) {
    return KERNELS.containsKey(interpolation) || interpolation.equals("area");
  }

  /** [out, in]. */
  static float[] matrix(String interpolation, int in, int out, boolean antialias) {
    float[] matrix = new float[Math.multiplyExact(out, in)];
    for (int o = 0; o < out; o++) {
      if (interpolation.equals("area")) {
        area(matrix, in, out, o);
      } else if (interpolation.equals("bicubic") && !antialias) {
        bicubic(matrix, in, out, o);
      } else {
        scaled(KERNELS.get(interpolation), matrix, in, out, o, antialias);
      }
    }
    return matrix;
  }

  /** Means over windows that may overlap by one pixel, as adaptive pooling has them. */
  static float[] adaptive(int in, int out) {
    float[] matrix = new float[Math.multiplyExact(out, in)];
    for (int o = 0; o < out; o++) {
      int start = start(in, out, o);
      int end = end(in, out, o);
      for (int i = start; i < end; i++) {
        matrix[o * in + i] = 1f / (end - start);
      }
    }
    return matrix;
  }

  /** First pixel of a window of adaptive pooling. */
  static int start(int in, int out, int o) {
    return (int) ((long) o * in / out);
  }

  /** Pixel after the last of a window of adaptive pooling. */
  static int end(int in, int out, int o) {
    return (int) (((o + 1L) * in + out - 1) / out);
  }

  private static void area(float[] matrix, int in, int out, int o) {
    double scale = (double) in / out;
    double from = o * scale;
    double to = Math.min(in, (o + 1) * scale);
    for (int i = (int) from; i < Math.min(in, Math.ceil(to)); i++) {
      matrix[o * in + i] = (float) ((Math.min(to, i + 1) - Math.max(from, i)) / (to - from));
    }
  }

  /** Four pixels; those outside do not count, and the others are scaled up to a sum of 1. */
  private static void bicubic(float[] matrix, int in, int out, int o) {
    float place = (o + 0.5f) * ((float) in / out) - 0.5f;
    int before = (int) Math.floor(place);
    double delta = Math.rint((place - before) * CUBIC_STEPS) / CUBIC_STEPS;
    double[] weights = new double[4];
    double sum = 0;
    for (int k = 0; k < 4; k++) {
      int i = before - 1 + k;
      weights[k] = i < 0 || i >= in ? 0 : cubic(delta - (k - 1));
      sum += weights[k];
    }
    for (int k = 0; k < 4; k++) {
      if (weights[k] != 0) {
        matrix[o * in + before - 1 + k] = (float) (weights[k] / sum);
      }
    }
  }

  private static void scaled(
      Kernel kernel, float[] matrix, int in, int out, int o, boolean antialias) {
    double inverse = (double) in / out;
    double wide = antialias ? Math.max(1, inverse) : 1;
    double place = (o + 0.5) * inverse;
    int start = (int) Math.max(0, Math.ceil(place - kernel.radius() * wide - 0.5));
    int end = (int) Math.min(in - 1, Math.floor(place + kernel.radius() * wide - 0.5));
    double sum = 0;
    for (int i = start; i <= end; i++) {
      sum += kernel.weight().applyAsDouble((i + 0.5 - place) / wide);
    }
    for (int i = start; i <= end; i++) {
      double weight = kernel.weight().applyAsDouble((i + 0.5 - place) / wide);
      matrix[o * in + i] = (float) (weight / sum);
    }
  }

  private static double cubic(double place) {
    double x = Math.abs(place);
    if (x >= 2) {
      return 0;
    }
    return x < 1
        ? ((KEYS + 2) * x - (KEYS + 3)) * x * x + 1
        : ((KEYS * x - 5 * KEYS) * x + 8 * KEYS) * x - 4 * KEYS;
  }

  private static double lanczos(int radius, double place) {
    double x = Math.abs(place);
    if (x >= radius) {
      return 0;
    }
    double angle = Math.PI * x;
    return x < 1e-3 ? 1 : radius * Math.sin(angle) * Math.sin(angle / radius) / (angle * angle);
  }

  /** Mitchell and Netravali, 1988, with B = C = 1/3. */
  private static double mitchell(double place) {
    double x = Math.abs(place);
    if (x >= 2) {
      return 0;
    }
    return x < 1
        ? ((7.0 / 6 * x - 2) * x) * x + 8.0 / 9
        : ((-7.0 / 18 * x + 2) * x - 10.0 / 3) * x + 16.0 / 9;
  }
}
