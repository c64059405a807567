package io.narrow.tflite.correction;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Matrix;
import java.util.stream.IntStream;

/** Factors of symmetric matrices. */
final class Cholesky {
  private static final int PANEL = 32;
  private static final int ROWS_AT_A_TIME = 64;

  private Cholesky() {}

  /**
   * Replaces the part on and above the diagonal of a positive definite matrix {@code A} by {@code
   * U}, {@code A = U'U}; what is below it has no meaning then.
   *
   * @param a {@code [n, n]}
   */
  static void factor(double[] a, int n) {
    Matrix whole = Matrix.of(a, n, n);
    for (int first = 0; first < n; first += PANEL) {
      int end = Math.min(n, first + PANEL);
      for (int k = first; k < end; k++) {
        int row = k * n;
        double pivot = Math.sqrt(a[row + k]);
        for (int j = k; j < n; j++) {
          a[row + j] /= pivot;
        }
        for (int i = k + 1; i < end; i++) {
          double by = a[row + i];
          for (int j = i; j < n; j++) {
            a[i * n + j] -= by * a[row + j];
          }
        }
      }
      subtract(whole, first, end);
    }
  }

  /** Takes a panel of the factor from all rows that follow. */
  private static void subtract(Matrix whole, int first, int end) {
    int n = whole.rows();
    int rest = n - end;
    double[] values = new double[(end - first) * rest];
    for (int k = first; k < end; k++) {
      for (int j = 0; j < rest; j++) {
        values[(k - first) * rest + j] = -whole.values()[k * n + end + j];
      }
    }
    Matrix negated = Matrix.of(values, end - first, rest);
    int blocks = (rest + ROWS_AT_A_TIME - 1) / ROWS_AT_A_TIME;
    IntStream all = IntStream.range(0, blocks);
    (blocks > 2 ? all.parallel() : all)
        .forEach(
            block -> {
              int at = block * ROWS_AT_A_TIME;
              int rows = Math.min(ROWS_AT_A_TIME, rest - at);
              Kernels.active()
                  .addProducts(
                      whole.part(first, end - first, end + at, rows).transposed(),
                      negated.part(0, end - first, at, rest - at),
                      whole.part(end + at, rows, end + at, rest - at));
            });
  }
}
