package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.end;
import static io.narrow.tflite.rewrite.IntegerModels.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Operators without an integer kernel become such as have one, and compute the same. */
class LoweringTest {
  private static final Map<String, UnaryOperator<ModelBuilder>> MODELS = new TreeMap<>();

  static {
    MODELS.put("NEG", b -> unary(b, "NEG", options("NegOptions")));
    MODELS.put("SQUARE", b -> unary(b, "SQUARE", options("SquareOptions")));
    for (String operator :
        List.of("ELU", "HARD_SWISH", "RELU_0_TO_1", "RELU_N1_TO_1", "SQUARED_DIFFERENCE")) {
      MODELS.put(operator, IntegerModels.MODELS.get(operator).build());
    }
    MODELS.put(
        "PRELU",
        b -> {
          int x = b.floats("x", 1, 4, 6, 8);
          float[] slopes = {.1f, -.2f, 1.5f, .5f, 0, -1.1f, 1, .4f};
          int[] in = {x, b.constant("slopes", slopes, 1, 1, 8)};
          return end(b, "PRELU", null, in, x, 1, 4, 6, 8);
        });
    MODELS.put(
        "CAST",
        b -> {
          int choice = b.tensor("choice", TensorType.BOOL, 4, 60);
          int x = b.floats("x", 4, 60);
          int cast = b.floats("cast", 4, 60);
          b.operator("CAST", options("CastOptions"), new int[] {choice}, cast);
          int[] in = {cast, x};
          return end(b, "MUL", options("MulOptions"), in, x, 4, 60).inputs(choice, x);
        });
  }

  private static ModelBuilder unary(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 4, 60);
    return end(b, operator, options, new int[] {x}, x, 4, 60);
  }

  private static boolean lowered(OpRule row, TensorType type) {
    return row.instead(type, TensorType.FLOAT32).isPresent()
        || row.instead(type, TensorType.BOOL).isPresent();
  }

  static Stream<String> int8() {
    return MODELS.keySet().stream().filter(n -> lowered(OpRules.of(n), TensorType.INT8));
  }

  static Stream<String> int16() {
    return MODELS.keySet().stream().filter(n -> lowered(OpRules.of(n), TensorType.INT16));
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT16"})
  void everyRowHasAModelAndNoneThatHasAKernelIsReplaced(TensorType type) {
    TreeSet<String> rows = new TreeSet<>();
    for (OpRule row : OpRules.rows()) {
      if (lowered(row, type)) {
        rows.add(row.operator());
        assertThat(row.integer().filter(rule -> rule.has(type))).as(row.operator()).isEmpty();
      }
    }
    assertThat(MODELS.keySet()).containsAll(rows);
  }

  @ParameterizedTest
  @MethodSource("int8")
  void int8(String name, @TempDir Path folder) {
    compare(name, Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8), 34, folder);
  }

  @ParameterizedTest
  @MethodSource("int16")
  void int16(String name, @TempDir Path folder) {
    Recipe recipe = Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16);
    compare(name, recipe, 60, folder);
  }

  private static void compare(String name, Recipe recipe, double least, Path folder) {
    Model model = MODELS.get(name).apply(new ModelBuilder(7)).build();
    Path before = folder.resolve("float.tflite");
    Path after = folder.resolve("quantized.tflite");
    model.write(before);
    for (float offset : new float[] {0, .6f, -1}) {
      Plan plan = Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(before, offset));
      assertThat(plan.operators())
          .allMatch(operator -> operator.precision() == Precision.INTEGER, name)
          .noneMatch(operator -> operator.name().equals(name));
      Rewriter.rewrite(plan).write(after);
      for (boolean xnnpack : List.of(true, false)) {
        assertThat(RuntimeComparison.sqnr(before, after, xnnpack, offset))
            .as("%s, inputs around %s, XNNPACK %s", name, offset, xnnpack)
            .satisfiesAnyOf(
                ratio -> assertThat(ratio).isGreaterThan(least),
                ratio -> assertThat(ratio).isNaN()); // zero throughout
      }
    }
  }

  /** What a recipe keeps, or names, is left as it is. */
  @Test
  void leavesWhatARecipeDoesNotWantInIntegers(@TempDir Path folder) {
    Model model = MODELS.get("NEG").apply(new ModelBuilder(7)).build();
    Path file = folder.resolve("float.tflite");
    model.write(file);
    MeasuredRanges ranges = MeasuredRanges.ofRandomRuns(file);
    Recipe kept =
        Recipe.of(
            List.of(
                RecipeRule.all(OperatorConfiguration.of(Mode.INT8)),
                new RecipeRule(RecipeRule.ANYWHERE, "NEG", OperatorConfiguration.FLOAT32)));
    for (Recipe recipe : List.of(kept, Recipe.int16x8())) {
      assertThat(Planner.plan(model, recipe, ranges).operators())
          .extracting(OperatorPlan::name)
          .containsExactly("NEG");
    }
  }
}
