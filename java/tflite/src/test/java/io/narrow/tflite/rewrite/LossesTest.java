package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a plan says is lost is lost when the file runs, and what it says helps does. */
class LossesTest {
  private static final double GOOD = 25;
  private static final double LOST = 10;

  @TempDir Path folder;

  /** Boxes of a picture beside scores; behind as many operators that hand on what they read. */
  private static Model boxesAndScores(float size, int reshapes) {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 1, 40);
    int factor = b.constant("size", new float[] {size}, 1);
    int boxes = b.floats("boxes", 1, 40);
    int scores = b.floats("scores", 1, 40);
    int all = b.floats("all", 1, 80);
    b.operator("MUL", Table.of("MulOptions"), new int[] {x, factor}, boxes)
        .operator("LOGISTIC", new int[] {x}, scores)
        .operator(
            "CONCATENATION",
            Table.of("ConcatenationOptions").with("axis", 1),
            new int[] {boxes, scores},
            all);
    int last = all;
    for (int i = 0; i < reshapes; i++) {
      int shape = b.constant("shape" + i, new int[] {1 + i, 80 / (1 + i)}, 2);
      int next = b.floats("reshaped" + i, 1 + i, 80 / (1 + i));
      b.operator("RESHAPE", new int[] {last, shape}, next);
      last = next;
    }
    return b.inputs(x).outputs(last).build();
  }

  /** The variance as the mean of squares less the square of the mean. */
  private static Model variance() {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 8, 40);
    int axis = b.constant("axis", new int[] {1}, 1);
    int squares = b.floats("squares", 8, 40);
    int meanOfSquares = b.floats("mean of squares", 8);
    int mean = b.floats("mean", 8);
    int squareOfMean = b.floats("square of mean", 8);
    int y = b.floats("variance", 8);
    Table reducer = Table.of("ReducerOptions");
    Table product = Table.of("MulOptions");
    b.operator("MUL", product, new int[] {x, x}, squares)
        .operator("MEAN", reducer, new int[] {squares, axis}, meanOfSquares)
        .operator("MEAN", reducer, new int[] {x, axis}, mean)
        .operator("MUL", product, new int[] {mean, mean}, squareOfMean)
        .operator("SUB", Table.of("SubOptions"), new int[] {meanOfSquares, squareOfMean}, y);
    return b.inputs(x).outputs(y).build();
  }

  private Plan plan(Model model, Recipe recipe, float offset) {
    Path before = folder.resolve("float.tflite");
    model.write(before);
    return Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(before, offset));
  }

  private static List<Reason> losses(Plan plan) {
    return plan.warnings().stream()
        .filter(one -> one.code() == Code.LOST || one.code() == Code.LOST_WIDELY)
        .toList();
  }

  /** The recipe that leaves float32 what a loss names. */
  private static Recipe helped(Recipe recipe, Reason loss) {
    Recipe helped = recipe;
    for (String name : loss.names()) {
      helped =
          loss.code() == Code.LOST
              ? helped.keepingFloat(Pattern.quote(name))
              : helped.keepingFloatOperator(name);
    }
    return helped;
  }

  /** Over the part of the outputs from this one of eighty values on. */
  private double sqnr(Plan plan, float offset, int from) {
    Path after = folder.resolve("quantized.tflite");
    Rewriter.rewrite(plan).write(after);
    List<float[]> x = RuntimeComparison.outputs(folder.resolve("float.tflite"), true, offset);
    List<float[]> y = RuntimeComparison.outputs(after, true, offset);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < x.size(); i++) {
      for (int k = from; k < x.get(i).length; k++) {
        signal += (double) x.get(i)[k] * x.get(i)[k];
        noise += Math.pow((double) x.get(i)[k] - y.get(i)[k], 2);
      }
    }
    return 10 * Math.log10(signal / noise);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void scoresBesideBoxesAreLost(int reshapes) {
    Model model = boxesAndScores(640, reshapes);
    Plan plan = plan(model, Recipe.int8(), 0);
    assertThat(losses(plan)).singleElement().asString().startsWith("`scores` (up to 0.7");
    assertThat(sqnr(plan, 0, 40)).isLessThan(LOST);
    Plan helped = plan(model, helped(Recipe.int8(), losses(plan).get(0)), 0);
    assertThat(losses(helped)).isEmpty();
    assertThat(sqnr(helped, 0, 40)).isGreaterThan(GOOD);
    assertThat(losses(plan).get(0).text()).contains("what helps: int16x8, ");
    Plan wide = plan(model, Recipe.int16x8(), 0);
    assertThat(losses(wide)).isEmpty();
    assertThat(sqnr(wide, 0, 40)).isGreaterThan(GOOD);
  }

  @Test
  void scoresBesideSmallBoxesAreNot() {
    assertThat(losses(plan(boxesAndScores(10, 1), Recipe.int8(), 0))).isEmpty();
  }

  private static Model logarithms(float size) {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 2, 40);
    int factor = b.constant("size", new float[] {size}, 1);
    int read = b.floats("read", 2, 40);
    int y = b.floats("logarithms", 2, 40);
    b.operator("MUL", Table.of("MulOptions"), new int[] {x, factor}, read)
        .operator("LOG_SOFTMAX", Table.of("LogSoftmaxOptions"), new int[] {read}, y);
    return b.inputs(x).outputs(y).build();
  }

  @Test
  void logarithmsFarBeyondTheFixedScaleAreLost() {
    Plan plan = plan(logarithms(300), Recipe.int8(), 0);
    assertThat(losses(plan)).singleElement().asString().startsWith("`logarithms` (up to ");
    assertThat(sqnr(plan, 0, 0)).isLessThan(LOST);
    Plan helped = plan(logarithms(300), helped(Recipe.int8(), losses(plan).get(0)), 0);
    assertThat(losses(helped)).isEmpty();
    assertThat(sqnr(helped, 0, 0)).isGreaterThan(GOOD);
    assertThat(losses(plan(logarithms(300), Recipe.int16x8(), 0))).isEmpty();
    assertThat(losses(plan(logarithms(4), Recipe.int8(), 0))).isEmpty();
  }

  private static Model squaredDifference(float factor) {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 2, 40);
    int other = b.floats("other", 2, 40);
    int y = b.floats("square", 2, 40);
    b.operator(
            "MUL",
            Table.of("MulOptions"),
            new int[] {x, b.constant("factor", new float[] {factor}, 1)},
            other)
        .operator(
            "SQUARED_DIFFERENCE", Table.of("SquaredDifferenceOptions"), new int[] {x, other}, y);
    return b.inputs(x).outputs(y).build();
  }

  /** In int16 it is the square of a SUB, of which nothing was seen but the square. */
  @Test
  void squareOfSmallDifferenceIsLost() {
    Plan plan = plan(squaredDifference(1.00003f), Recipe.int16x8(), 0);
    assertThat(losses(plan)).singleElement().asString().contains("difference lost");
    assertThat(sqnr(plan, 0, 0)).isLessThan(LOST);
    Plan larger = plan(squaredDifference(1.01f), Recipe.int16x8(), 0);
    assertThat(losses(larger)).isEmpty();
    assertThat(sqnr(larger, 0, 0)).isGreaterThan(GOOD);
  }

  @Test
  void varianceAsDifferenceOfLargeMeansIsLost() {
    Plan plan = plan(variance(), Recipe.int8(), 30);
    assertThat(losses(plan)).singleElement().asString().startsWith("`variance` (up to 0.");
    assertThat(sqnr(plan, 30, 0)).isLessThan(LOST);
    assertThat(losses(plan).get(0).code()).isEqualTo(Code.LOST_WIDELY);
    assertThat(losses(plan).get(0).names()).contains("MEAN", "MUL", "SUB");
    Plan helped = plan(variance(), helped(Recipe.int8(), losses(plan).get(0)), 30);
    assertThat(losses(helped)).isEmpty();
    assertThat(sqnr(helped, 30, 0)).isGreaterThan(GOOD);
  }

  @Test
  void int16IsSaidToHelpOnlyWhereItDoes() {
    assertThat(losses(plan(variance(), Recipe.int8(), 30)).get(0).text())
        .contains("what helps: int16x8, ");
    assertThat(losses(plan(variance(), Recipe.int16x8(), 30))).isEmpty();
    String far = losses(plan(variance(), Recipe.int8(), 300)).get(0).text();
    assertThat(far).doesNotContain("int16x8");
    assertThat(losses(plan(variance(), Recipe.int16x8(), 300))).isNotEmpty();
  }

  /** The kernel of the difference may not take integers, which saves nothing of its operands. */
  @Test
  void differenceAsFloatOfWhatIntegersComputedIsLostAsWell() {
    Plan plan = plan(variance(), Recipe.int8().keepingFloatOperator("SUB"), 30);
    assertThat(losses(plan)).singleElement().asString().startsWith("`variance` (up to 0.");
    assertThat(sqnr(plan, 30, 0)).isLessThan(LOST);
  }

  @Test
  void varianceOfValuesAroundZeroIsNot() {
    assertThat(losses(plan(variance(), Recipe.int8(), 0))).isEmpty();
  }
}
