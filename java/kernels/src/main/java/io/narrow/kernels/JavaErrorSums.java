package io.narrow.kernels;

/**
 * Sums in the order of the native function: element i of a piece into partial sum i % 16, these
 * pairwise, and the pieces one after another. Floating-point addition depends on the order.
 */
final class JavaErrorSums {
  private static final int LANES = 16;

  private final double[] signals = new double[LANES];
  private final double[] noises = new double[LANES];
  private double signal;
  private double noise;
  private int inPiece;

  /** Adds m elements; m is a multiple of 16 except in the last call. */
  void add(float[] x, int xAt, float[] y, int yAt, int m) {
    for (int done = 0; done < m; ) {
      int part = Math.min(m - done, NativeCall.CHUNK - inPiece);
      addToLanes(x, xAt + done, y, yAt + done, part);
      done += part;
      inPiece += part;
      if (inPiece == NativeCall.CHUNK) {
        endPiece();
      }
    }
  }

  private void addToLanes(float[] x, int xAt, float[] y, int yAt, int m) {
    int i = 0;
    for (; i <= m - LANES; i += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        addToLane(lane, x[xAt + i + lane], y[yAt + i + lane]);
      }
    }
    for (int lane = 0; i < m; lane++, i++) {
      addToLane(lane, x[xAt + i], y[yAt + i]);
    }
  }

  private void addToLane(int lane, double value, double approximation) {
    double difference = value - approximation;
    signals[lane] += value * value;
    noises[lane] += difference * difference;
  }

  private void endPiece() {
    signal += sumAndClear(signals);
    noise += sumAndClear(noises);
    inPiece = 0;
  }

  static double sumAndClear(double[] lanes) {
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    double sum = lanes[0];
    java.util.Arrays.fill(lanes, 0);
    return sum;
  }

  ErrorSums total() {
    if (inPiece > 0) {
      endPiece();
    }
    return new ErrorSums(canonical(signal), canonical(noise));
  }

  private static double canonical(double sum) {
    return Double.isNaN(sum) ? Double.NaN : sum;
  }
}
