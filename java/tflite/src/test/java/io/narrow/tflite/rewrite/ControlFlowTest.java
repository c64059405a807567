package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies of WHILE and IF: calibration looks into them, and they compute in integers. */
class ControlFlowTest {
  private static final int SIZE = 16;
  private static final Dataset DATA = Dataset.open("random:100");
  private static final List<Recipe> RECIPES = List.of(Recipe.int8(), Recipe.int16x8());

  @TempDir private Path folder;

  private static Table options(String name) {
    return Table.of(name);
  }

  private static Table loop(int condition) {
    return options("WhileOptions")
        .with("cond_subgraph_index", condition)
        .with("body_subgraph_index", condition + 1);
  }

  private static int scalar(ModelBuilder b, int value) {
    return b.constant("scalar" + value, new int[] {value});
  }

  /** A loop in the graph that is being built, over a counter and a value; gives the value. */
  private static int loop(ModelBuilder b, int condition, int x) {
    int[] out = {b.tensor("count", TensorType.INT32), b.floats("looped", 1, SIZE)};
    b.operator("WHILE", loop(condition), new int[] {scalar(b, 0), x}, out);
    return out[1];
  }

  /** The condition that a counter is below a bound. */
  private static ModelBuilder below(ModelBuilder b, int bound) {
    b.subgraph();
    int i = b.tensor("i", TensorType.INT32);
    int x = b.floats("unused", 1, SIZE);
    int more = b.tensor("more", TensorType.BOOL);
    return b.operator("LESS", options("LessOptions"), new int[] {i, scalar(b, bound)}, more)
        .inputs(i, x)
        .outputs(more);
  }

  /** A step: TANH(x * W + b) * 2, and the counter. */
  private static ModelBuilder step(ModelBuilder b) {
    Body body = Body.of(b, "x");
    return body.giving(compute(b, body.given));
  }

  /** The body of a loop that is being built: it counts, and is given a value. */
  private record Body(ModelBuilder b, int counter, int given, int next) {
    static Body of(ModelBuilder b, String name) {
      b.subgraph();
      int i = b.tensor("i", TensorType.INT32);
      int given = b.floats(name, 1, SIZE);
      int next = b.tensor("next", TensorType.INT32);
      b.operator("ADD", options("AddOptions"), new int[] {i, scalar(b, 1)}, next);
      return new Body(b, i, given, next);
    }

    /** That of the only loop of a model. */
    static Body of(int seed, int times) {
      return of(below(looped(seed), times), "x");
    }

    ModelBuilder giving(int value) {
      return b.inputs(counter, given).outputs(next, value);
    }
  }

  /** A model that does nothing but loop over its input. */
  private static ModelBuilder looped(int seed) {
    ModelBuilder b = new ModelBuilder(seed);
    int x = b.floats("x", 1, SIZE);
    return b.inputs(x).outputs(loop(b, 1, x));
  }

  private static int compute(ModelBuilder b, int x) {
    int weights = b.weights("weights", SIZE, SIZE);
    int bias = b.weights("bias", SIZE);
    int two = b.constant("two", new float[] {2});
    int sum = b.floats("sum", 1, SIZE);
    int tanh = b.floats("tanh", 1, SIZE);
    int y = b.floats("y", 1, SIZE);
    b.operator(
            "FULLY_CONNECTED", options("FullyConnectedOptions"), new int[] {x, weights, bias}, sum)
        .operator("TANH", new int[] {sum}, tanh)
        .operator("MUL", options("MulOptions"), new int[] {tanh, two}, y);
    return y;
  }

  private static Model looping(int times) {
    return step(below(looped(4), times)).build();
  }

