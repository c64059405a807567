package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
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
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written out in several operators becomes the one that computes the same. */
class GatheringTest {
  private static final Recipe INT8 = Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8);

  private final ModelBuilder b = new ModelBuilder(11);

  private int step(String operator, int[] in, int... shape) {
    return step(operator, null, in, shape);
  }

  private int step(String operator, Table options, int[] in, int... shape) {
    int y = b.floats(operator.toLowerCase(Locale.ROOT) + in[0], shape);
    IntegerModels.call(b, operator, options, in, y);
    return y;
  }

  private int reduced(String operator, int x, int axis, boolean keep) {
    Table options = Table.of("ReducerOptions").with("keep_dims", keep ? 1 : 0);
    int[] in = {x, b.constant("axis" + operator + x, new int[] {axis}, 1)};
    return keep ? step(operator, options, in, 2, 3, 1) : step(operator, options, in, 2, 3);
  }

  private int exponentials(int x, boolean less, int axis) {
    int from = x;
    if (less) {
      int[] in = {x, reduced("REDUCE_MAX", x, axis, true)};
      from = step("SUB", Table.of("SubOptions"), in, 2, 3, 12);
    }
    return step("EXP", new int[] {from}, 2, 3, 12);
  }

  private int softmax(int x, boolean less, int axis) {
    int e = exponentials(x, less, axis);
    int[] in = {e, reduced("SUM", e, axis, true)};
    return step("DIV", Table.of("DivOptions"), in, 2, 3, 12);
  }

  private int prelu(int x, boolean swapped) {
    int slopes = b.constant("slopes" + x, new float[] {.1f, -.2f, 1.5f, .5f}, 4);
    int relu = step("RELU", new int[] {x}, 1, 6, 6, 4);
    int negative = step("NEG", new int[] {x}, 1, 6, 6, 4);
    int below = step("RELU", new int[] {negative}, 1, 6, 6, 4);
    int back = step("NEG", new int[] {below}, 1, 6, 6, 4);
    int[] product = swapped ? new int[] {slopes, back} : new int[] {back, slopes};
    int scaled = step("MUL", Table.of("MulOptions"), product, 1, 6, 6, 4);
    int[] sum = swapped ? new int[] {scaled, relu} : new int[] {relu, scaled};
    return step("ADD", Table.of("AddOptions"), sum, 1, 6, 6, 4);
  }

  private static Plan plan(Model model, Recipe recipe, Path file) {
    model.write(file);
    return Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(file));
  }

  private static void same(Model model, String operator, Recipe recipe, double least, Path folder) {
    Path before = folder.resolve("float.tflite");
    Plan plan = plan(model, recipe, before);
    assertThat(plan.operators())
        .allMatch(each -> each.precision() == Precision.INTEGER)
        .extracting(OperatorPlan::name)
        .containsExactly(operator);
    Path after = folder.resolve("quantized.tflite");
    Rewriter.rewrite(plan).write(after);
    assertThat(Model.read(after).subgraphs().get(0).operators())
        .extracting(Operator::name)
        .containsExactly(operator);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack, 0)).isGreaterThan(least);
    }
  }

  @ParameterizedTest
  @CsvSource({"true, 2", "true, -1", "false, 2"})
  void softmax(boolean less, int axis, @TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    Model model = b.inputs(x).outputs(softmax(x, less, axis)).build();
    same(model, "SOFTMAX", INT8, 30, folder);
  }

  @Test
  void softmaxOfSixteenBits(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    Model model = b.inputs(x).outputs(softmax(x, true, 2)).build();
    Recipe recipe = Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16);
    same(model, "SOFTMAX", recipe, 60, folder);
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void prelu(boolean swapped, @TempDir Path folder) {
    int x = b.floats("x", 1, 6, 6, 4);
    Model model = b.inputs(x).outputs(prelu(x, swapped)).build();
    same(model, "PRELU", INT8, 30, folder);
  }

  @Test
  void oneBehindAnother(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    int first = softmax(x, true, 2);
    Model model = b.inputs(x).outputs(softmax(first, true, 2)).build();
    assertThat(plan(model, INT8, folder.resolve("float.tflite")).operators())
        .extracting(OperatorPlan::name)
        .containsExactly("SOFTMAX", "SOFTMAX");
  }

  private void stays(Model model, Recipe recipe, Path folder) {
    assertThat(plan(model, recipe, folder.resolve("float.tflite")).operators())
        .extracting(OperatorPlan::name)
        .doesNotContain("SOFTMAX", "PRELU");
  }

  @Test
  void whatIsBetweenIsReadElsewhere(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    int e = exponentials(x, true, 2);
    int[] in = {e, reduced("SUM", e, 2, true)};
    int y = step("DIV", Table.of("DivOptions"), in, 2, 3, 12);
    stays(b.inputs(x).outputs(y, e).build(), INT8, folder);
    int z = step("RELU", new int[] {e}, 2, 3, 12);
    stays(b.inputs(x).outputs(y, z).build(), INT8, folder);
  }

  @Test
  void anotherAxis(@TempDir Path folder) {
    int x = b.floats("x", 2, 12, 12);
    Table keep = Table.of("ReducerOptions").with("keep_dims", 1);
    int e = step("EXP", new int[] {x}, 2, 12, 12);
    int axis = b.constant("axis", new int[] {1}, 1);
    int sum = step("SUM", keep, new int[] {e, axis}, 2, 1, 12);
    int y = step("DIV", Table.of("DivOptions"), new int[] {e, sum}, 2, 12, 12);
    stays(b.inputs(x).outputs(y).build(), INT8, folder);
  }

  @Test
  void exponentialsOfAnother(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    int other = b.floats("other", 2, 3, 12);
    int sum = reduced("SUM", exponentials(other, false, 2), 2, true);
    int[] in = {exponentials(x, false, 2), sum};
    int y = step("DIV", Table.of("DivOptions"), in, 2, 3, 12);
    stays(b.inputs(x, other).outputs(y).build(), INT8, folder);
  }

  @Test
  void sumWithAnActivation(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    int e = exponentials(x, false, 2);
    int[] in = {e, reduced("SUM", e, 2, true)};
    Table clipped = Table.of("DivOptions").with("fused_activation_function", 1);
    int y = step("DIV", clipped, in, 2, 3, 12);
    stays(b.inputs(x).outputs(y).build(), INT8, folder);
  }

  @Test
  void whatARecipeKeepsOrNames(@TempDir Path folder) {
    int x = b.floats("x", 2, 3, 12);
    Model model = b.inputs(x).outputs(softmax(x, true, 2)).build();
    for (OperatorConfiguration of :
        List.of(OperatorConfiguration.FLOAT32, OperatorConfiguration.of(Mode.INT16X8))) {
      List<RecipeRule> rules =
          List.of(
              RecipeRule.all(OperatorConfiguration.of(Mode.INT8)),
              new RecipeRule(RecipeRule.ANYWHERE, "SUM", of));
      stays(model, Recipe.of(rules), folder);
    }
  }
}
