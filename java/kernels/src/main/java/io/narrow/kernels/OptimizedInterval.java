package io.narrow.kernels;

/**
 * The interval of one row after another. Sums run from the first value to the last, products and
 * sums are rounded one by one, in float32 or float64 as Lucene has them: codes depend on it.
 */
final class OptimizedInterval {
  /**
   * Half the width of the first interval in standard deviations, for 1 to 8 bits: where the squared
   * error of normally distributed values is least.
   */
  private static final float[] WIDTHS = {
    0.798f, 1.493f, 2.051f, 2.514f, 2.916f, 3.278f, 3.611f, 3.922f
  };

  /** How much the whole error counts beside its part along the row. */
  private static final float WHOLE = 0.1f;

  private static final int ROUNDS = 5;
  private static final double CLOSE = 1e-8;

  private final float width;
  private final int last; // code
  private final float[] row;
  private float lower;
  private float upper;
  private float square;

  OptimizedInterval(int bits, int dimensions) {
    this.width = WIDTHS[bits - 1];
    this.last = (1 << bits) - 1;
    this.row = new float[dimensions];
  }

  /** What is quantized: to be filled. */
  float[] row() {
    return row;
  }

  float lower() {
    return lower;
  }

  float upper() {
    return upper;
  }

  /** Sum of the squares of the row less the centroid. */
  float square() {
    return square;
  }

  /** Takes the centroid off, and finds where the interval starts; returns the product of both. */
  float center(float[] centroid) {
    float product = 0;
    float min = Float.MAX_VALUE;
    float max = -Float.MAX_VALUE;
    double mean = 0;
    double variance = 0;
    square = 0;
    for (int i = 0; i < row.length; i++) {
      product += row[i] * centroid[i];
      row[i] -= centroid[i];
      float value = row[i];
      min = Math.min(min, value);
      max = Math.max(max, value);
      square += value * value;
      double difference = value - mean;
      mean += difference / (i + 1);
      variance += difference * (value - mean);
    }
    double reach = Math.sqrt(variance / row.length);
    lower = (float) clamp(-width * reach + mean, min, max);
    upper = (float) clamp(width * reach + mean, min, max);
    return product;
  }

  /** Moves the ends to where the error of the codes that they give is least, again and again. */
  void optimize() {
    float scale = (1.0f - WHOLE) / square;
    if (!Float.isFinite(scale)) {
      return;
    }
    double loss = loss(lower, upper);
    for (int round = 0; round < ROUNDS; round++) {
      double aa = 0;
      double ab = 0;
      double bb = 0;
      double ax = 0;
      double bx = 0;
      float inverse = last / (upper - lower);
      for (float value : row) {
        float code = Math.round((clamp(value, lower, upper) - lower) * inverse);
        float place = code / last;
        double rest = 1.0 - place;
        aa += rest * rest;
        ab += rest * place;
        bb += place * place;
        ax += value * rest;
        bx += value * place;
      }
      double m0 = scale * ax * ax + WHOLE * aa;
      double m1 = scale * ax * bx + WHOLE * ab;
      double m2 = scale * bx * bx + WHOLE * bb;
      double determinant = m0 * m2 - m1 * m1;
      if (determinant == 0) {
        return;
      }
      float a = (float) ((m2 * ax - m1 * bx) / determinant);
      float b = (float) ((m0 * bx - m1 * ax) / determinant);
      if (Math.abs(lower - a) < CLOSE && Math.abs(upper - b) < CLOSE) {
        return;
      }
      double other = loss(a, b);
      if (other > loss) {
        return;
      }
      lower = a;
      upper = b;
      loss = other;
    }
  }

  private double loss(double a, double b) {
    double step = (b - a) / last;
    double inverse = 1.0 / step;
    double along = 0;
    double whole = 0;
    for (double value : row) {
      double error = value - (a + step * Math.round((clamp(value, a, b) - a) * inverse));
      along += value * error;
      whole += error * error;
    }
    return (1.0 - WHOLE) * along * along / square + WHOLE * whole;
  }

  /** Writes the codes; returns their sum. */
  int quantize(byte[] codes, int at) {
    float step = (upper - lower) / last;
    int sum = 0;
    for (int i = 0; i < row.length; i++) {
      int code = Math.round(((float) clamp(row[i], lower, upper) - lower) / step);
      codes[at + i] = (byte) code;
      sum += code;
    }
    return sum;
  }

  private static double clamp(double value, double low, double high) {
    return Math.min(Math.max(value, low), high);
  }
}
