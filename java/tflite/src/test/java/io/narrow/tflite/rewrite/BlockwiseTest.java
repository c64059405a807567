package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.fold.Folded;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.plan.WeightScaling;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.HalfFloat;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Scales per block, as ai-edge-quantizer writes them, on the stock runtime with XNNPACK and
 * without. Reports of what went wrong elsewhere: google-ai-edge/ai-edge-quantizer#678 (blocks of
 * almost nothing), NVIDIA/Model-Optimizer#2320 and onnxsim/onnxsim#664 (rows that are no multiple),
 * ROCm/AMDMIGraphX#3510 (blocks of one), google-ai-edge/litert-torch#1068 and
 * google-ai-edge/litert-samples#257 (tables and products of one recipe).
 */
class BlockwiseTest {
  private static final int RELU = 1;
  private static final int RELU6 = 3;
  private static final int TANH = 4;
  private static final int INT4_IN_A_BYTE = 2;

  private static final Recipe FOUR_BITS = Recipe.dynamic().withBits(4).withMinimumElements(0);

  @TempDir private Path folder;

  /** {@code [batch, columns]} times {@code [rows, columns]}. */
  private static Model product(int rows, int columns, int batch, boolean bias, int activation) {
    ModelBuilder b = new ModelBuilder(rows * 31L + columns);
    return product(b, b.weights("w", rows, columns), rows, columns, batch, bias, activation);
  }

  private static Model product(
      ModelBuilder b, int w, int rows, int columns, int batch, boolean bias, int activation) {
    int x = b.floats("x", batch, columns);
    int y = b.floats("y", batch, rows);
    int[] in = {x, w, bias ? b.weights("bias", rows) : -1};
    Table options = Table.of("FullyConnectedOptions").with("fused_activation_function", activation);
    return b.operator("FULLY_CONNECTED", options, in, y).inputs(x).outputs(y).build();
  }

  private static Model lookup(ModelBuilder b, int table, int columns) {
    int ids = b.tensor("ids", TensorType.INT32, 5);
    int y = b.floats("y", 5, columns);
    return b.operator("EMBEDDING_LOOKUP", new int[] {ids, table}, y).inputs(ids).outputs(y).build();
  }

  private static Model blocks(Model model, int size) {
    return Rewriter.rewrite(Planner.plan(model, FOUR_BITS.withBlock(size)));
  }

  /** The same with float weights, made of what a file holds. */
  private static Model widened(Model model) {
    Folded folded = Fold.constantsOf(model);
    return Rewriter.rewrite(Planner.plan(folded.model(), Recipe.of(Mode.FLOAT32)));
  }

  private Path written(String name, Model model) {
    Path file = folder.resolve(name);
    model.write(file);
    return file;
  }

  /** How close a file comes to what its weights stand for, in dB. */
  private double closeness(Model model, boolean xnnpack) {
    Path floats = written("floats.tflite", widened(model));
    return RuntimeComparison.sqnr(floats, written("blocks.tflite", model), xnnpack);
  }

  private static Tensor tensor(Model model, String name) {
    return model.subgraphs().get(0).tensors().stream()
        .filter(tensor -> tensor.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64, 128, 256})
  void xnnpackComputesEveryProduct(int size) {
    for (int blocks : new int[] {1, 2, 3, 5}) {
      for (int rows : new int[] {1, 2, 3, 4, 7, 17, 33}) {
        for (int batch : new int[] {1, 2, 5}) {
          for (int activation : new int[] {0, RELU, RELU6}) {
            boolean bias = (blocks + rows + batch) % 2 == 0;
            Model model = blocks(product(rows, blocks * size, batch, bias, activation), size);
            assertThat(tensor(model, "w").blockSize()).isEqualTo(size);
            if (rows > 2) { // a single number may be near zero
              assertThat(closeness(model, true))
                  .as(
                      "%s blocks, %s rows, batch %s, activation %s",
                      blocks, rows, batch, activation)
                  .isGreaterThan(30);
            }
          }
        }
      }
    }
  }

