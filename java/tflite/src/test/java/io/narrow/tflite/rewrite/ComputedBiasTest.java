package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Biases that the file does not hold as float32 constants, beside weights of every kind. */
class ComputedBiasTest {
  private enum Bias {
    HALF,
    INT8,
    GIVEN
  }

  private static final Recipe DYNAMIC = Recipe.dynamic().withMinimumElements(0);
  private static final RecipeRule NAMED =
      new RecipeRule(
          RecipeRule.ANYWHERE,
          "CONV_2D",
          OperatorConfiguration.of(Mode.DYNAMIC).withMinimumElements(0));
  private static final List<Recipe> RECIPES =
      List.of(
          DYNAMIC,
          DYNAMIC.withPreference(Preference.SIZE),
          DYNAMIC.withBits(4),
          DYNAMIC.withBits(4).withPreference(Preference.SPEED),
          DYNAMIC.with(List.of(NAMED)),
          Recipe.weightOnly(8),
          Recipe.weightOnly(4),
          Recipe.float16(),
          Recipe.int8(),
          Recipe.int8().withBits(4),
          Recipe.int16x8());

  @TempDir Path folder;

  static Stream<Arguments> cases() {
    return Stream.of("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
        .flatMap(name -> Arrays.stream(Bias.values()).map(bias -> Arguments.of(name, bias)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void loadsAndComputesWithXnnpackAndWithout(String operator, Bias kind) {
    Model model = model(operator, kind);
    Path before = folder.resolve("float.tflite");
    model.write(before);
    MeasuredRanges ranges = MeasuredRanges.ofRandomRuns(before);
    for (Recipe recipe : RECIPES) {
      Plan plan = Planner.plan(model, recipe, ranges);
      assertThat(plan.changesAnything()).as("%s", recipe).isTrue();
      compare(before, plan);
    }
  }

  private void compare(Path before, Plan plan) {
    Path after = folder.resolve("quantized.tflite");
    Rewriter.rewrite(plan).write(after);
    boolean four = plan.tensors().stream().anyMatch(tensor -> tensor.type() == TensorType.INT4);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
          .as("%s, XNNPACK %s", plan.recipe(), xnnpack)
          .isGreaterThan(four ? 10 : 25);
    }
  }

  private static Model model(String operator, Bias kind) {
    ModelBuilder b = new ModelBuilder(5);
    List<Integer> inputs = new ArrayList<>();
    Table strides = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    int y;
    switch (operator) {
      case "CONV_2D" -> {
        int[] in = {b.floats("x", 1, 9, 9, 8), b.weights("w", 12, 3, 3, 8), 0};
        in[2] = bias(b, kind, 12, inputs);
        y = b.floats("y", 1, 9, 9, 12);
        b.operator(operator, strides, in, y);
      }
      case "DEPTHWISE_CONV_2D" -> {
        int[] in = {b.floats("x", 1, 9, 9, 40), b.weights("w", 1, 3, 3, 40), 0};
        in[2] = bias(b, kind, 40, inputs);
        y = b.floats("y", 1, 9, 9, 40);
        Table options =
            Table.of("DepthwiseConv2DOptions")
                .with("stride_w", 1)
                .with("stride_h", 1)
                .with("depth_multiplier", 1);
        b.operator(operator, options, in, y);
      }
      case "FULLY_CONNECTED" -> {
        int[] in = {b.floats("x", 3, 48), b.weights("w", 20, 48), 0};
        in[2] = bias(b, kind, 20, inputs);
        y = b.floats("y", 3, 20);
        b.operator(operator, Table.of("FullyConnectedOptions"), in, y);
      }
      default -> {
        int x = b.floats("x", 1, 5, 5, 8);
        int shape = b.constant("shape", new int[] {1, 10, 10, 6}, 4);
        int[] in = {shape, b.weights("w", 6, 3, 3, 8), x, 0};
        in[3] = bias(b, kind, 6, inputs);
        y = b.floats("y", 1, 10, 10, 6);
        Table options = Table.of("TransposeConvOptions").with("stride_w", 2).with("stride_h", 2);
        b.operator(operator, options, in, y);
      }
    }
    inputs.add(0, 0); // x is the first tensor of all
    return b.inputs(inputs.stream().mapToInt(Integer::intValue).toArray()).outputs(y).build();
  }

  /** Adds what computes a bias, and what is given for it to the inputs. */
  private static int bias(ModelBuilder b, Bias kind, int size, List<Integer> inputs) {
    int bias = b.floats("bias", size);
    if (kind == Bias.GIVEN) {
      int given = b.floats("given", size);
      inputs.add(given);
      b.operator("ABS", new int[] {given}, bias);
      return bias;
    }
    boolean half = kind == Bias.HALF;
    ByteBuffer stored =
        ByteBuffer.allocateDirect(half ? 2 * size : size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < size; i++) {
      if (half) {
        stored.putShort((short) (0x2E00 + 8 * i)); // from 0.094 on
      } else {
        stored.put((byte) (3 * i - 30));
      }
    }
    Tensor tensor = Tensor.of("stored", TensorType.FLOAT16, new int[] {size});
    if (!half) {
      tensor = tensor.quantized(TensorType.INT8, new float[] {.01f}, new long[] {0}, 0);
    }
    int constant = b.constant(tensor, stored.flip());
    b.operator("DEQUANTIZE", new int[] {constant}, bias);
    return bias;
  }

  /** Two convolutions of the same shapes share a bias, and one of them is to store float16. */
  @Test
  void biasThatOneOperatorWantsHalfAndAnotherBesideIntegerWeights() {
    for (boolean halfFirst : List.of(true, false)) {
      ModelBuilder b = new ModelBuilder(5);
      int x = b.floats("x", 1, 9, 9, 8);
      int bias = b.weights("bias", 400);
      int[] out = new int[2];
      for (int i = 0; i < 2; i++) {
        int w = b.weights("w" + i, 400, 3, 3, 8);
        out[i] = b.floats((i == 0) == halfFirst ? "half" : "dynamic", 1, 9, 9, 400);
        Table options = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
        b.operator("CONV_2D", options, new int[] {x, w, bias}, out[i]);
      }
      Model model = b.inputs(x).outputs(out).build();
      Path before = folder.resolve("float.tflite");
      model.write(before);
      RecipeRule half =
          new RecipeRule("half", RecipeRule.ALL, OperatorConfiguration.of(Mode.FLOAT16));
      compare(before, Planner.plan(model, DYNAMIC.with(List.of(half))));
      compare(
          before,
          Planner.plan(
              model,
              Recipe.float16()
                  .with(
                      List.of(
                          new RecipeRule(
                              "dynamic",
                              RecipeRule.ALL,
                              OperatorConfiguration.of(Mode.DYNAMIC))))));
    }
  }

  @Test
  void publishedCaseIsSmallerAndRight() {
    Path before = Shared.file("models/faults/dynamic_float16_bias_conv/model.tflite");
    Plan plan = Planner.plan(Model.read(before), Recipe.dynamic());
    assertThat(plan.changesAnything()).isTrue();
    compare(before, plan);
  }
}
