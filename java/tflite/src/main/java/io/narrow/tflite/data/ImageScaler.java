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

  /** The rows of a picture, from above, each asked for once. */
  interface Rows {
    /** Pixels of a row, channel last. */
    float[] row(int y);
  }

  /** Row by row, so that only the rows of the right width are all in memory. */
  float[] scale(Rows rows, int fromHeight, int fromWidth, int channels) {
    // Rows of one pixel's channels first, then columns of one row's.
    int length = Math.multiplyExact(width, channels);
    float[] wide = new float[Math.multiplyExact(fromHeight, length)];
    Axis across = new Axis(fromWidth, width, filter);
    for (int y = 0; y < fromHeight; y++) {
      System.arraycopy(across.scale(rows.row(y), channels), 0, wide, y * length, length);
    }
    return new Axis(fromHeight, height, filter).scale(wide, length);
  }

  /** How one axis is scaled: which values make a new one, and their weights. */
  private static final class Axis {
    private final int from;
    private final int to;
    private final int[] first;
    private final double[][] weights;
    private final double[] sums;

    Axis(int from, int to, Filter filter) {
      this.from = from;
      this.to = to;
      first = new int[to];
      weights = new double[to][];
      sums = new double[to];
      double ratio = (double) from / to;
      double support = filter == Filter.TRIANGLE ? Math.max(ratio, 1) : 1;
      for (int t = 0; t < to; t++) {
        double centre = (t + 0.5) * ratio;
        boolean nearest = filter == Filter.NEAREST;
        first[t] = nearest ? (int) centre : (int) Math.max(centre - support + 0.5, 0);
        int end = nearest ? first[t] + 1 : (int) Math.min(centre + support + 0.5, from);
        weights[t] = new double[end - first[t]];
        for (int f = first[t]; f < end; f++) {
          double distance = Math.abs(f + 0.5 - centre) / support;
          double weight = nearest ? 1 : Math.max(1 - distance, 0);
          weights[t][f - first[t]] = weight;
          sums[t] += weight;
        }
      }
    }

    /** Scales the first axis of an array of [from, inner]. */
    float[] scale(float[] x, int inner) {
      if (from == to) {
        return x;
      }
      float[] y = new float[Math.multiplyExact(to, inner)];
      for (int t = 0; t < to; t++) {
        for (int i = 0; i < inner; i++) {
          double value = 0;
          for (int w = 0; w < weights[t].length; w++) {
            value += weights[t][w] * x[(first[t] + w) * inner + i];
          }
          y[t * inner + i] = (float) (value / sums[t]);
        }
      }
      return y;
    }
  }
}
