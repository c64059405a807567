package io.narrow.tflite.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
  private static final TensorType INT8 = TensorType.INT8;

  private static Model digits(Recipe recipe) {
    return Rewriter.rewrite(Quantizer.DEFAULT.prepare(Model.read(Examples.DIGITS)).outline(recipe));
  }

  private static List<String> problems(TargetCheck check) {
    return check.findings().stream()
        .map(finding -> finding.effect() + " " + finding.name() + ": " + finding.problem())
        .toList();
  }

  @Test
  void everyNameInTheTablesIsKnown() {
    Set<String> names =
        Arrays.stream(Target.values()).map(Target::toString).collect(Collectors.toSet());
    for (String column : Kernels.columns()) {
      assertThat(names).contains(column);
      assertThat(Kernels.of(column).operators())
          .filteredOn(name -> !name.startsWith("CUSTOM:"))
          .allMatch(name -> Schema.value("BuiltinOperator", name) >= 0);
    }
    for (Constraint row : Constraint.ALL) {
      assertThat(names).containsAll(row.devices());
      assertThat(row.operators())
          .allMatch(name -> name.equals("*") || Schema.value("BuiltinOperator", name) >= 0);
      assertThat(row.problem()).isNotEmpty();
    }
  }

  /** Weights of dynamic range, first of all that a beginner meets. */
  @Test
  void hybridModelsDoNotRunOnMicrocontrollers() {
    TargetCheck check = Target.TFLM.check(digits(Recipe.dynamic()));
    assertThat(check.runs()).isFalse();
    assertThat(problems(check))
        .contains("error CONV_2D: no kernel for float32 activations and int8 weights");
    assertThat(check.findings()).allMatch(finding -> finding.help().contains("--mode int8"));
    assertThat(check.findings()).allMatch(finding -> !finding.tensor().isEmpty());
  }

  @ParameterizedTest
  @EnumSource(
      value = Target.class,
      names = {"TFLM", "CMSIS_NN", "ESP_NN", "ETHOS_U55", "ETHOS_U65", "ETHOS_U85"})
  void integerModelsRunOnMicrocontrollers(Target target) {
    TargetCheck check = target.check(digits(Recipe.int8().withBoundary(INT8, INT8)));
    assertThat(check.runs()).isTrue();
    assertThat(check.accelerated()).isGreaterThan(check.operators() / 2);
  }

  @Test
  void float16StaysOffMicrocontrollers() {
    TargetCheck check = Target.TFLM.check(digits(Recipe.of(io.narrow.tflite.plan.Mode.FLOAT16)));
    assertThat(problems(check)).contains("error DEQUANTIZE: no kernel from float16 to float32");
  }

  @Test
  void aTypeWithoutAKernelOfTheDeviceIsSlow() {
    Model model = digits(Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16));
    TargetCheck esp = Target.ESP_NN.check(model);
    assertThat(esp.runs()).isTrue();
    assertThat(problems(esp))
        .contains("slow CONV_2D: no kernel for int16 activations and int8 weights");
    assertThat(problems(Target.CMSIS_NN.check(model))).noneMatch(text -> text.contains("CONV_2D"));
  }

  private static Model maximum(float scale) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.quantized("x", INT8, 0.5f, 1, 4);
    int z = b.quantized("z", INT8, scale, 1, 4);
    int y = b.quantized("y", INT8, 0.5f, 1, 4);
    return b.operator("MAXIMUM", new int[] {x, z}, y).inputs(x, z).outputs(y).build();
  }

  @Test
  void scalesThatDifferLeaveTheAccelerator() {
    assertThat(Target.ETHOS_U55.check(maximum(0.5f)).findings()).isEmpty();
    TargetCheck check = Target.ETHOS_U55.check(maximum(0.25f));
    assertThat(check.runs()).isTrue();
    assertThat(check.accelerated()).isZero();
    assertThat(problems(check))
        .containsExactly("cpu MAXIMUM: operands and result of different scales");
  }

  /** GELU is in Vela's list; without a kernel on the processor beside, what it leaves fails. */
  @Test
  void whatIsLeftToTheProcessorMustRunThere() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 4);
    int y = b.floats("y", 1, 4);
    Model model = b.operator("GELU", new int[] {x}, y).inputs(x).outputs(y).build();
    assertThat(problems(Target.ETHOS_U55.check(model)))
        .containsExactly("error GELU: no kernel for this operator");
    b = new ModelBuilder(1);
    x = b.quantized("x", INT8, 0.1f, 1, 4);
    y = b.quantized("y", INT8, 0.1f, 1, 4);
    model = b.operator("GELU", new int[] {x}, y).inputs(x).outputs(y).build();
    assertThat(Target.ETHOS_U55.check(model).findings()).isEmpty();
    assertThat(Target.TFLM.check(model).runs()).isFalse();
  }

  @Test
  void anEdgeTpuTakesNothingBehindWhatItDoesNotTake() {
    ModelBuilder b = new ModelBuilder(1);
    int[] x = new int[5];
    for (int i = 0; i < x.length; i++) {
      x[i] = b.quantized("x" + i, INT8, 0.1f, 1, 4);
    }
    Model model =
        b.operator("RELU", new int[] {x[0]}, x[1])
            .operator("RELU", new int[] {x[1]}, x[2])
            .operator("HARD_SWISH", new int[] {x[2]}, x[3])
            .operator("RELU", new int[] {x[3]}, x[4])
            .inputs(x[0])
            .outputs(x[4])
            .build();
    TargetCheck check = Target.EDGETPU.check(model);
    assertThat(check.accelerated()).isEqualTo(2);
    assertThat(check.runs()).isTrue();
    assertThat(problems(check)).containsExactly("cpu HARD_SWISH: no kernel for this operator");
  }

  @Test
  void shapesThatAreComputedAreNamed() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 8);
    int size = b.tensor("size", TensorType.INT32, 2);
    int y = b.floats("y", 1, 8);
    Model model =
        b.operator("BROADCAST_TO", new int[] {x, size}, y).inputs(x, size).outputs(y).build();
    assertThat(problems(Target.TFLM.check(model)))
        .containsExactly("error BROADCAST_TO: its second operand is computed");
  }

  @Test
  void weightsThatSumUpTooHighAreNamed() {
    int taps = 70_000;
    ModelBuilder b = new ModelBuilder(1);
    int x = b.quantized("x", INT8, 0.1f, 1, 1, 1, taps);
    java.nio.ByteBuffer codes = java.nio.ByteBuffer.allocateDirect(taps);
    while (codes.hasRemaining()) {
      codes.put((byte) -127);
    }
    Tensor weights =
        Tensor.of("w", INT8, new int[] {1, 1, 1, taps})
            .quantized(INT8, new float[] {0.1f}, new long[1], 0);
    int w = b.constant(weights, codes.flip());
    int y = b.quantized("y", INT8, 0.1f, 1, 1, 1, 1);
    Table options = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    Model model = b.operator("CONV_2D", options, new int[] {x, w}, y).inputs(x).outputs(y).build();
    assertThat(problems(Target.ETHOS_U55.check(model)))
        .containsExactly("cpu CONV_2D: larger sums of weights than 127 * 65536");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void anImageGrowsByPowersOfTwo(int factor) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.quantized("x", INT8, 0.1f, 1, 4, 5, 2);
    int size = b.constant("size", new int[] {4 * factor, 5 * factor}, 2);
    int y = b.quantized("y", INT8, 0.1f, 1, 4 * factor, 5 * factor, 2);
    Table options = Table.of("ResizeNearestNeighborOptions");
    Model model =
        b.operator("RESIZE_NEAREST_NEIGHBOR", options, new int[] {x, size}, y)
            .inputs(x)
            .outputs(y)
            .build();
    assertThat(Target.ETHOS_U55.check(model).findings()).hasSize(factor == 2 ? 0 : 1);
    assertThat(Target.ETHOS_U85.check(model).findings()).isEmpty();
  }

  @Test
  void xnnpackIsAskedItself() {
    Model model = digits(Recipe.int16x8());
    TargetCheck check = Target.XNNPACK.check(model);
    try (Interpreter interpreter =
        Interpreter.open(model.bytes(), model.name(), Interpreter.Options.DEFAULT)) {
      long taken = interpreter.delegated().stream().mapToLong(List::size).sum();
      assertThat(check.accelerated()).isEqualTo((int) taken);
    }
    assertThat(check.findings()).isNotEmpty().allMatch(found -> found.effect() == Effect.SLOW);
  }

  @Test
  void kindsComeWithTheWorstFirst() {
    TargetCheck check = Target.ESP_NN.check(digits(Recipe.dynamic()));
    List<Effect> effects = check.byKind().keySet().stream().map(Finding.Kind::effect).toList();
    assertThat(effects).isSorted().contains(Effect.ERROR);
    assertThat(check.byKind().values().stream().mapToInt(List::size).sum())
        .isEqualTo(check.findings().size());
  }

  @Test
  void unknownTargetsAreNamed() {
    assertThat(Target.of("Ethos-U55")).isEqualTo(Target.ETHOS_U55);
    assertThatThrownBy(() -> Target.of("hexagon"))
        .isInstanceOf(NarrowException.class)
        .hasMessage(
            "target `hexagon`: known are tflm, cmsis-nn, esp-nn, ethos-u55, ethos-u65, ethos-u85,"
                + " edgetpu, xnnpack, gpu");
  }

  /** Of public models, what tflite-micro's interpreter says of them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "tfmicro_person_detect_i8 true",
        "tfmicro_mnist_lstm true",
        "ds_cnn_small_i16 true",
        "facemesh_i8 true",
        "tiny_ad_dynrange false",
        "yunet_f16 false",
        "ultraface_slim320_f32 false"
      })
  void publicModels(String line) {
    String[] words = line.split(" ");
    Model model = Model.read(Shared.file("models/zoo/" + words[0] + ".tflite"));
    TargetCheck check = Target.TFLM.check(model);
    assertThat(check.runs()).as(problems(check).toString()).isEqualTo(words[1].equals("true"));
  }
}
