package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the table of integer kernels claims is what the stock runtime does: a model of one operator
 * for every row and type, run with XNNPACK and without, and compared with the float model.
 */
class IntegerOperatorTest {
  static Stream<String> int8() {
    return IntegerModels.names(TensorType.INT8);
  }

  static Stream<String> int16() {
    return IntegerModels.names(TensorType.INT16);
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT16"})
  void everyRowHasAModel(TensorType type) {
    TreeSet<String> built = new TreeSet<>();
    IntegerModels.names(type).forEach(name -> built.add(name.split(" ")[0]));
    assertThat(
            OpRules.rows().stream()
                .filter(row -> row.integer().filter(rule -> rule.has(type)).isPresent())
                .map(OpRule::operator))
        .containsExactlyInAnyOrderElementsOf(built);
  }

  @ParameterizedTest
  @MethodSource("int8")
  void int8(String name, @TempDir Path folder) {
    Recipe recipe = Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8);
    compare(name, recipe, IntegerModels.MODELS.get(name).int8(), folder);
  }

  @ParameterizedTest
  @MethodSource("int16")
  void int16(String name, @TempDir Path folder) {
    Recipe recipe = Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16);
    compare(name, recipe, IntegerModels.MODELS.get(name).int16(), folder);
  }

  static Stream<String> int4() {
    return IntegerModels.names(TensorType.INT8)
        .filter(name -> OpRules.of(name.split(" ")[0]).kernel(TensorType.INT4).isPresent())
        .filter(
            name ->
                OpRules.of(name.split(" ")[0]).integer().orElseThrow().scales()
                    == IntegerRule.Scales.WEIGHTS)
        .filter(name -> !name.contains("two activations"));
  }

  /** Weights of four bits alone cost this much. */
  private static final double FOUR_BITS = 17;

  @ParameterizedTest
  @MethodSource("int4")
  void int4WeightsBesideInt8(String name, @TempDir Path folder) {
    Recipe recipe = Recipe.int8().withBits(4).withBoundary(TensorType.INT8, TensorType.INT8);
    compare(name, recipe, FOUR_BITS, folder);
  }

  @ParameterizedTest
  @MethodSource("int4")
  void int4WeightsBesideInt16(String name, @TempDir Path folder) {
    Recipe recipe = Recipe.int16x8().withBits(4).withBoundary(TensorType.INT16, TensorType.INT16);
    compare(name, recipe, FOUR_BITS, folder);
  }

  /**
   * Inputs on one side of zero have zero points at the end of the codes, of which kernels differ.
   */
  private static final List<Float> OFFSETS = List.of(0f, .6f, 1f);

  private static void compare(String name, Recipe recipe, double sqnr, Path folder) {
    Model model = IntegerModels.MODELS.get(name).build().apply(new ModelBuilder(7)).build();
    Path before = folder.resolve("float.tflite");
    model.write(before);
    for (float offset : OFFSETS) {
      Ranges ranges =
          name.contains("LSTM")
              ? SlowLstm.ofRandomRuns(before, offset)
              : MeasuredRanges.ofRandomRuns(before, offset);
      Plan plan = Planner.plan(model, recipe, ranges);
      assertThat(plan.operators())
          .noneMatch(operator -> operator.precision().computesFloat(), name)
          .anyMatch(operator -> operator.precision() == Precision.INTEGER);
      Path after = folder.resolve("quantized.tflite");
      Rewriter.rewrite(plan).write(after);
      for (boolean xnnpack : List.of(true, false)) {
        assertThat(RuntimeComparison.sqnr(before, after, xnnpack, offset))
            .as("%s, %s, inputs around %s, XNNPACK %s", name, recipe, offset, xnnpack)
            .isNotNaN()
            .isGreaterThan(sqnr);
      }
    }
  }
}
