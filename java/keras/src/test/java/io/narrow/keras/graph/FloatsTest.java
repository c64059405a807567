package io.narrow.keras.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers that are put in order piece by piece, against loops over single numbers. */
class FloatsTest {
  private static float[] written(Floats floats) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(floats.size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    floats.write(bytes);
    float[] numbers = new float[floats.size()];
    bytes.asFloatBuffer().get(numbers);
    return numbers;
  }

  /** Sizes around the piece of 65536 numbers that is written at once, and the 16 columns. */
  @ParameterizedTest
  @CsvSource({
    "1, 7, 1",
    "7, 1, 3",
    "3, 5, 2",
    "16, 17, 1",
    "4097, 33, 1",
    "2, 40000, 1",
    "300, 19, 13"
  })
  void transposedIsWrittenInPiecesThatFit(int rows, int columns, int inner) {
    float[] numbers = Graphs.numbers(1, rows * columns * inner);
    Floats turned = Floats.of(FloatBuffer.wrap(numbers)).transposed(rows, columns, inner);
    float[] slow = new float[numbers.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        for (int i = 0; i < inner; i++) {
          slow[(c * rows + r) * inner + i] = numbers[(r * columns + c) * inner + i];
        }
      }
    }
    assertThat(written(turned)).isEqualTo(slow);
    assertThat(turned.values()).isEqualTo(slow);
  }

  @Test
  void transposedTwiceIsWhatItWas() {
    float[] numbers = Graphs.numbers(2, 35);
    Floats twice = Floats.of(numbers).transposed(5, 7).transposed(7, 5);
    assertThat(written(twice)).isEqualTo(numbers);
  }

  @Test
  void partsOfATransposedMatrixAreColumns() {
    float[] numbers = Graphs.numbers(3, 6 * 8);
    Floats turned = Floats.of(numbers).transposed(6, 8);
    for (int gate = 0; gate < 4; gate++) {
      float[] part = turned.part(gate * 12, 12).values();
      for (int k = 0; k < 12; k++) {
        assertThat(part[k]).isEqualTo(numbers[k % 6 * 8 + gate * 2 + k / 6]);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 4", "3, 4", "5, 2", "2, 1", "7, 30000"})
  void factorsGoRoundWhereverReadingBegins(int inner, int factors) {
    float[] numbers = Graphs.numbers(4, 210_000);
    float[] by = Graphs.numbers(5, factors);
    Floats scaled = Floats.of(numbers).times(by, inner);
    float[] slow = new float[numbers.length];
    for (int k = 0; k < slow.length; k++) {
      slow[k] = numbers[k] * by[k / inner % factors];
    }
    assertThat(written(scaled)).isEqualTo(slow);
    float[] some = new float[102];
    scaled.read(13, 100, some, 1);
    for (int k = 0; k < 100; k++) {
      assertThat(some[k + 1]).isEqualTo(slow[k + 13]);
    }
    assertThat(some[0] + some[101]).isZero();
  }

  @Test
  void permutedMovesEveryNumber() {
    int[] shape = {2, 3, 4, 5};
    int[] order = {2, 0, 3, 1};
    float[] numbers = Graphs.numbers(6, 120);
    float[] found = Floats.of(numbers).permuted(shape, order).values();
    for (int k = 0; k < 120; k++) {
      int[] place = {k / 60, k / 20 % 3, k / 5 % 4, k % 5};
      int to = ((place[2] * 2 + place[0]) * 5 + place[3]) * 3 + place[1];
      assertThat(found[to]).isEqualTo(numbers[k]);
    }
  }

  @Test
  void sameNumbersAreTheSameHoweverTheyLie() {
    float[] numbers = Graphs.numbers(7, 6);
    Floats turned = Floats.of(numbers).transposed(2, 3);
    assertThat(turned.same(Floats.of(turned.values()))).isTrue();
    assertThat(turned.same(Floats.of(numbers))).isFalse();
    assertThat(Floats.of().same(Floats.of())).isTrue();
  }
}
