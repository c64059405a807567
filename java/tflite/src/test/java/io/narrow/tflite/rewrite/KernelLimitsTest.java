package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Beyond the limits of integer kernels, and on them: files run, and compute what they should. */
class KernelLimitsTest {
  @TempDir private Path folder;

  private Plan check(UnaryOperator<ModelBuilder> build, Recipe recipe, double least) {
    Model model = build.apply(new ModelBuilder(5)).build();
    Path before = folder.resolve("float.tflite");
    Path after = folder.resolve("quantized.tflite");
    model.write(before);
    Plan plan = Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(before));
    Rewriter.rewrite(plan).write(after);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
          .as("%s, XNNPACK %s", recipe, xnnpack)
          .isGreaterThan(least);
    }
    return plan;
  }

  private static List<String> floats(Plan plan) {
    return plan.operators().stream()
        .filter(operator -> operator.precision() == Precision.FLOAT32)
        .map(OperatorPlan::name)
        .toList();
  }

  private static final List<String> COMPARISONS =
      List.of("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL");

  static Stream<String> comparisons() {
    return COMPARISONS.stream();
  }

  private static Table comparison(String operator) {
    StringBuilder name = new StringBuilder();
    for (String word : operator.toLowerCase(Locale.ROOT).split("_")) {
      name.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    }
    return options(name + "Options");
  }

  /** {@code x * by} compared with a constant; x lies between -1 and 1. */
  private static ModelBuilder threshold(ModelBuilder b, String operator, float by, float value) {
    int x = b.floats("x", 4, 60);
    int factor = b.constant("factor", new float[] {by});
    int scaled = b.floats("scaled", 4, 60);
    int c = b.constant("c", new float[] {value});
    int y = b.tensor("y", TensorType.BOOL, 4, 60);
    b.operator("MUL", options("MulOptions"), new int[] {x, factor}, scaled);
    return b.operator(operator, comparison(operator), new int[] {scaled, c}, y)
        .inputs(x)
        .outputs(y);
  }

  @ParameterizedTest
  @CsvSource({
    "LESS, 4, 0.5",
    "GREATER, 4, 0.5",
    "LESS_EQUAL, 4, 0.5",
    "GREATER_EQUAL, 4, 0.5",
    "LESS, 0.001, 0.0005",
    "GREATER, 0.001, 0.0005",
    "LESS_EQUAL, 0.001, 0.0005",
    "GREATER_EQUAL, 0.001, 0.0005",
    "NOT_EQUAL, 0.001, 0.0005",
    "GREATER, 400, 50",
    "LESS, 400, 50",
    "GREATER_EQUAL, 127.5, 0",
    "LESS_EQUAL, 0.5, 1e30",
    "GREATER, 0.5, -1e9",
  })
  void comparisonsTellApartWhatTheRangesNeed(String operator, float by, float value) {
    check(b -> threshold(b, operator, by, value), Recipe.int8(), 15);
    check(b -> threshold(b, operator, by, value), Recipe.int16x8(), 30);
  }

  /** Of equal values one is read at its own scale, the other at that of a wider tensor. */
  @ParameterizedTest
  @MethodSource("comparisons")
  void equalValuesOfDifferentTensorsAreEqual(String operator) {
    UnaryOperator<ModelBuilder> model =
        b -> {
          int x = b.floats("x", 4, 60);
          int parts = b.floats("parts", 4, 120);
          int wide = b.floats("wide", 4, 60);
          int three = b.constant("three", new float[] {1.5f});
          int axis = b.constant("axis", new int[] {1});
          int first = b.floats("first", 4, 60);
          int second = b.floats("second", 4, 60);
          int y = b.tensor("y", TensorType.BOOL, 4, 60);
          b.operator("MUL", options("MulOptions"), new int[] {x, three}, wide);
          Table concatenation = options("ConcatenationOptions").with("axis", 1);
          b.operator("CONCATENATION", concatenation, new int[] {x, wide}, parts);
          Table split = options("SplitOptions").with("num_splits", 2);
          b.operator("SPLIT", split, new int[] {axis, parts}, first, second);
          return b.operator(operator, comparison(operator), new int[] {first, x}, y)
              .inputs(x)
              .outputs(y);
        };
    if (List.of("NOT_EQUAL", "GREATER", "LESS").contains(operator)) {
      return; // never true: nothing to measure a ratio by
    }
    check(model, Recipe.int8(), 15);
    if (!operator.equals("EQUAL")) { // whose kernel rounds to steps of 1/256, so that it is float
      check(model, Recipe.int16x8(), 30);
    }
  }

  /** With steps of 16/3 and more the products of codes in the int16 kernel overflow. */
  @ParameterizedTest
  @CsvSource({"TANH, 1.7e5, 0", "TANH, 4e5, 1", "LOGISTIC, 1.7e5, 0", "LOGISTIC, 4e5, 1"})
  void functionsOfHugeOperandsAreRight(String operator, float by, int floats) {
    UnaryOperator<ModelBuilder> model =
        b -> {
          int x = b.floats("x", 4, 60);
          int factor = b.constant("factor", new float[] {by});
          int scaled = b.floats("scaled", 4, 60);
          b.operator("MUL", options("MulOptions"), new int[] {x, factor}, scaled);
          int y = b.floats("y", 4, 60);
          return b.operator(operator, new int[] {scaled}, y).inputs(x).outputs(y);
        };
    assertThat(floats(check(model, Recipe.int16x8(), 30))).hasSize(floats);
  }

  private static final List<String> WEIGHTED =
      List.of("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED");

  static Stream<String> weighted() {
    return WEIGHTED.stream();
  }

  /** The last channel has weights that a folded normalization made tiny, and a bias. */
  private static ModelBuilder dead(ModelBuilder b, String operator, float weight) {
    boolean last = operator.equals("DEPTHWISE_CONV_2D");
    int channels = 6;
    float[] weights = new float[channels * channels];
    for (int i = 0; i < weights.length; i++) {
      boolean dead = last ? i % channels == channels - 1 : i / channels == channels - 1;
      weights[i] = dead ? weight : .1f + .01f * (i % 7);
    }
    float[] biases = {.1f, -.2f, .3f, 0, .05f, .7f};
    int bias = b.constant("bias", biases, channels);
    Table stride = null;
    int[] in;
    int x;
    int[] image = {1, 4, 4, channels};
    switch (operator) {
      case "FULLY_CONNECTED" -> {
        x = b.floats("x", 3, channels);
        in = new int[] {x, b.constant("w", weights, channels, channels), bias};
        return IntegerModels.end(b, operator, options("FullyConnectedOptions"), in, x, 3, channels);
      }
      case "TRANSPOSE_CONV" -> {
        x = b.floats("x", image);
        int shape = b.constant("shape", image, 4);
        in = new int[] {shape, b.constant("w", weights, channels, 1, 1, channels), x, bias};
        stride = options("TransposeConvOptions");
      }
      case "CONV_2D" -> {
        x = b.floats("x", image);
        in = new int[] {x, b.constant("w", weights, channels, 1, 1, channels), bias};
        stride = options("Conv2DOptions");
      }
      default -> {
        x = b.floats("x", image);
        in = new int[] {x, b.constant("w", weights, 1, 2, 3, channels), bias};
        stride = options("DepthwiseConv2DOptions").with("depth_multiplier", 1);
      }
    }
    stride = stride.with("stride_w", 1).with("stride_h", 1);
    return IntegerModels.end(b, operator, stride, in, x, image);
  }

  @ParameterizedTest
  @MethodSource("weighted")
  void channelsOfTinyWeightsKeepTheirBias(String operator) {
    for (float weight : new float[] {0, 1e-38f, 1e-30f, 1e-20f, 1e-9f}) {
      assertThat(floats(check(b -> dead(b, operator, weight), Recipe.int16x8(), 45))).isEmpty();
      assertThat(floats(check(b -> dead(b, operator, weight), Recipe.int8(), 30))).isEmpty();
    }
  }

  private static ModelBuilder dense(ModelBuilder b, int inputs, int outputs, boolean bias) {
    int x = b.floats("x", 3, inputs);
    int[] in = {x, b.weights("w", outputs, inputs), bias ? b.weights("bias", outputs) : -1};
    Table options = options("FullyConnectedOptions");
    return IntegerModels.end(b, "FULLY_CONNECTED", options, in, x, 3, outputs);
  }

  /** XNNPACK refuses int4 weights of one channel beside int8, where their rows are even. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 8, 16})
  void weightsOfFourBitsNeedTwoChannelsBesideInt8(int inputs) {
    for (int outputs = 1; outputs <= 3; outputs++) {
      for (boolean bias : new boolean[] {false, true}) {
        int channels = outputs;
        UnaryOperator<ModelBuilder> model = b -> dense(b, inputs, channels, bias);
        Plan int8 = check(model, Recipe.int8().withBits(4), 5);
        check(model, Recipe.int16x8().withBits(4), 5);
        TensorType weights = outputs == 1 ? TensorType.INT8 : TensorType.INT4;
        assertThat(int8.integerOperators().get(0).inputs().get(1).type()).isEqualTo(weights);
        String why = int8.operators().get(0).reason().text();
        assertThat(why.contains("one channel")).as(why).isEqualTo(outputs == 1);
      }
    }
  }

  /** Two operands that nearly cancel each other: the sum is far smaller than their steps. */
  private static ModelBuilder cancelling(ModelBuilder b, String operator, float large) {
    int x = b.floats("x", 4, 8);
    float[] values = new float[32];
    Arrays.fill(values, large);
    int c = b.constant("c", values, 4, 8);
    int small = b.constant("small", new float[] {1e-3f});
    int scaled = b.floats("scaled", 4, 8);
    int near = b.floats("near", 4, 8);
    int y = b.floats("y", 4, 8);
    int minus = b.constant("minus", operator.equals("ADD") ? negated(values) : values, 4, 8);
    b.operator("MUL", options("MulOptions"), new int[] {x, small}, scaled);
    b.operator("ADD", options("AddOptions"), new int[] {scaled, c}, near);
    Table table = options(operator.equals("ADD") ? "AddOptions" : "SquaredDifferenceOptions");
    return b.operator(operator, table, new int[] {near, minus}, y).inputs(x).outputs(y);
  }

  private static float[] negated(float[] values) {
    float[] negated = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      negated[i] = -values[i];
    }
    return negated;
  }

  /** Where the steps of the operands are beyond the limit the kernel would end the process. */
  @Test
  void sumsThatCancelLeaveTheIntegers() {
    for (float large : new float[] {1, 100, 10000}) {
      Plan int16 = check(b -> cancelling(b, "ADD", large), Recipe.int16x8(), -300);
      Plan int8 = check(b -> cancelling(b, "SQUARED_DIFFERENCE", large), Recipe.int8(), -300);
      assertThat(floats(int8).contains("SQUARED_DIFFERENCE")).isEqualTo(large > 1);
      assertThat(floats(int16).contains("ADD")).isEqualTo(large > 1);
    }
  }

  @Test
  void softmaxOfFiveAxesStaysFloatInInt16Only() {
    UnaryOperator<ModelBuilder> model =
        b -> {
          int x = b.floats("x", 2, 1, 2, 3, 8);
          Table softmax = options("SoftmaxOptions").with("beta", 1f);
          return IntegerModels.end(b, "SOFTMAX", softmax, new int[] {x}, x, 2, 1, 2, 3, 8);
        };
    assertThat(floats(check(model, Recipe.int8(), 35))).isEmpty();
    Plan int16 = check(model, Recipe.int16x8(), 60);
    assertThat(floats(int16)).containsExactly("SOFTMAX");
    assertThat(int16.operators().get(0).reason().text()).contains("4 axes", "`x`", "5");
  }

  /** The reference kernel, that of microcontrollers, demands 2^-26 of scale times beta. */
  @Test
  void softmaxOfTinyValuesGetsAScaleThatReferenceKernelsTake() {
    for (String operator : List.of("SOFTMAX", "LOG_SOFTMAX")) {
      UnaryOperator<ModelBuilder> model =
          b -> {
            int x = b.floats("x", 4, 8);
            int tiny = b.constant("tiny", new float[] {1e-9f});
            int scaled = b.floats("scaled", 4, 8);
            b.operator("MUL", options("MulOptions"), new int[] {x, tiny}, scaled);
            Table softmax =
                operator.equals("SOFTMAX")
                    ? options("SoftmaxOptions").with("beta", 1f)
                    : options("LogSoftmaxOptions");
            return IntegerModels.end(b, operator, softmax, new int[] {scaled}, x, 4, 8);
          };
      Plan plan = check(model, Recipe.int8(), 30);
      assertThat(floats(plan)).isEmpty();
      assertThat(plan.integerOperators().get(1).inputs().get(0).scale()).isGreaterThan(0x1p-26f);
    }
  }

  /** A softmax in parts, as exporters write it, over inputs around an offset. */
  private static ModelBuilder quotient(ModelBuilder b, boolean positive) {
    int x = b.floats("x", 4, 8);
    int e = b.floats("e", 4, 8);
    int sum = b.floats("sum", 4, 1);
    int y = b.floats("y", 4, 8);
    int axis = b.constant("axis", new int[] {1}, 1);
    Table reduce = options("ReducerOptions").with("keep_dims", 1);
    if (positive) {
      b.operator("EXP", options("ExpOptions"), new int[] {x}, e);
    } else {
      int two = b.constant("two", new float[] {2});
      b.operator("MUL", options("MulOptions"), new int[] {x, two}, e);
    }
    b.operator("SUM", reduce, new int[] {e, axis}, sum);
    return b.operator("DIV", options("DivOptions"), new int[] {e, sum}, y).inputs(x).outputs(y);
  }

  @Test
  void divisorsThatAreFarFromZeroAreIntegers() {
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Plan plan = check(b -> quotient(b, true), recipe, 30);
      assertThat(floats(plan)).isEmpty();
      // Sums that cancel are divided by: what is left of them is not this kernel's doing.
      assertThat(floats(check(b -> quotient(b, false), recipe, -300))).containsExactly("DIV");
    }
  }

  /** Ranges of inputs around 1; inputs around -1 then give divisors of 0 and below. */
  @Test
  void divisorsThatTurnOutToBeZeroEndNothing() {
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Model model = quotient(new ModelBuilder(5), false).build();
      Path before = folder.resolve("float.tflite");
      Path after = folder.resolve("quantized.tflite");
      model.write(before);
      Plan plan = Planner.plan(model, recipe, MeasuredRanges.ofRandomRuns(before, 1.2f));
      assertThat(floats(plan)).isEmpty();
      Rewriter.rewrite(plan).write(after);
      for (boolean xnnpack : List.of(true, false)) {
        assertThat(RuntimeComparison.sqnr(before, after, xnnpack, 1.2f)).isGreaterThan(30);
        for (float offset : new float[] {0, -1.2f}) {
          assertThat(RuntimeComparison.outputs(after, xnnpack, offset)).hasSize(3);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {1e-8f, 1e-13f, 1e-20f, 1e-24f, 1e-30f})
  void tinyRangesAreNoZeros(float factor) {
    UnaryOperator<ModelBuilder> model =
        b -> {
          int x = b.floats("x", 4, 60);
          int tiny = b.constant("tiny", new float[] {factor});
          int scaled = b.floats("scaled", 4, 60);
          int y = b.floats("y", 4, 60);
          b.operator("MUL", options("MulOptions"), new int[] {x, tiny}, scaled);
          return b.operator("ADD", options("AddOptions"), new int[] {scaled, scaled}, y)
              .inputs(x)
              .outputs(y);
        };
    check(model, Recipe.int16x8(), 60);
    check(model, Recipe.int8(), 30);
  }
}