  /** Main: IF of a constant, or of a comparison with the first value; both branches compute. */
  private static Model branching(int choice) {
    ModelBuilder b = new ModelBuilder(5);
    int x = b.floats("x", 1, SIZE);
    int chosen;
    if (choice < 0) {
      int first = b.floats("first");
      int axes = b.constant("axes", new int[] {0, 1}, 2);
      chosen = b.tensor("chosen", TensorType.BOOL);
      b.operator("SUM", options("ReducerOptions"), new int[] {x, axes}, first)
          .operator(
              "GREATER",
              options("GreaterOptions"),
              new int[] {first, b.constant("zero", new float[] {0})},
              chosen);
    } else {
      ByteBuffer bytes = ByteBuffer.allocateDirect(1).put(0, (byte) choice);
      chosen = b.constant(Tensor.of("chosen", TensorType.BOOL, new int[0]), bytes);
    }
    int y = b.floats("out", 1, SIZE);
    Table calls =
        options("IfOptions").with("then_subgraph_index", 1).with("else_subgraph_index", 2);
    b.operator("IF", calls, new int[] {chosen, x}, y).inputs(x).outputs(y);
    for (int branch = 0; branch < 2; branch++) {
      b.subgraph();
      int given = b.floats("given", 1, SIZE);
      b.inputs(given).outputs(compute(b, given));
    }
    return b.build();
  }

  private static Calibration calibrate(Model model, int threads) {
    return Calibrator.calibrate(model, DATA, Calibrator.Options.DEFAULT.withThreads(threads));
  }

  private static Plan plan(Model model, Recipe recipe) {
    return Quantizer.DEFAULT.withData(Datasets.of(DATA)).prepare(model).plan(recipe);
  }

  private static List<OperatorPlan> operators(Plan plan, int subgraph, String name) {
    return plan.operators().stream()
        .filter(o -> o.subgraph() == subgraph && o.name().equals(name))
        .toList();
  }

  private static void assertInteger(Plan plan, int subgraph, String... names) {
    for (String name : names) {
      assertThat(operators(plan, subgraph, name))
          .isNotEmpty()
          .allMatch(o -> o.precision() == Precision.INTEGER, name + " of " + subgraph);
    }
  }

  private static void assertFloat(Plan plan, int subgraph, String reason) {
    assertThat(operators(plan, subgraph, "FULLY_CONNECTED"))
        .isNotEmpty()
        .allMatch(o -> o.precision().computesFloat() && o.reason().text().contains(reason));
  }