  /** What the operator table has {@code blocksfast} for: no error, and nothing like the product. */
  @Test
  void builtInKernelsAreWrongWithoutSayingSo() {
    assertThat(closeness(blocks(product(16, 64, 2, true, RELU), 32), false)).isLessThan(10);
    assertThat(closeness(blocks(product(2, 64, 2, true, 0), 32), false)).isLessThan(10);
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64, 128, 256})
  void everyKernelLooksRowsUpExactly(int size) {
    for (int blocks : new int[] {1, 2, 3, 5}) {
      for (int rows : new int[] {2, 3, 17}) {
        ModelBuilder b = new ModelBuilder(rows);
        Model model = blocks(lookup(b, b.weights("w", rows, blocks * size), blocks * size), size);
        assertThat(tensor(model, "w").blockSize()).isEqualTo(size);
        assertThat(closeness(model, true)).isInfinite();
        assertThat(closeness(model, false)).isInfinite();
      }
    }
  }

  @Test
  void fileIsThatOfAiEdgeQuantizer() {
    Model model = blocks(product(6, 96, 1, true, 0), 32);
    Subgraph graph = model.subgraphs().get(0);
    Tensor scales = graph.tensor(graph.tensors().size() - 1);
    assertThat(scales.toString()).isEqualTo("w_scales float16[6, 3]");
    assertThat(tensor(model, "w").scales()).isEmpty();
    assertThat(tensor(model, "w").quantizationText())
        .isEqualTo("q * scale of its block of 32 in w_scales");
    assertThat(model.minimumRuntime()).isEqualTo("2.20.0");
    ByteBuffer half = model.contents(scales);
    while (half.hasRemaining()) {
      float scale = HalfFloat.toFloat(half.getShort());
      assertThat(Float.floatToIntBits(scale) & 0xFFFF).as("bits beyond bfloat16").isZero();
    }
  }

  @Test
  void codesAreTheNearestWithThoseScales() {
    Model floats = product(6, 96, 1, true, 0);
    Recipe recipe = FOUR_BITS.withScales(WeightScaling.LARGEST).withBlock(32);
    Model model = Rewriter.rewrite(Planner.plan(floats, recipe));
    ByteBuffer exact = floats.contents(tensor(floats, "w"));
    ByteBuffer codes = model.contents(tensor(model, "w"));
    ByteBuffer scales = model.contents(tensor(model, "w_scales"));
    for (int i = 0; i < 6 * 96; i++) {
      float scale = HalfFloat.toFloat(scales.getShort(i / 32 * Short.BYTES));
      int both = codes.get(i / INT4_IN_A_BYTE);
      int code = (byte) (i % INT4_IN_A_BYTE == 0 ? both << 4 : both) >> 4;
      assertThat(code).isEqualTo((int) Math.rint(exact.getFloat(i * Float.BYTES) / scale));
    }
  }

  /** ai-edge-quantizer writes scales of 0 here, with which the runtime refuses the model. */
  @Test
  void blocksOfAlmostNothingLoad() {
    float[] weights = new float[8 * 128];
    Random random = new Random(3);
    for (int i = 0; i < weights.length; i++) {
      float size = new float[] {0, 1e-12f, 1e-7f, 0.5f}[i / 32 % 4];
      weights[i] = size * (float) random.nextGaussian();
    }
    ModelBuilder b = new ModelBuilder(1);
    int w = b.constant("w", weights, 8, 128);
    assertThat(closeness(blocks(product(b, w, 8, 128, 3, true, 0), 32), true)).isGreaterThan(30);
  }

  /** Twice the largest float16 scale times its largest code. */
  @Test
  void weightsBeyondTheLargestScaleAreClippedToIt() {
    ModelBuilder b = new ModelBuilder(1);
    float[] weights = new float[4 * 32];
    Arrays.fill(weights, 7 * 2 * 65280f);
    Model model = blocks(product(b, b.constant("w", weights, 4, 32), 4, 32, 1, false, 0), 32);
    assertThat(HalfFloat.toFloat(model.contents(tensor(model, "w_scales")).getShort()))
        .isEqualTo(65280);
  }

  private static Plan plan(Model model, Recipe recipe) {
    return Planner.plan(model, recipe);
  }

  @Test
  void rowsThatAreNoMultipleHaveAScalePerChannel() {
    Plan plan = plan(product(8, 100, 1, true, 0), FOUR_BITS.withBlock(32));
    assertThat(plan.tensors().get(0).encoding().block()).isZero();
    assertThat(plan.tensors().get(0).type()).isEqualTo(TensorType.INT4);
    assertThat(plan.operators().get(0).reason().text())
        .contains("rows of its weights have 100 elements, which is no multiple of blocks of 32");
  }

  @Test
  void whatXnnpackDoesNotTakeHasAScalePerChannel() {
    Plan plan = plan(product(8, 64, 1, true, TANH), FOUR_BITS.withBlock(32));
    assertThat(plan.tensors().get(0).encoding().block()).isZero();
    assertThat(plan.operators().get(0).reason().text()).contains("only XNNPACK computes right");
  }

  @Test
  void rulesThatNameAnOperatorAreRefusedWithTheReason() {
    OperatorConfiguration configuration =
        OperatorConfiguration.of(Mode.DYNAMIC).withBits(4).withMinimumElements(0).withBlock(64);
    Recipe recipe = Recipe.of(List.of(new RecipeRule(".*", "FULLY_CONNECTED", configuration)));
    Model model = product(8, 96, 1, true, 0);
    assertThatThrownBy(() -> Planner.plan(model, recipe))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("96 elements, which is no multiple of blocks of 64");
    Recipe convolutions = Recipe.of(List.of(new RecipeRule(".*", "CONV_2D", configuration)));
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 4, 4, 32);
    int y = b.floats("y", 1, 4, 4, 8);
    Table stride = Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    int w = b.weights("w", 8, 1, 1, 32);
    Model convolution =
        b.operator("CONV_2D", stride, new int[] {x, w, -1}, y).inputs(x).outputs(y).build();
    assertThatThrownBy(() -> Planner.plan(convolution, convolutions))
        .hasMessageContaining("CONV_2D has no kernel for int4 weights with a scale per block");
  }

  @Test
  void onlyDynamicWithFourBitsHasBlocks() {
    assertThatThrownBy(() -> Recipe.dynamic().withBlock(32))
        .hasMessage("block 32: only mode dynamic with 4 bits has kernels for scales per block");
    assertThatThrownBy(() -> Recipe.weightOnly(4).withBlock(32)).hasMessageContaining("block 32");
    assertThatThrownBy(() -> FOUR_BITS.withBlock(48))
        .hasMessage("block 48: has to be one of 32, 64, 128, 256");
  }

  @Test
  void tableThatIsAlsoMultipliedIsStoredOnce() {
    ModelBuilder b = new ModelBuilder(5);
    int w = b.weights("w", 16, 64);
    int ids = b.tensor("ids", TensorType.INT32, 3);
    int rows = b.floats("rows", 3, 64);
    int y = b.floats("y", 3, 16);
    Model model =
        b.operator("EMBEDDING_LOOKUP", new int[] {ids, w}, rows)
            .operator("FULLY_CONNECTED", new int[] {rows, w, -1}, y)
            .inputs(ids)
            .outputs(y)
            .build();
    Model small = blocks(model, 32);
    assertThat(small.subgraphs().get(0).tensors())
        .filteredOn(small::isConstant)
        .extracting(Tensor::toString)
        .containsExactly("w int4[16, 64]", "w_scales float16[16, 2]");
    assertThat(closeness(small, true)).isGreaterThan(30);
  }

  @Test
  void whoeverCannotRunThemIsWarned() {
    Plan plan = plan(product(8, 64, 1, true, 0), FOUR_BITS.withBlock(32));
    assertThat(plan.warnings()).extracting(Reason::code).contains(Code.NEEDS_XNNPACK);
    assertThat(plan.warnings()).extracting(Reason::text).anyMatch(t -> t.contains("wrong results"));
  }

  /** A model that somebody else made. */
  private static Model foreign(int size, IntToDoubleFunction scale) {
    int rows = 6;
    int columns = 64;
    ModelBuilder b = new ModelBuilder(2);
    ByteBuffer half = ByteBuffer.allocateDirect(rows * columns / size * Short.BYTES);
    half.order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; half.hasRemaining(); i++) {
      half.putShort(
          (short) (Float.floatToIntBits((float) (scale.applyAsDouble(i) * 0x1p-112)) >> 13));
    }
    int scales =
        b.constant(
            Tensor.of("s", TensorType.FLOAT16, new int[] {rows, columns / size}), half.flip());
    byte[] codes = new byte[rows * columns / INT4_IN_A_BYTE];
    new Random(size).nextBytes(codes);
    Tensor w =
        Tensor.of("w", TensorType.INT4, new int[] {rows, columns})
            .blockwise(TensorType.INT4, scales, size);
    ByteBuffer bytes = ByteBuffer.allocateDirect(codes.length).put(codes).flip();
    return product(b, b.constant(w, bytes), rows, columns, 2, true, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64})
  void foreignCodesBecomeTheirValuesAndTheSameCodesAgain(int size) {
    Model model = foreign(size, i -> 0.125 * (i % 5 + 1));
    assertThat(closeness(model, true)).isGreaterThan(30);
    Folded folded = Fold.constantsOf(model);
    Plan plan =
        Planner.plan(folded.model(), FOUR_BITS.withBlock(size), Ranges.NONE, folded.known());
    Model again = Rewriter.rewrite(plan);
    assertThat(again.contents(tensor(again, "w"))).isEqualTo(model.contents(tensor(model, "w")));
    assertThat(again.contents(tensor(again, "w_scales")))
        .isEqualTo(model.contents(tensor(model, "s")));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16})
  void valuesOfBlocksThatNoKernelHasAreKnown(int size) {
    IntToDoubleFunction scale = i -> 0.25 * (i % 3 + 1);
    Model model = foreign(size, scale);
    Buffer values = Fold.values(model, tensor(model, "w")).orElseThrow();
    ByteBuffer codes = model.contents(tensor(model, "w"));
    for (int i = 0; i < 6 * 64; i++) {
      int both = codes.get(i / INT4_IN_A_BYTE);
      int code = (byte) (i % INT4_IN_A_BYTE == 0 ? both << 4 : both) >> 4;
      assertThat(values.bytes().getFloat(i * Float.BYTES))
          .isEqualTo((float) (code * scale.applyAsDouble(i / size)));
    }
  }

  @Test
  void scalesThatAreNotThereAreAnError() {
    ModelBuilder b = new ModelBuilder(2);
    Tensor w = Tensor.of("w", TensorType.INT4, new int[] {4, 32}).blockwise(TensorType.INT4, 0, 32);
    int weights = b.constant(w, ByteBuffer.allocateDirect(64));
    Path file = written("damaged.tflite", product(b, weights, 4, 32, 1, false, 0));
    Model read = Model.read(file); // number 0 is the weights themselves, which are no float16
    assertThat(tensor(read, "w").isBlockwise()).isFalse();
    assertThat(Fold.values(read, tensor(read, "w"))).isEmpty();
  }

  @Test
  void runtimeRefusesEightBits() {
    ModelBuilder b = new ModelBuilder(2);
    ByteBuffer half = ByteBuffer.allocateDirect(8 * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (half.hasRemaining()) {
      half.putShort((short) 0x3C00); // 1
    }
    int scales = b.constant(Tensor.of("s", TensorType.FLOAT16, new int[] {4, 2}), half.flip());
    Tensor w =
        Tensor.of("w", TensorType.INT8, new int[] {4, 64}).blockwise(TensorType.INT8, scales, 32);
    int weights = b.constant(w, ByteBuffer.allocateDirect(4 * 64));
    Path file = written("eight.tflite", product(b, weights, 4, 64, 1, false, 0));
    assertThatThrownBy(() -> Interpreter.open(file, Interpreter.Options.DEFAULT).close())
        .isInstanceOf(NarrowException.class);
  }
}
