package io.narrow.tflite.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a target changes in a plan. */
class FitTest {
  private static final Quantizer DATA =
      Quantizer.DEFAULT.withSources(List.of("random:4")).withRounding(Rounding.parse("nearest"));

  private final ModelBuilder builder = new ModelBuilder(5);

  @ParameterizedTest
  @CsvSource({
    "tflm, dynamic, int8 weights beside float32 activations",
    "tflm, float16, float16 weights",
    "cmsis-nn, dynamic, int8 weights beside float32 activations",
    "ethos-u55, dynamic, int8 weights beside float32 activations",
    "ethos-u85, float32, float32 activations",
    "ethos-u65, weight-only, int8 weights that become float32 as it runs",
    "edgetpu, int16x8, int16 activations",
    "edgetpu, dynamic, int8 weights beside float32 activations",
    "xnnpack, int16x8, int16 activations",
    "gpu, int16x8, int16 activations",
  })
  void modesThatATargetDoesNotTakeAreRefused(String target, String mode, String what) {
    Quantizer quantizer = DATA.withTarget(Target.of(target));
    assertThatThrownBy(
            () -> quantizer.quantize(Model.read(Examples.DIGITS), Recipe.of(Mode.of(mode))))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(
            "mode " + mode + ": " + target + " does not take " + what + ", use ")
        .hasMessageContaining("int8");
    assertThatThrownBy(() -> Target.of(target).recipe(Mode.of(mode)))
        .hasMessageContaining("does not take");
  }

  @ParameterizedTest
  @EnumSource
  void theDefaultRecipeOfATargetRunsThere(Target target) {
    Recipe recipe = target.recipe(target.mode());
    Quantizer.Prepared prepared = DATA.withTarget(target).prepare(Model.read(Examples.DIGITS));
    Plan plan = prepared.plan(recipe);
    TargetCheck check = prepared.check(plan).orElseThrow();
    assertThat(check.findings()).filteredOn(f -> f.effect() != Effect.SLOW).isEmpty();
    Model model = Rewriter.rewrite(plan);
    boolean floats = target == Target.XNNPACK || target == Target.GPU;
    for (int input : model.subgraphs().get(0).inputs()) {
      assertThat(model.subgraphs().get(0).tensor(input).type())
          .isEqualTo(floats ? TensorType.FLOAT32 : TensorType.INT8);
    }
  }

  /** A kind of operator without a kernel in a mode gets the next that has one. */
  @ParameterizedTest
  @CsvSource({
    "tflm, INT16X8, GATHER, INT8",
    "tflm, INT16X8, LOGISTIC, INT16",
    "tflm, INT8, EXP, FLOAT32",
    "ethos-u55, INT8, EXP, INT8",
    "edgetpu, INT8, EXP, INT8", // neither has it: the check says so
  })
  void operatorsWithoutAKernel(String target, Mode mode, String operator, TensorType type) {
    int x = builder.floats("x", 1, 8);
    int a = builder.floats("a", 1, 8);
    int b = builder.floats("b", 1, 8);
    int y = builder.floats("y", 1, 8);
    boolean gathers = operator.equals("GATHER");
    builder
        .operator(
            "FULLY_CONNECTED",
            Table.of("FullyConnectedOptions"),
            new int[] {x, builder.weights("w", 8, 8), -1},
            a)
        .operator(
            operator,
            gathers ? Table.of("GatherOptions").with("axis", 1) : Table.of("ExpOptions"),
            gathers
                ? new int[] {a, builder.constant("i", new int[] {7, 6, 5, 4, 3, 2, 1, 0}, 8)}
                : new int[] {a},
            b)
        .operator(
            "FULLY_CONNECTED",
            Table.of("FullyConnectedOptions"),
            new int[] {b, builder.weights("v", 8, 8), -1},
            y)
        .inputs(x)
        .outputs(y);
    Target device = Target.of(target);
    Model made = DATA.withTarget(device).quantize(builder.build(), device.recipe(mode));
    Operator found =
        made.subgraphs().get(0).operators().stream()
            .filter(each -> each.name().equals(operator))
            .findFirst()
            .orElseThrow();
    assertThat(made.subgraphs().get(0).tensor(found.input(0)).type()).isEqualTo(type);
    assertThat(device.check(made).runs()).isTrue();
  }

