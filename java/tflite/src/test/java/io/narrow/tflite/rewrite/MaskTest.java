package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands for minus infinity before a softmax keeps nothing around it float. */
class MaskTest {
  private static final int ROWS = 4;
  private static final int COLUMNS = 60;

  @TempDir private Path folder;

  /** How a mask comes to the scores. */
  enum Way {
    CHOSEN,
    ADDED,
    MOVED,
    SHARED,
    CONSTANT,
    MULTIPLIED,
    /** The caller sees it as well. */
    GIVEN,
    /** Halves of it too are taken for nothing, but not halves of what is clamped. */
    FRACTIONS
  }

  /** A model with scores and a choice of what counts of them. */
  private static ModelBuilder model(Way way, float mask) {
    ModelBuilder b = new ModelBuilder(5);
    int x = b.floats("x", ROWS, COLUMNS);
    int choice = b.tensor("choice", TensorType.BOOL, ROWS, COLUMNS);
    int low = b.constant("low", new float[] {mask});
    int zero = b.constant("zero", new float[] {0});
    int y = b.floats("y", ROWS, COLUMNS);
    int scores = b.floats("scores", ROWS, COLUMNS);
    int five = b.constant("five", new float[] {5});
    b.operator("MUL", options("MulOptions"), new int[] {x, five}, scores);
    int[] outputs = {y};
    int masked = b.floats("masked", ROWS, COLUMNS);
    switch (way) {
      case CHOSEN -> b.operator("SELECT_V2", new int[] {choice, scores, low}, masked);
      case ADDED, GIVEN -> {
        int added = b.floats("added", ROWS, COLUMNS);
        b.operator("SELECT_V2", new int[] {choice, zero, low}, added);
        add(b, scores, added, masked);
        outputs = way == Way.ADDED ? outputs : new int[] {y, added};
      }
      case MOVED -> {
        int added = b.floats("added", ROWS, COLUMNS);
        int flat = b.floats("flat", ROWS * COLUMNS);
        int again = b.floats("again", ROWS, COLUMNS);
        b.operator("SELECT_V2", new int[] {choice, zero, low}, added);
        reshape(b, added, flat, ROWS * COLUMNS);
        reshape(b, flat, again, ROWS, COLUMNS);
        add(b, again, scores, masked);
      }
      case SHARED -> {
        int added = b.floats("added", ROWS, COLUMNS);
        int other = b.floats("other", ROWS, COLUMNS);
        int first = b.floats("first", ROWS, COLUMNS);
        b.operator("SELECT_V2", new int[] {choice, zero, low}, added);
        add(b, added, x, other);
        softmax(b, other, first);
        add(b, added, scores, masked);
        outputs = new int[] {y, first};
      }
      case CONSTANT -> {
        float[] values = new float[ROWS * COLUMNS];
        for (int i = 0; i < values.length; i++) {
          values[i] = i % COLUMNS > 12 * (i / COLUMNS + 1) ? mask : 0;
        }
        add(b, scores, b.constant("causal", values, ROWS, COLUMNS), masked);
      }
      default -> {
        int seen = b.floats("seen", ROWS, COLUMNS);
        int hidden = b.floats("hidden", ROWS, COLUMNS);
        int product = b.floats("product", ROWS, COLUMNS);
        float whole = way == Way.MULTIPLIED ? 1 : .5f;
        int one = b.constant("one", new float[] {1});
        b.operator("CAST", options("CastOptions"), new int[] {choice}, seen);
        if (whole < 1) {
          int half = b.floats("half", ROWS, COLUMNS);
          int factor = b.constant("factor", new float[] {whole});
          b.operator("MUL", options("MulOptions"), new int[] {seen, factor}, half);
          seen = half;
        }
        b.operator("SUB", options("SubOptions"), new int[] {one, seen}, hidden);
        b.operator("MUL", options("MulOptions"), new int[] {hidden, low}, product);
        add(b, scores, product, masked);
      }
    }
    return softmax(b, masked, y).inputs(x, choice).outputs(outputs);
  }

  private static void add(ModelBuilder b, int first, int second, int sum) {
    b.operator("ADD", options("AddOptions"), new int[] {first, second}, sum);
  }

  private static void reshape(ModelBuilder b, int from, int to, int... shape) {
    int[] in = {from, b.constant("shape", shape, shape.length)};
    b.operator("RESHAPE", options("ReshapeOptions"), in, to);
  }

  private static ModelBuilder softmax(ModelBuilder b, int from, int to) {
    return b.operator("SOFTMAX", options("SoftmaxOptions").with("beta", 1f), new int[] {from}, to);
  }

  private Plan check(Way way, float mask, Recipe recipe, double least) {
    Model model = model(way, mask).build();
    Path before = folder.resolve("float.tflite");
    Path after = folder.resolve("quantized.tflite");
    model.write(before);
    Plan plan = Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(before));
    Rewriter.rewrite(plan).write(after);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
          .as("%s of %s, %s, XNNPACK %s", way, mask, recipe, xnnpack)
          .isGreaterThan(least);
    }
    return plan;
  }

  private static long floats(Plan plan) {
    return plan.operators().stream()
        .filter(operator -> operator.precision() == Precision.FLOAT32)
        .count();
  }

  @ParameterizedTest
  @EnumSource(names = {"CHOSEN", "ADDED", "MOVED", "SHARED", "CONSTANT", "MULTIPLIED"})
  void masksBecomeWhatSoftmaxTakesForNothing(Way way) {
    for (float mask : new float[] {-Float.MAX_VALUE, -1e9f, -1e4f, Float.NEGATIVE_INFINITY}) {
      if (way == Way.MULTIPLIED && Float.isInfinite(mask)) {
        continue; // 0 times infinity is no number
      }
      assertThat(floats(check(way, mask, Recipe.int8(), 25))).as("%s %s", way, mask).isZero();
      assertThat(floats(check(way, mask, Recipe.int16x8(), 50))).as("%s %s", way, mask).isZero();
    }
  }

  /** A mask that something else sees, or multiplies, is what it was. */
  @ParameterizedTest
  @ValueSource(strings = {"GIVEN", "FRACTIONS"})
  void masksThatAreMoreStayWhatTheyAre(String way) {
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Plan plan = check(Way.valueOf(way), -1e9f, recipe, 50);
      assertThat(floats(plan)).isPositive();
    }
  }
}
