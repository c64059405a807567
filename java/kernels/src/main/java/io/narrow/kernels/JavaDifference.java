package io.narrow.kernels;

/** Sums in the order of the native function, as {@link JavaErrorSums} has it. */
final class JavaDifference {
  private static final int LANES = 16;

  private final float lowest;
  private final float highest;
  private final double[] signals = new double[LANES];
  private final double[] approximations = new double[LANES];
  private final double[] noises = new double[LANES];
  private final double[] sums = new double[LANES];
  private double largest;
  private long clipped;
  private Difference total = Difference.NONE;
  private int inPiece;

  /**
   * @param lowest signal values below this are clipped, as those above {@code highest}
   */
  JavaDifference(float lowest, float highest) {
    this.lowest = lowest;
    this.highest = highest;
  }

  /** Adds m elements; m is a multiple of 16 except in the last call. */
  void add(float[] x, int xAt, float[] y, int yAt, int m) {
    for (int done = 0; done < m; ) {
      int part = Math.min(m - done, NativeCall.CHUNK - inPiece);
      for (int i = 0; i < part; i++) {
        add((inPiece + i) % LANES, x[xAt + done + i], y[yAt + done + i]);
      }
      done += part;
      inPiece += part;
      if (inPiece == NativeCall.CHUNK) {
        endPiece();
      }
    }
  }

  private void add(int lane, float value, float other) {
    double signal = value;
    double approximation = other;
    double difference = signal - approximation;
    double size = Math.abs(difference);
    signals[lane] += signal * signal;
    approximations[lane] += approximation * approximation;
    noises[lane] += difference * difference;
    sums[lane] += difference;
    largest = size > largest ? size : largest;
    clipped += value < lowest || value > highest ? 1 : 0;
  }

  private void endPiece() {
    total =
        total.merge(
            new Difference(
                JavaErrorSums.sumAndClear(signals),
                JavaErrorSums.sumAndClear(approximations),
                JavaErrorSums.sumAndClear(noises),
                JavaErrorSums.sumAndClear(sums),
                largest,
                clipped));
    largest = 0;
    clipped = 0;
    inPiece = 0;
  }

  Difference total() {
    if (inPiece > 0) {
      endPiece();
    }
    return total;
  }
}