  /** The user's own rules count more. */
  @Test
  void rulesOfTheRecipeComeAfterThoseOfTheTarget() {
    Recipe recipe = Target.TFLM.recipe(Mode.INT16X8).keepingFloatOperator("SOFTMAX");
    Recipe fitted = Target.TFLM.fit(recipe, Model.read(Examples.DIGITS));
    assertThat(fitted.rules().get(fitted.rules().size() - 1).operator()).isEqualTo("SOFTMAX");
    assertThat(fitted.rules().get(fitted.rules().size() - 1).configuration().mode())
        .isEqualTo(Mode.FLOAT32);
  }

  /** Four bits with a scale per channel end TensorFlow Lite Micro and Vela. */
  @ParameterizedTest
  @EnumSource(
      value = Target.class,
      names = {"TFLM", "CMSIS_NN", "ETHOS_U55", "ETHOS_U85"})
  void fourBitsBecomeEightWhereTheyDoNotRun(Target target) {
    int x = builder.floats("x", 1, 64);
    int y = builder.floats("y", 1, 64);
    builder
        .operator(
            "FULLY_CONNECTED",
            Table.of("FullyConnectedOptions"),
            new int[] {x, builder.weights("w", 64, 64), -1},
            y)
        .inputs(x)
        .outputs(y);
    Model model = builder.build();
    Recipe recipe = target.recipe(Mode.INT8).withBits(4);
    assertThat(target.check(DATA.quantize(model, recipe)).runs()).isFalse();
    assertThat(target.check(DATA.withTarget(target).quantize(model, recipe)).runs()).isTrue();
  }

  /** XNNPACK wants steps of operands of a sum within 2^-10 and 2^8 of those of the result. */
  @ParameterizedTest
  @CsvSource({"0.00001", "0.0001", "1"})
  void sumsOfVeryDifferentValuesStayOnXnnpack(float factor) {
    int x = builder.floats("x", 1, 8);
    int small = builder.floats("small", 1, 8);
    int y = builder.floats("y", 1, 8);
    int z = builder.floats("z", 1, 8);
    builder
        .operator("MUL", new int[] {x, builder.constant("f", new float[] {factor})}, small)
        .operator("ADD", new int[] {x, small}, y)
        .operator("ADD", new int[] {small, y}, z)
        .inputs(x)
        .outputs(z);
    Model model = builder.build();
    Recipe recipe = Target.XNNPACK.recipe(Mode.INT8);
    Model made = DATA.withTarget(Target.XNNPACK).quantize(model, recipe);
    assertThat(Target.XNNPACK.check(made).findings())
        .extracting(Finding::name)
        .doesNotContain("ADD");
    boolean apart = factor < 1e-3f;
    assertThat(Target.XNNPACK.check(DATA.quantize(model, recipe)).findings().isEmpty())
        .isEqualTo(!apart);
  }

  /** Without a target all is as it was. */
  @Test
  void nothingChangesWithoutATarget() {
    Model model = Model.read(Examples.DIGITS);
    assertThat(
            Quantizer.DEFAULT
                .prepare(model)
                .check(Quantizer.DEFAULT.prepare(model).outline(Recipe.int8())))
        .isEmpty();
  }

  /** A published model with an operator that TensorFlow Lite Micro has for float32 alone. */
  @Test
  void publishedModelsRunOnMicrocontrollersAfterAll() {
    Model model = Model.read(Shared.file("models/zoo/adi_dtln1_f32.tflite"));
    for (Mode mode : List.of(Mode.INT8, Mode.INT16X8)) {
      Model made = DATA.withTarget(Target.TFLM).quantize(model, Target.TFLM.recipe(mode));
      assertThat(Target.TFLM.check(made).findings()).isEmpty();
    }
  }
}
