package io.narrow.tflite.data;

import java.util.Map;

/**
 * Scales pictures by a separable filter, pixel centres at half integers, without rounding to whole
 * levels.
 */
final class ImageScaler {
  /** How a pixel is made of its neighbours. */
  enum Filter {
    /** Linear interpolation, the triangle as wide as the scale when shrinking (antialiased). */
    TRIANGLE,
    /** Linear interpolation between the two nearest pixels, also when shrinking. */
    BILINEAR,
    /** The pixel under the centre. */
    NEAREST
  }

  static final Map<String, Filter> FILTERS =
      Map.of("triangle", Filter.TRIANGLE, "bilinear", Filter.BILINEAR, "nearest", Filter.NEAREST);

  private final int height;
  private final int width;
  private final Filter filter;

  ImageScaler(int height, int width, Filter filter) {
    this.height = height;
    this.width = width;
    this.filter = filter;
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }

  float[] scale(float[] pixels, int fromHeight, int fromWidth, int channels) {
    // Rows of one pixel's channels first, then columns of one row's.
    float[] wide = scaleAxis(pixels, fromHeight, fromWidth, width, channels);
    return scaleAxis(wide, 1, fromHeight, height, width * channels);
  }

  /** Scales the middle axis of an array of [outer, from, inner] to {@code to}. */
  private float[] scaleAxis(float[] x, int outer, int from, int to, int inner) {
    if (from == to) {
      return x;
    }
    float[] y = new float[Math.multiplyExact(Math.multiplyExact(outer, to), inner)];
    double ratio = (double) from / to;
    double support = filter == Filter.TRIANGLE ? Math.max(ratio, 1) : 1;
    double[] weights = new double[(int) Math.ceil(support) * 2 + 1];
    for (int t = 0; t < to; t++) {
      double centre = (t + 0.5) * ratio;
      int first =
          filter == Filter.NEAREST ? (int) centre : (int) Math.max(centre - support + 0.5, 0);
      int end = filter == Filter.NEAREST ? first + 1 : (int) Math.min(centre + support + 0.5, from);
      double sum = 0;
      for (int f = first; f < end; f++) {
        double distance = Math.abs(f + 0.5 - centre) / support;
        weights[f - first] = filter == Filter.NEAREST ? 1 : Math.max(1 - distance, 0);
        sum += weights[f - first];
      }
      for (int o = 0; o < outer; o++) {
        for (int i = 0; i < inner; i++) {
          double value = 0;
          for (int f = first; f < end; f++) {
            value += weights[f - first] * x[(o * from + f) * inner + i];
          }
          y[(o * to + t) * inner + i] = (float) (value / sum);
        }
      }
    }
    return y;
  }
}
