package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BiasCorrectorTest {
  private static final int FEATURES = 40;
  private static final int SAMPLES = 64;
  private static final Recipe COARSE = Recipe.weightOnly(4);

  @TempDir private Path folder;

  /** Two products, the second without a bias, the first with RELU; then what does not add up. */
  private static Model model(boolean withVariable) {
    ModelBuilder b = new ModelBuilder(3);
    Table options = Table.of("FullyConnectedOptions");
    int x = b.floats("x", 1, FEATURES);
    int hidden = b.floats("hidden", 1, 24);
    int y = b.floats("y", 1, 16);
    int bias = b.weights("bias", 24);
    b.operator(
            "FULLY_CONNECTED",
            options.with("fused_activation_function", 1),
            new int[] {x, b.weights("v", 24, FEATURES), bias},
            hidden)
        .operator("FULLY_CONNECTED", options, new int[] {hidden, b.weights("w", 16, 24), -1}, y)
        .inputs(x)
        .outputs(y);
    if (withVariable) {
      int handle = b.tensor("handle", TensorType.RESOURCE, 1);
      b.operator(
              "VAR_HANDLE",
              Table.of("VarHandleOptions").with("shared_name", "v"),
              new int[0],
              handle)
          .operator("ASSIGN_VARIABLE", new int[] {handle, y});
    }
    return b.build();
  }

  private static List<float[]> samples() {
    return samples(5);
  }

  private static List<float[]> samples(long seed) {
    Random random = new Random(seed);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      float[] values = new float[FEATURES];
      for (int k = 0; k < FEATURES; k++) {
        values[k] = random.nextFloat() * (k % 3);
      }
      samples.add(values);
    }
    return samples;
  }

  private Dataset data(List<float[]> samples) {
    ByteBuffer bytes =
        ByteBuffer.allocate(samples.size() * FEATURES * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    samples.forEach(sample -> IntStream.range(0, FEATURES).forEach(k -> bytes.putFloat(sample[k])));
    Path file = folder.resolve("samples.raw");
    try {
      Files.write(file, bytes.array());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Dataset.open("raw:" + file);
  }

  private static List<float[]> outputs(Model model, List<float[]> samples) {
    List<float[]> outputs = new ArrayList<>();
    try (Interpreter interpreter =
        Interpreter.open(model.bytes(), "model", Interpreter.Options.DEFAULT)) {
      for (float[] sample : samples) {
        interpreter.write(0, FloatBuffer.wrap(sample));
        interpreter.run();
        outputs.add(interpreter.read(0));
      }
    }
    return outputs;
  }

  /** Means of the outputs over all samples. */
  private static double[] means(Model model, List<float[]> samples) {
    double[] means = new double[16];
    for (float[] y : outputs(model, samples)) {
      for (int c = 0; c < means.length; c++) {
        means[c] += y[c] / (double) samples.size();
      }
    }
    return means;
  }

  private static double furthest(double[] x, double[] y) {
    return IntStream.range(0, x.length).mapToDouble(i -> Math.abs(x[i] - y[i])).max().orElseThrow();
  }

  @Test
  void theMeansBecomeThoseOfTheFloatModel() {
    Model model = model(false);
    Plan plan = Planner.plan(model, COARSE);
    double[] wanted = means(model, samples());
    double[] uncorrected = means(Rewriter.rewrite(plan), samples());
    Plan corrected = BiasCorrector.correct(plan, data(samples()));
    double before = furthest(wanted, uncorrected);
    assertThat(before).isGreaterThan(.01);
    assertThat(furthest(wanted, means(Rewriter.rewrite(corrected), samples())))
        .isLessThan(before / 10);
  }

  /** One sample, or the same one again and again, tells nothing of chance. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7})
  void whatOneSampleShowsIsTakenBackWhole(int times) {
    for (Model model : List.of(model(false), residual())) {
      List<float[]> samples = Collections.nCopies(times, samples().get(0));
      Plan corrected = BiasCorrector.correct(Planner.plan(model, COARSE), data(samples));
      assertThat(furthest(means(model, samples), means(Rewriter.rewrite(corrected), samples)))
          .isLessThan(1e-5);
    }
  }

  /** A product behind RELU, beside what it is computed from: y = h + w h. */
  private static Model residual() {
    ModelBuilder b = new ModelBuilder(3);
    Table options = Table.of("FullyConnectedOptions");
    int x = b.floats("x", 1, FEATURES);
    int hidden = b.floats("hidden", 1, 16);
    int product = b.floats("product", 1, 16);
    int y = b.floats("y", 1, 16);
    return b.operator(
            "FULLY_CONNECTED",
            options.with("fused_activation_function", 1),
            new int[] {x, b.weights("v", 16, FEATURES), b.weights("bias", 16)},
            hidden)
        .operator(
            "FULLY_CONNECTED", options, new int[] {hidden, b.weights("w", 16, 16), -1}, product)
        .operator("ADD", Table.of("AddOptions"), new int[] {product, hidden}, y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  @Test
  void whatASkipConnectionBringsAlongIsTakenBackAsWell() {
    Model model = residual();
    Plan plan = Planner.plan(model, COARSE);
    double[] wanted = means(model, samples());
    double before = furthest(wanted, means(Rewriter.rewrite(plan), samples()));
    Plan corrected = BiasCorrector.correct(plan, data(samples()));
    assertThat(furthest(wanted, means(Rewriter.rewrite(corrected), samples())))
        .isLessThan(before / 10);
  }

  @Test
  void weightsStayAndOperatorsWithoutBiasGetOne() {
    Model model = model(false);
    Plan plan = Planner.plan(model, COARSE);
    Model corrected = BiasCorrector.correct(plan, data(samples())).model();
    Subgraph before = model.subgraphs().get(0);
    Subgraph after = corrected.subgraphs().get(0);
    for (int i = 0; i < 2; i++) {
      Operator was = before.operators().get(i);
      Operator is = after.operators().get(i);
      assertThat(corrected.contents(after.tensor(is.input(1))))
          .isEqualTo(model.contents(before.tensor(was.input(1))));
      assertThat(after.tensor(is.input(2)).elements()).isEqualTo(i == 0 ? 24 : 16);
    }
    assertThat(after.tensors()).hasSize(before.tensors().size() + 1);
  }

  @Test
  void whatCannotBeWalkedIsCorrectedOperatorByOperator() {
    Model model = model(true);
    Plan plan = Planner.plan(model, COARSE);
    assertThat(StepwiseRun.possible(model)).isFalse();
    double[] wanted = means(model, samples());
    double[] uncorrected = means(Rewriter.rewrite(plan), samples());
    Plan corrected = BiasCorrector.correct(plan, data(samples()));
    double[] now = means(Rewriter.rewrite(corrected), samples());
    assertThat(furthest(wanted, now)).isLessThan(furthest(wanted, uncorrected) / 3);
  }

  @Test
  void theOrderOfTheSamplesMakesNoDifference() throws IOException {
    Plan plan = Planner.plan(model(false), COARSE);
    List<float[]> samples = samples();
    Path once = folder.resolve("once.tflite");
    Rewriter.rewrite(BiasCorrector.correct(plan, data(samples))).write(once);
    Collections.shuffle(samples, new Random(1));
    Path again = folder.resolve("again.tflite");
    Rewriter.rewrite(BiasCorrector.correct(plan, data(samples))).write(again);
    assertThat(Files.mismatch(once, again)).isEqualTo(-1);
  }

  @Test
  void ofTooManySamplesTheSameAreTakenInAnyOrder() {
    Model model = model(false);
    List<float[]> samples = samples();
    Samples some = read(model, data(samples));
    Collections.shuffle(samples, new Random(1));
    Samples same = read(model, data(samples));
    assertThat(some.contents(0)).hasSize(10).containsExactlyInAnyOrderElementsOf(same.contents(0));
  }

  private static Samples read(Model model, Dataset data) {
    return Samples.read(model, inputs -> Optional.of(data), 10).orElseThrow();
  }

  static Stream<Recipe> recipes() {
    return Stream.of(
        Recipe.dynamic().withMinimumElements(0),
        Recipe.dynamic().withMinimumElements(0).withBits(4),
        Recipe.weightOnly(8),
        Recipe.weightOnly(4),
        Recipe.int8(),
        Recipe.int8().withBits(4),
        Recipe.int8().withBoundary(TensorType.FLOAT32, TensorType.INT8),
        Recipe.int16x8());
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void samplesNotSeenComeNearerToTheFloatModel(Recipe recipe) {
    Model model = model(false);
    Path file = folder.resolve("float.tflite");
    model.write(file);
    Dataset data = data(samples(5));
    Calibration calibration =
        Calibrator.calibrate(Model.read(file), data, Calibrator.Options.DEFAULT);
    Plan plan = Planner.plan(model, recipe, calibration);
    List<float[]> others = samples(6);
    double before = noise(model, Rewriter.rewrite(plan), others);
    double after = noise(model, Rewriter.rewrite(BiasCorrector.correct(plan, data)), others);
    assertThat(after).isLessThan(.95 * before);
  }

  /** Sum of the squared differences of the outputs. */
  private static double noise(Model model, Model quantized, List<float[]> samples) {
    double noise = 0;
    List<float[]> wanted = outputs(model, samples);
    List<float[]> found = outputs(quantized, samples);
    for (int i = 0; i < wanted.size(); i++) {
      for (int c = 0; c < wanted.get(i).length; c++) {
        noise += Math.pow((double) wanted.get(i)[c] - found.get(i)[c], 2);
      }
    }
    return noise;
  }

  @ParameterizedTest
  @CsvSource({
    "2, .5, 1.5",
    "2, NaN, 2",
    "2, Infinity, 2",
    "2, -Infinity, 2",
    "2, 1e30, 2",
    "1e30, .5, 1e30",
  })
  void shiftsThatOverflowedAreLeft(float bias, double shift, float corrected) {
    assertThat(BiasCorrector.corrected(bias, shift)).isEqualTo(corrected);
  }

  @Test
  void nothingToCorrectIsThePlanItself() {
    Plan halves = Planner.plan(model(false), Recipe.float16());
    Plan untouched = Planner.plan(model(false), Recipe.dynamic().withMinimumElements(100_000));
    assertThat(BiasCorrector.correct(untouched, data(samples()))).isSameAs(untouched);
    assertThat(BiasCorrector.correct(halves, data(samples()))).isSameAs(halves);
  }

  @Test
  void dataThatDoNotFitAreNamed() {
    Plan plan = Planner.plan(model(false), COARSE);
    Dataset digits = Dataset.open(Examples.DIGITS_TEST.toString());
    assertThatThrownBy(() -> BiasCorrector.correct(plan, digits))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("input `x`");
  }
}
