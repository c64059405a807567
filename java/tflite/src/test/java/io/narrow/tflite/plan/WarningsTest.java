package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.schema.Table;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class WarningsTest {
  private static final Ranges UNIT =
      (subgraph, tensor, whole) -> Optional.of(new FloatRange(-1, 1, 0, 0));

  private final ModelBuilder b = new ModelBuilder(5);

  private int product(String name, int input, float first, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = i == 0 ? first : (i % 7 - 3) / 4f;
    }
    int w = b.constant(name, values, rows, columns);
    int y = b.floats(name + "_y", 1, rows);
    b.operator("FULLY_CONNECTED", Table.of("FullyConnectedOptions"), new int[] {input, w, -1}, y);
    return y;
  }

  private Plan broken(int operators, float value, Recipe recipe) {
    int x = b.floats("x", 1, 32);
    int y = x;
    for (int i = 0; i < operators; i++) {
      y = product("w" + i, y, value, 32, 32);
    }
    return Planner.plan(b.inputs(x).outputs(y).build(), recipe, UNIT);
  }

  @Test
  void oneReasonOfItsKindIsSaidInItsOwnWords() {
    assertThat(broken(1, Float.NaN, Recipe.int8()).warnings())
        .containsExactly(
            new Reason(
                Code.NOTHING,
                "nothing to quantize: no operator that computes with float32 could use integers",
                List.of()),
            new Reason(
                Code.NOT_FINITE,
                "FULLY_CONNECTED stays float32: `w0` holds NaN or infinity",
                List.of("w0")));
  }

  @Test
  void manyReasonsOfOneKindAreOneLineWithACountAndTheFirstNames() {
    List<Reason> warnings = broken(5, Float.NaN, Recipe.int8()).warnings();
    assertThat(warnings)
        .filteredOn(warning -> warning.code() == Code.NOT_FINITE)
        .singleElement()
        .satisfies(
            warning -> {
              assertThat(warning.text())
                  .startsWith("5 FULLY_CONNECTED stay float32: ")
                  .endsWith(": `w0`, `w1`, `w2` and 2 more");
              assertThat(warning.names()).containsExactly("w0", "w1", "w2", "w3", "w4");
            });
  }

  @Test
  void constantThatCannotBeStoredSmallerIsToldInModesWithoutRanges() {
    for (Recipe recipe : List.of(Recipe.dynamic(), Recipe.weightOnly(8))) {
      assertThat(new WarningsTest().broken(2, Float.NaN, recipe).warnings())
          .filteredOn(warning -> warning.code() == Code.NOT_FINITE)
          .singleElement()
          .satisfies(
              warning -> {
                assertThat(warning.text()).endsWith(": `w0`, `w1`");
                assertThat(warning.names()).containsExactly("w0", "w1");
              });
    }
  }

  @Test
  void manyConstantsBeyondFloat16AreOneLine() {
    assertThat(broken(4, 70000, Recipe.float16()).warnings())
        .filteredOn(warning -> warning.code() == Code.BEYOND_FLOAT16)
        .singleElement()
        .satisfies(warning -> assertThat(warning.text()).endsWith(": `w0`, `w1`, `w2` and 1 more"));
  }

  @Test
  void operatorWithWeightsStoredSmallerDoesNotStayFloatBecauseOfThese() {
    Recipe recipe =
        Recipe.of(
            List.of(
                RecipeRule.all(OperatorConfiguration.of(Mode.WEIGHT_ONLY)),
                RecipeRule.all(OperatorConfiguration.of(Mode.INT8))));
    int x = b.floats("x", 1, 32);
    int y = product("w", x, 1, 32, 32);
    Plan plan = Planner.plan(b.inputs(x).outputs(y).build(), recipe, Ranges.NONE);
    assertThat(plan.tensors().get(0).isFloat()).isFalse();
    assertThat(plan.warnings())
        .containsExactly(
            new Reason(
                Code.NO_DATA,
                "FULLY_CONNECTED stays float32: the model has no range of `x`, and there are no"
                    + " calibration data",
                List.of("x")));
  }

  @Test
  void strictSaysTheKindsWhereThereAreMoreThanAScreenHolds() {
    assertThatThrownBy(() -> broken(13, Float.NaN, Recipe.int8().withStrict()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("13 FULLY_CONNECTED stay float32: ")
        .hasMessageContaining("`w0`, `w1`, `w2` and 10 more");
    assertThatThrownBy(() -> new WarningsTest().broken(12, Float.NaN, Recipe.int8().withStrict()))
        .hasMessageContaining("FULLY_CONNECTED (operator 11): `w11` holds NaN");
  }

  @Test
  void kindsOfOperatorsAreCountedMostFirstAndTheRestTogether() {
    assertThat(Warnings.counted(Map.of("A", 1, "B", 2, "C", 2, "D", 1)))
        .isEqualTo("2 B, 2 C, A, D");
    assertThat(Warnings.counted(Map.of("A", 1, "B", 2, "C", 2, "D", 1, "E", 9)))
        .isEqualTo("9 E, 2 B, 2 C and 2 other kinds");
  }
}