  private void assertClose(Model model, Plan plan, double sqnr) {
    Path before = folder.resolve("before.tflite");
    Path after = folder.resolve("after.tflite");
    model.write(before);
    Rewriter.rewrite(plan).write(after);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
          .as("%s, XNNPACK %s", plan.recipe(), xnnpack)
          .isGreaterThan(sqnr);
    }
  }

  private static FloatRange range(Calibration calibration, Model model, int subgraph, String name) {
    for (int t = 0; t < model.subgraphs().get(subgraph).tensors().size(); t++) {
      if (model.subgraphs().get(subgraph).tensor(t).name().equals(name)) {
        return calibration.range(subgraph, t, true).orElse(FloatRange.EMPTY);
      }
    }
    throw new AssertionError(name);
  }

  private static void assertSame(FloatRange seen, FloatRange wanted) {
    assertThat(seen.min()).isCloseTo(wanted.min(), within(1e-5f));
    assertThat(seen.max()).isCloseTo(wanted.max(), within(1e-5f));
  }

  /** The truth is the loop without a loop: its steps one after another. */
  @Test
  void bodyIsSeenAtEveryIteration() {
    int times = 5;
    Model model = looping(times);
    ModelBuilder b = new ModelBuilder(4);
    int x = b.floats("x", 1, SIZE);
    int weights = b.weights("weights", SIZE, SIZE);
    int bias = b.weights("bias", SIZE);
    int two = b.constant("two", new float[] {2});
    int value = x;
    for (int i = 0; i < times; i++) {
      int sum = b.floats("sum" + i, 1, SIZE);
      int tanh = b.floats("tanh" + i, 1, SIZE);
      int[] in = {value, weights, bias};
      value = b.floats("y" + i, 1, SIZE);
      b.operator("FULLY_CONNECTED", options("FullyConnectedOptions"), in, sum)
          .operator("TANH", new int[] {sum}, tanh)
          .operator("MUL", options("MulOptions"), new int[] {tanh, two}, value);
    }
    Model unrolled = b.inputs(x).outputs(value).build();
    Calibration truth = calibrate(unrolled, 1);
    Calibration seen = calibrate(model, 1);
    for (String name : List.of("sum", "tanh", "y")) {
      FloatRange all = FloatRange.EMPTY;
      for (int i = 0; i < times; i++) {
        all = all.merge(range(truth, unrolled, 0, name + i));
      }
      assertSame(range(seen, model, 2, name), all);
    }
    FloatRange given = range(truth, unrolled, 0, "x");
    for (int i = 0; i < times - 1; i++) {
      given = given.merge(range(truth, unrolled, 0, "y" + i));
    }
    assertSame(range(seen, model, 2, "x"), given);
    // The condition is also asked after the last step.
    assertSame(
        range(seen, model, 1, "unused"), given.merge(range(truth, unrolled, 0, "y" + (times - 1))));
  }

  @Test
  void whatIsSeenDoesNotDependOnThreads() throws IOException {
    Path one = folder.resolve("one.json");
    Path three = folder.resolve("three.json");
    calibrate(looping(3), 1).write(one);
    calibrate(looping(3), 3).write(three);
    assertThat(one).hasSameBinaryContentAs(three);
    assertThat(Files.readString(one)).contains("\"subgraph\":2");
  }

  @Test
  void bodyOfALoopComputesInIntegers() {
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(looping(5), recipe);
      assertInteger(plan, 2, "FULLY_CONNECTED", "TANH", "MUL");
      assertClose(looping(5), plan, recipe.equals(Recipe.int8()) ? 20 : 35);
    }
  }

  /** What calls a body computes nothing by itself: float32 is what an operator of the body is. */
  @Test
  void strictLooksAtTheBodiesInPlaceOfTheirCallers() {
    for (Recipe recipe : RECIPES) {
      for (Model model : List.of(looping(5), branching(-1))) {
        Plan plan = plan(model, recipe.withStrict());
        assertThat(plan.operators()).noneMatch(o -> o.precision().computesFloat());
        assertThat(plan.operators()).anyMatch(o -> o.precision() == Precision.CALL);
        assertThat(plan.warnings())
            .noneMatch(w -> w.text().contains("WHILE") || w.text().contains("IF"));
      }
      assertThatThrownBy(() -> plan(looping(0), recipe.withStrict()))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("FULLY_CONNECTED (operator 1 of subgraph 2)")
          .hasMessageNotContaining("WHILE");
    }
  }

  @Test
  void loopThatNeverRunsStaysFloat() {
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(looping(0), recipe);
      assertFloat(plan, 2, "no sample of the calibration ran `subgraph2`");
    }
  }

  @Test
  void branchesThatAreTakenComputeInIntegers() {
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(branching(-1), recipe);
      assertInteger(plan, 1, "FULLY_CONNECTED", "TANH", "MUL");
      assertInteger(plan, 2, "FULLY_CONNECTED", "TANH", "MUL");
      assertClose(branching(-1), plan, 20);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 2", "0, 2, 1"})
  void branchThatIsNeverTakenStaysFloat(int choice, int taken, int other) {
    Plan plan = plan(branching(choice), Recipe.int8());
    assertInteger(plan, taken, "FULLY_CONNECTED");
    assertFloat(plan, other, "no sample of the calibration ran `subgraph" + other + "`");
    assertClose(branching(choice), plan, 20);
  }

  /** Main calls 1 and 2, of which 2 calls 3 and 4. */
  @Test
  void loopInALoopComputesInIntegers() {
    Body body = Body.of(6, 3);
    body.giving(compute(body.b, loop(body.b, 3, body.given)));
    Model model = step(below(body.b, 2)).build();
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(model, recipe);
      assertInteger(plan, 2, "FULLY_CONNECTED", "TANH", "MUL");
      assertInteger(plan, 4, "FULLY_CONNECTED", "TANH", "MUL");
      assertClose(model, plan, recipe.equals(Recipe.int8()) ? 20 : 35);
    }
  }

  @Test
  void bodyThatTwoLoopsShareIsSeenInBoth() {
    ModelBuilder b = new ModelBuilder(7);
    int x = b.floats("x", 1, SIZE);
    int first = loop(b, 1, x);
    int larger = b.floats("larger", 1, SIZE);
    b.operator(
        "MUL",
        options("MulOptions"),
        new int[] {first, b.constant("nine", new float[] {9})},
        larger);
    b.inputs(x).outputs(loop(b, 1, larger));
    Model model = step(below(b, 2)).build();
    Calibration seen = calibrate(model, 1);
    FloatRange given = range(seen, model, 2, "x");
    assertSame(
        given,
        range(seen, model, 0, "x")
            .merge(range(seen, model, 0, "larger"))
            .merge(range(seen, model, 2, "y")));
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(model, recipe);
      assertInteger(plan, 2, "FULLY_CONNECTED");
      assertClose(model, plan, recipe.equals(Recipe.int8()) ? 20 : 35);
    }
  }

  /** The state is longer by a row after each step. */
  @Test
  void stateThatGrowsIsFollowed() {
    ModelBuilder b = new ModelBuilder(8);
    int x = b.floats("x", 1, SIZE);
    int[] out = {b.tensor("count", TensorType.INT32), b.floats("rows", 1, SIZE)};
    b.operator("WHILE", loop(1), new int[] {scalar(b, 0), x}, out).inputs(x).outputs(out[1]);
    Body body = Body.of(below(b, 4), "rows");
    int row = b.floats("row", 1, SIZE);
    int axis = b.constant("axis", new int[] {0}, 1);
    b.operator(
        "MEAN", options("ReducerOptions").with("keep_dims", 1), new int[] {body.given, axis}, row);
    int computed = compute(b, row);
    int more = b.floats("more", 1, SIZE);
    int[] both = {body.given, computed};
    b.operator("CONCATENATION", options("ConcatenationOptions"), both, more);
    Model model = body.giving(more).build();
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(model, recipe);
      assertInteger(plan, 2, "FULLY_CONNECTED", "TANH", "MUL");
      assertClose(model, plan, recipe.equals(Recipe.int8()) ? 20 : 35);
    }
  }

  @Test
  void bodyThatDependsOnChanceIsNotRunApart() {
    Body body = Body.of(9, 2);
    ModelBuilder b = body.b;
    int random = b.floats("random", 1, SIZE);
    int sum = b.floats("noisy", 1, SIZE);
    b.operator(
            "RANDOM_UNIFORM",
            options("RandomOptions"),
            new int[] {b.constant("shape", new int[] {1, SIZE}, 2)},
            random)
        .operator("ADD", options("AddOptions"), new int[] {body.given, random}, sum);
    Model model = body.giving(compute(b, sum)).build();
    Plan plan = plan(model, Recipe.int8());
    assertFloat(plan, 2, "RANDOM_UNIFORM in it depends on what ran before");
  }

  /** State goes on from step to step: an SVDF that sees each of its last steps. */
  @Test
  void stateInABodyGoesOnFromStepToStep() {
    Body body = Body.of(10, 5);
    ModelBuilder b = body.b;
    int features = b.weights("features", SIZE, SIZE);
    int time = b.constant("time", ones(SIZE * 3), SIZE, 3);
    int state = b.variable("state", 1, SIZE * 3);
    int y = b.floats("y", 1, SIZE);
    Table svdf = options("SVDFOptions").with("rank", 1);
    b.operator("SVDF", svdf, new int[] {body.given, features, time, -1, state}, y);
    int sum = b.floats("sum", 1, SIZE);
    b.operator("ADD", options("AddOptions"), new int[] {y, body.given}, sum);
    Model model = body.giving(sum).build();
    Calibration seen = calibrate(model, 2);
    // What the body gives last is what the loop gives, so that a state lost on the way would show.
    FloatRange last = range(seen, model, 0, "looped");
    FloatRange all = range(seen, model, 1, "unused");
    assertThat(all.max()).isGreaterThanOrEqualTo(last.max() - 1e-5f);
    assertThat(all.min()).isLessThanOrEqualTo(last.min() + 1e-5f);
    assertSame(all, range(seen, model, 0, "x").merge(range(seen, model, 2, "sum")));
    assertThat(operators(plan(model, Recipe.int8()), 2, "ADD"))
        .anyMatch(o -> o.precision() == Precision.INTEGER);
  }

  /** An LSTM that takes one step each time that the body runs, with its states in the body. */
  @Test
  void lstmInABodyComputesInIntegers() {
    Body body = Body.of(11, 4);
    ModelBuilder b = body.b;
    int[] in = new int[24];
    Arrays.fill(in, -1);
    in[0] = b.floats("step", 1, 1, SIZE);
    for (int gate = 0; gate < 4; gate++) {
      in[1 + gate] = b.weights("input" + gate, SIZE, SIZE);
      in[5 + gate] = b.weights("recurrent" + gate, SIZE, SIZE);
      in[12 + gate] = b.weights("gate" + gate, SIZE);
    }
    in[18] = b.variable("output state", 1, SIZE);
    in[19] = b.variable("cell state", 1, SIZE);
    int sequence = b.floats("sequence", 1, 1, SIZE);
    int y = b.floats("y", 1, SIZE);
    Table lstm = options("UnidirectionalSequenceLSTMOptions").with("fused_activation_function", 4);
    int[] one = {body.given, b.constant("one", new int[] {1, 1, SIZE}, 3)};
    int[] row = {sequence, b.constant("row", new int[] {1, SIZE}, 2)};
    b.operator("RESHAPE", one, in[0])
        .operator("UNIDIRECTIONAL_SEQUENCE_LSTM", lstm, in, sequence)
        .operator("RESHAPE", row, y);
    Model model = body.giving(y).build();
    Plan plan = plan(model, Recipe.int8());
    assertInteger(plan, 2, "UNIDIRECTIONAL_SEQUENCE_LSTM");
    assertClose(model, plan, 25);
    Calibration seen = calibrate(model, 1);
    assertThat(range(seen, model, 2, "cell state").isEmpty()).isFalse();
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  @Test
  void integersAtTheBoundaryOfTheModelAreNotThoseOfABody() {
    Recipe recipe = Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8);
    Plan plan = plan(looping(4), recipe);
    Subgraph body = Rewriter.rewrite(plan).subgraphs().get(2);
    assertThat(Arrays.stream(body.inputs()).mapToObj(t -> body.tensor(t).type()))
        .containsExactly(TensorType.INT32, TensorType.FLOAT32);
    assertClose(looping(4), plan, 20);
  }

  @Test
  void valuesThatAreNotFiniteInABodyAreNamed() {
    Body body = Body.of(11, 3);
    ModelBuilder b = body.b;
    int huge = b.floats("logarithm", 1, SIZE);
    int small = b.floats("small", 1, SIZE);
    b.operator("LOG", new int[] {body.given}, huge) // which nothing reads
        .operator("TANH", new int[] {body.given}, small);
    Model model = body.giving(small).build();
    assertThatThrownBy(() -> calibrate(model, 1))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("sample 0: tensor `logarithm` of LOG (operator 1)");
  }

  @ParameterizedTest
  @CsvSource({
    "gen_gru_kws_while, 2, 30, 55",
    "gen_bilstm_kws, 2, 30, 50",
    "gen_while_if_multisig, 3, 25, 45"
  })
  void bodiesOfConvertedModelsComputeInIntegers(String name, int body, double narrow, double wide) {
    Model model = Model.read(Shared.file("models/zoo/" + name + ".tflite"));
    for (Recipe recipe : RECIPES) {
      Plan plan = plan(model, recipe);
      assertThat(plan.operators())
          .filteredOn(o -> o.subgraph() == body && o.precision() == Precision.INTEGER)
          .isNotEmpty();
      assertClose(model, plan, recipe.equals(Recipe.int8()) ? narrow : wide);
    }
  }
}
