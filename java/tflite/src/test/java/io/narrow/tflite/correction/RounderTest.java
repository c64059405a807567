package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
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
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RounderTest {
  private static final int SIDE = 8;
  private static final int VALUES = SIDE * SIDE * 3;
  private static final int SAMPLES = 24;
  private static final Rounder.Options TOGETHER =
      new Rounder.Options(Rounding.SECOND_ORDER, true, Progress.NONE);

  @TempDir private Path folder;

  /** A convolution, one of each channel, a transposed one, and a product over all of it. */
  private static Model model() {
    ModelBuilder b = new ModelBuilder(3);
    Table conv = Table.of("Conv2DOptions").with("stride_h", 1).with("stride_w", 1);
    Table depthwise =
        Table.of("DepthwiseConv2DOptions")
            .with("stride_h", 2)
            .with("stride_w", 2)
            .with("depth_multiplier", 1)
            .with("fused_activation_function", 1);
    Table transposed = Table.of("TransposeConvOptions").with("stride_h", 2).with("stride_w", 2);
    int x = b.floats("x", 1, SIDE, SIDE, 3);
    int first = b.floats("first", 1, SIDE, SIDE, 12);
    int second = b.floats("second", 1, SIDE / 2, SIDE / 2, 12);
    int third = b.floats("third", 1, SIDE, SIDE, 4);
    int y = b.floats("y", 1, 10);
    int[] size = {1, SIDE, SIDE, 4};
    return b.operator(
            "CONV_2D",
            conv.with("fused_activation_function", 1),
            new int[] {x, b.weights("a", 12, 3, 3, 3), b.weights("bias", 12)},
            first)
        .operator(
            "DEPTHWISE_CONV_2D",
            depthwise,
            new int[] {first, b.weights("b", 1, 3, 3, 12), b.weights("bias2", 12)},
            second)
        .operator(
            "TRANSPOSE_CONV",
            transposed,
            new int[] {b.constant("size", size, 4), b.weights("c", 4, 3, 3, 12), second},
            third)
        .operator(
            "FULLY_CONNECTED",
            Table.of("FullyConnectedOptions"),
            new int[] {third, b.weights("d", 10, SIDE * SIDE * 4), -1},
            y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  @Test
  void blocksAreRoundedTogetherToo() {
    Model model = model();
    Datasets data = data(samples(1));
    Recipe perChannel = Recipe.dynamic().withBits(4).withMinimumElements(0);
    Recipe recipe = perChannel.withBlock(64);
    Plan nearest = Planner.plan(model, recipe);
    Plan plan = Rounder.round(nearest, data, TOGETHER);
    assertThat(plan.tensors())
        .filteredOn(tensor -> tensor.name().equals("d"))
        .allMatch(tensor -> tensor.codes().isPresent() && tensor.encoding().block() == 64)
        .extracting(tensor -> tensor.reason().text())
        .allMatch(text -> text.contains("rounded together"));
    Quantizer together = Quantizer.DEFAULT.withData(data).withRounding(Rounding.SECOND_ORDER);
    List<float[]> held = samples(2);
    double noise = noise(model, together.quantize(model, recipe), held);
    assertThat(noise)
        .isLessThan(
            noise(model, together.withRounding(Rounding.NEAREST).quantize(model, recipe), held) / 2)
        .isLessThan(1.05 * noise(model, together.quantize(model, perChannel), held));
  }

  /** Pictures of a kind: values depend on their neighbours. */
  private static List<float[]> samples(long seed) {
    Random random = new Random(seed);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      double[] waves = random.doubles(12, 0, 2).toArray();
      float[] values = new float[VALUES];
      for (int k = 0; k < VALUES; k++) {
        int at = k / 3;
        double angle = waves[k % 3] * (at % SIDE) + waves[3 + k % 3] * (at / SIDE) + waves[6];
        values[k] = (float) (waves[7] * Math.sin(angle) + .1 * random.nextGaussian());
      }
      samples.add(values);
    }
    return samples;
  }

  private Datasets data(List<float[]> samples) {
    ByteBuffer bytes =
        ByteBuffer.allocate(samples.size() * VALUES * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    samples.forEach(
        sample -> {
          for (float value : sample) {
            bytes.putFloat(value);
          }
        });
    Path file = folder.resolve("samples.raw");
    try {
      Files.write(file, bytes.array());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Datasets.of(Dataset.open("raw:" + file));
  }

  private static double noise(Model model, Model quantized, List<float[]> samples) {
    double noise = 0;
    try (Interpreter exact = Interpreter.open(model.bytes(), "float", Interpreter.Options.DEFAULT);
        Interpreter rounded =
            Interpreter.open(quantized.bytes(), "quantized", Interpreter.Options.DEFAULT)) {
      for (float[] sample : samples) {
        exact.write(0, FloatBuffer.wrap(sample));
        rounded.write(0, FloatBuffer.wrap(sample));
        exact.run();
        rounded.run();
        float[] wanted = exact.read(0);
        float[] found = rounded.read(0);
        for (int i = 0; i < wanted.length; i++) {
          noise += Math.pow((double) wanted[i] - found[i], 2);
        }
      }
    }
    return noise;
  }

  /** Recipes, and what part of the noise is left at most. */
  static Stream<Arguments> recipes() {
    return Stream.of(
        Arguments.of(Recipe.weightOnly(8), .85),
        Arguments.of(Recipe.weightOnly(4), .6),
        Arguments.of(Recipe.dynamic().withMinimumElements(0), .95),
        Arguments.of(Recipe.dynamic().withMinimumElements(0).withBits(4), .6),
        Arguments.of(Recipe.int16x8(), .95),
        Arguments.of(Recipe.int8(), 1.2), // of activations, nearly all of it
        Arguments.of(Recipe.int8().withBits(4), .8));
  }

  /** Other samples, all within the range of those that were seen. */
  private static List<float[]> others() {
    List<float[]> others = samples(6);
    for (float[] values : others) {
      for (int i = 0; i < values.length; i++) {
        values[i] /= 2;
      }
    }
    return others;
  }

  private Quantizer.Prepared prepared(Rounding rounding) {
    Path file = folder.resolve("float.tflite");
    model().write(file);
    return Quantizer.DEFAULT
        .withData(data(samples(5)))
        .withRounding(rounding)
        .prepare(Model.read(file));
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void samplesNotSeenComeNearerToTheFloatModel(Recipe recipe, double part) {
    Plan nearest = prepared(Rounding.NEAREST).plan(recipe);
    Plan together = prepared(Rounding.SECOND_ORDER).plan(recipe);
    assertThat(together.rounding().code()).isEqualTo(Reason.Code.SECOND_ORDER);
    assertThat(together.tensors().stream().filter(t -> t.codes().isPresent())).hasSize(4);
    double before = noise(model(), Rewriter.rewrite(nearest), others());
    double after = noise(model(), Rewriter.rewrite(together), others());
    assertThat(after).isLessThan(part * before);
  }

  @Test
  void itIsGoodWithoutBiasesToo() {
    Plan plan = Planner.plan(model(), Recipe.weightOnly(4));
    List<float[]> others = others();
    Plan together =
        Rounder.round(
            plan,
            data(samples(5)),
            new Rounder.Options(Rounding.SECOND_ORDER, false, Progress.NONE));
    assertThat(noise(model(), Rewriter.rewrite(together), others))
        .isLessThan(.6 * noise(model(), Rewriter.rewrite(plan), others));
  }

  @Test
  void sameBytesInAnyOrderAndWithAnyNumberOfThreads() throws Exception {
    Plan plan = Planner.plan(model(), Recipe.weightOnly(4));
    List<float[]> samples = samples(5);
    Path once = folder.resolve("once.tflite");
    Rewriter.rewrite(Rounder.round(plan, data(samples), TOGETHER)).write(once);
    Collections.shuffle(samples, new Random(1));
    for (int threads : new int[] {1, 3}) {
      ForkJoinPool pool = new ForkJoinPool(threads);
      Path again = folder.resolve("again" + threads + ".tflite");
      pool.submit(() -> Rewriter.rewrite(Rounder.round(plan, data(samples), TOGETHER)).write(again))
          .get();
      pool.shutdown();
      assertThat(Files.mismatch(once, again)).isEqualTo(-1);
    }
  }

  @Test
  void weightsThatTwoOperatorsReadStayTheNearest() {
    ModelBuilder b = new ModelBuilder(3);
    Table options = Table.of("FullyConnectedOptions");
    int x = b.floats("x", 1, 20);
    int hidden = b.floats("hidden", 1, 20);
    int z = b.floats("z", 1, 20);
    int w = b.weights("w", 20, 20);
    Model model =
        b.operator("FULLY_CONNECTED", options, new int[] {x, w, -1}, hidden)
            .operator("FULLY_CONNECTED", options, new int[] {hidden, w, -1}, z)
            .inputs(x)
            .outputs(z)
            .build();
    Plan plan = Planner.plan(model, Recipe.weightOnly(8));
    Plan rounded = Rounder.round(plan, Datasets.of(Dataset.open("random:16")), TOGETHER);
    assertThat(rounded.tensors()).allMatch(tensor -> tensor.codes().isEmpty());
    assertThat(rounded.rounding()).isEqualTo(Reason.NONE);
  }

  @Test
  void whereNoSampleCanBeHeldOutTheNearestCodesStayAndItIsSaid() {
    ModelBuilder b = new ModelBuilder(3);
    Table options = Table.of("FullyConnectedOptions");
    int x = b.floats("x", 1, 200);
    int y = b.floats("y", 1, 60);
    Model model =
        b.operator("FULLY_CONNECTED", options, new int[] {x, b.weights("w", 60, 200), -1}, y)
            .inputs(x)
            .outputs(y)
            .build();
    Plan plan = Planner.plan(model, Recipe.weightOnly(8));
    Plan rounded = Rounder.round(plan, Datasets.of(Dataset.open("random:1")), TOGETHER);
    assertThat(rounded.tensors()).allMatch(tensor -> tensor.codes().isEmpty());
    assertThat(rounded.rounding().code()).isEqualTo(Reason.Code.NEAREST);
    assertThat(rounded.rounding().text()).contains("held out");
  }

  @Test
  void aModelWithStateIsRoundedToTheNearestAndSaysWhy() {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 1, 20);
    int y = b.floats("y", 1, 20);
    int handle = b.tensor("handle", TensorType.RESOURCE, 1);
    Model model =
        b.operator(
                "FULLY_CONNECTED",
                Table.of("FullyConnectedOptions"),
                new int[] {x, b.weights("w", 20, 20), -1},
                y)
            .operator(
                "VAR_HANDLE",
                Table.of("VarHandleOptions").with("shared_name", "v"),
                new int[0],
                handle)
            .operator("ASSIGN_VARIABLE", new int[] {handle, y})
            .inputs(x)
            .outputs(y)
            .build();
    Plan plan = Planner.plan(model, Recipe.weightOnly(8));
    Plan rounded = Rounder.round(plan, Datasets.of(Dataset.open("random:16")), TOGETHER);
    assertThat(rounded.rounding().code()).isEqualTo(Reason.Code.NEAREST);
    assertThat(rounded.rounding().text()).contains("keeps state");
  }

  @Test
  void dataThatDoNotFitAreNamed() {
    Plan plan = Planner.plan(model(), Recipe.weightOnly(8));
    Datasets digits = Datasets.of(Dataset.open(Examples.DIGITS_TEST.toString()));
    assertThatThrownBy(() -> Rounder.round(plan, digits, TOGETHER))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("input `x`");
  }

  @Test
  void unknownNamesAreRefused() {
    assertThat(Rounding.parse("second-order")).isEqualTo(Rounding.SECOND_ORDER);
    assertThatThrownBy(() -> Rounding.parse("third-order"))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("auto or nearest or second-order");
  }
}
