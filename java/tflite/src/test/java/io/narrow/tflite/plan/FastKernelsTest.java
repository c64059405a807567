package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.TensorPlan.Use;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FastKernelsTest extends RangedModel {
  private static final String NO_HYBRID =
      "XNNPACK has no kernels for int8 weights beside float32 activations";

  private int image(int size, int channels) {
    return ranged("x", -1, 1, 1, size, size, channels);
  }

  private FastKernelsTest depthwise(int activation) {
    int x = image(9, 128);
    int w = b.weights("w", 1, 3, 3, 128);
    int bias = b.weights("bias", 128);
    int y = ranged("y", -1, 1, 1, 9, 9, 128);
    b.operator(
            "DEPTHWISE_CONV_2D",
            Table.of("DepthwiseConv2DOptions")
                .with("stride_w", 1)
                .with("stride_h", 1)
                .with("depth_multiplier", 1)
                .with("fused_activation_function", activation),
            new int[] {x, w, bias},
            y)
        .inputs(x)
        .outputs(y);
    return this;
  }

  private FastKernelsTest convolution() {
    int x = image(9, 16);
    int w = b.weights("w", 16, 3, 3, 16);
    int bias = b.weights("bias", 16);
    int y = ranged("y", -1, 1, 1, 9, 9, 16);
    Table options = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    b.operator("CONV_2D", options, new int[] {x, w, bias}, y).inputs(x).outputs(y);
    return this;
  }

  private static TensorPlan weights(Plan plan) {
    return plan.tensors().get(0);
  }

  @Test
  void depthwiseWeightsAreStoredWhereTheHybridKernelIsSlowerThanFloat() {
    Plan plan = depthwise(0).plan(Recipe.dynamic());
    assertThat(weights(plan).type()).isEqualTo(TensorType.INT8);
    assertThat(weights(plan).use()).isEqualTo(Use.DEQUANTIZED);
    assertThat(plan.operators().get(0).precision()).isEqualTo(Precision.STORED);
    assertThat(plan.operators().get(0).reason().text()).endsWith("; " + NO_HYBRID);
    assertThat(plan.warnings()).isEmpty();
  }

  @Test
  void whoPrefersSizeGetsTheHybridKernelAndIsTold() {
    Plan plan = depthwise(0).plan(Recipe.dynamic().withPreference(Preference.SIZE));
    assertThat(weights(plan).use()).isEqualTo(Use.DIRECT);
    assertThat(plan.warnings())
        .containsExactly(
            new Reason(
                Code.SLOW_WEIGHTS,
                "DEPTHWISE_CONV_2D: slower than float32, as " + NO_HYBRID,
                List.of("DEPTHWISE_CONV_2D")));
  }

  @Test
  void whatXnnpackDoesNotTakeAsFloatEitherIsNotSlower() {
    Plan plan = depthwise(4).plan(Recipe.dynamic()); // a fused TANH
    assertThat(weights(plan).use()).isEqualTo(Use.DIRECT);
    assertThat(plan.warnings()).isEmpty();
  }

  @Test
  void ruleThatNamesTheOperatorIsTakenAtItsWord() {
    RecipeRule rule =
        new RecipeRule(
            RecipeRule.ANYWHERE, "DEPTHWISE_CONV_2D", OperatorConfiguration.of(Mode.DYNAMIC));
    assertThat(weights(depthwise(0).plan(Recipe.of(List.of(rule)))).use()).isEqualTo(Use.DIRECT);
  }

  @Test
  void fourBitsAreKeptUnlessSpeedIsPreferred() {
    convolution();
    Plan small = plan(Recipe.dynamic().withBits(4));
    assertThat(weights(small).type()).isEqualTo(TensorType.INT4);
    assertThat(small.warnings())
        .singleElement()
        .asString()
        .contains("CONV_2D: slower than float32", "int4 weights beside float32 activations");
    Plan fast = plan(Recipe.dynamic().withBits(4).withPreference(Preference.SPEED));
    assertThat(weights(fast).type()).isEqualTo(TensorType.INT8);
    assertThat(weights(fast).use()).isEqualTo(Use.DIRECT);
    assertThat(fast.warnings()).isEmpty();
  }

  @Test
  void fourBitsBesideIntegersAndStoredOnesGiveWayToSpeedAsWell() {
    convolution();
    for (Recipe recipe : List.of(Recipe.int8().withBits(4), Recipe.weightOnly(4))) {
      assertThat(weights(plan(recipe)).type()).isEqualTo(TensorType.INT4);
      assertThat(plan(recipe).warnings()).singleElement().asString().contains("int4 weights");
      Plan fast = plan(recipe.withPreference(Preference.SPEED));
      assertThat(weights(fast).type()).isEqualTo(TensorType.INT8);
      assertThat(fast.operators().get(0).precision())
          .isEqualTo(plan(recipe).operators().get(0).precision());
      assertThat(fast.warnings()).isEmpty();
    }
  }

  @Test
  void int16ActivationsAreSaidToBeSlow() {
    assertThat(convolution().plan(Recipe.int16x8()).warnings())
        .containsExactly(
            new Reason(
                Code.SLOW,
                "CONV_2D: slower than float32, as XNNPACK has no kernels for int16 activations",
                List.of("CONV_2D")));
    assertThat(plan(Recipe.int8()).warnings()).isEmpty();
  }

  @Test
  void slowKernelIsWorthALineOnlyWhereItTakesAShareOfTheTime() {
    int x = image(9, 16);
    int w = b.weights("w", 16, 3, 3, 16);
    int bias = b.weights("bias", 16);
    int y = ranged("y", -1, 1, 1, 9, 9, 16);
    int pooled = ranged("pooled", -1, 1, 1, 3, 3, 16);
    Table options = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    Table pool =
        Table.of("Pool2DOptions")
            .with("stride_w", 3)
            .with("stride_h", 3)
            .with("filter_width", 3)
            .with("filter_height", 3);
    b.operator("CONV_2D", options, new int[] {x, w, bias}, y)
        .operator("AVERAGE_POOL_2D", pool, new int[] {y}, pooled)
        .inputs(x)
        .outputs(pooled);
    assertThat(plan(Recipe.int8()).warnings()).isEmpty();
    int steep = b.weights("steep", 1, 1, 16);
    int z = ranged("z", -1, 1, 1, 9, 9, 16);
    b.operator("PRELU", new int[] {y, steep}, z).outputs(pooled, z);
    assertThat(plan(Recipe.int8()).warnings())
        .containsExactly(
            new Reason(
                Code.SLOW_OPERATORS,
                "AVERAGE_POOL_2D, PRELU: slower than float32, as XNNPACK has no kernels for int8"
                    + " activations",
                List.of("AVERAGE_POOL_2D", "PRELU")));
  }

  @Test
  void recipeFileKeepsThePreference(@TempDir Path folder) {
    Path file = folder.resolve("recipe.json");
    for (Preference preference : Preference.values()) {
      Recipe recipe = Recipe.dynamic().withPreference(preference);
      recipe.write(file);
      assertThat(Recipe.read(file)).isEqualTo(recipe);
    }
  }

  @Test
  void unknownPreferenceIsRefusedWithTheKnownOnes() {
    assertThat(Preference.of("size")).isEqualTo(Preference.SIZE);
    assertThat(Preference.of("Speed")).isEqualTo(Preference.SPEED);
    assertThatThrownBy(() -> Preference.of("Haste"))
        .isInstanceOf(NarrowException.class)
        .hasMessage("preference Haste: has to be size or speed");
  }
}
