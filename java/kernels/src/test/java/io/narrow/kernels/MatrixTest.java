package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MatrixTest {
  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static Stream<String> kernels() {
    return KernelSets.names().stream();
  }

  private static double[] values(Random random, int count) {
    return random.doubles(count, -1, 1).toArray();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void sumsGoFromLeftToRight(String name) {
    Kernels kernels = KernelSets.use(name);
    int[][] shapes = {
      {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {1, 1, 1}, {3, 5, 7}, {9, 17, 33}, {70, 20, 3}, {2, 600, 530}
    };
    for (int[] shape : shapes) {
      for (boolean transposed : new boolean[] {false, true}) {
        Random random = new Random(5);
        Matrix a = Matrix.of(values(random, shape[0] * shape[1]), shape[0], shape[1]);
        if (transposed) {
          a = Matrix.of(values(random, shape[0] * shape[1]), shape[1], shape[0]).transposed();
        }
        Matrix b = Matrix.of(values(random, shape[1] * shape[2]), shape[1], shape[2]);
        double[] before = values(random, shape[0] * shape[2] + 2);
        double[] sums = before.clone();
        kernels.addProducts(a, b, new Matrix(sums, 1, shape[0], shape[2], shape[2], 1));
        assertThat(sums[0]).isEqualTo(before[0]);
        assertThat(sums[sums.length - 1]).isEqualTo(before[sums.length - 1]);
        for (int i = 0; i < shape[0]; i++) {
          for (int j = 0; j < shape[2]; j++) {
            double sum = before[1 + i * shape[2] + j];
            for (int k = 0; k < shape[1]; k++) {
              int at = transposed ? k * shape[0] + i : i * shape[1] + k;
              sum += a.values()[at] * b.values()[k * shape[2] + j];
            }
            assertThat(sums[1 + i * shape[2] + j]).isEqualTo(sum);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aPartLeavesTheRestAlone(String name) {
    Matrix ones = Matrix.of(new double[] {1, 1, 1, 1}, 2, 2);
    double[] sums = new double[25];
    KernelSets.use(name).addProducts(ones, ones, Matrix.of(sums, 5, 5).part(1, 2, 2, 2));
    for (int i = 0; i < sums.length; i++) {
      boolean inside = i / 5 >= 1 && i / 5 < 3 && i % 5 >= 2 && i % 5 < 4;
      assertThat(sums[i]).isEqualTo(inside ? 2 : 0);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    double[] values = new double[12];
    Matrix matrix = Matrix.of(values, 3, 4);
    Kernels kernels = Kernels.active();
    assertThatThrownBy(() -> Matrix.of(values, 4, 4)).hasMessageContaining("array of 12");
    assertThatThrownBy(() -> new Matrix(values, -1, 1, 1, 1, 1)).hasMessageContaining("at -1");
    assertThatThrownBy(() -> new Matrix(values, 0, 1 << 20, 2, 1 << 20, 1))
        .hasMessageContaining("array of 12");
    assertThatThrownBy(() -> matrix.part(2, 2, 0, 1)).hasMessageContaining("rows 2 to 4");
    assertThatThrownBy(() -> kernels.addProducts(matrix, matrix, matrix))
        .hasMessageContaining("3 x 4 times 3 x 4 does not give 3 x 4");
    Matrix square = Matrix.of(new double[9], 3, 3);
    assertThatThrownBy(() -> kernels.addProducts(square, square.transposed(), square))
        .hasMessageContaining("in one piece");
  }
}
