package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.fold.Folded;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Weights that are codes times a step already. Reports: google-ai-edge/litert-samples#257 (weights
 * that are none), google-ai-edge/LiteRT-LM#2497 (checkpoints of Q4_0, whose codes reach -8),
 * google-ai-edge/litert-torch#588 (worse after training for quantization than without).
 */
class RecoveryTest {
  private static final int ROWS = 8;
  private static final int COLUMNS = 64;

  private static Model product(float[] weights) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, COLUMNS);
    int w = b.constant("w", weights, ROWS, COLUMNS);
    int y = b.floats("y", 1, ROWS);
    Table options = Table.of("FullyConnectedOptions");
    return b.operator("FULLY_CONNECTED", options, new int[] {x, w, -1}, y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  private static int code(ByteBuffer codes, int bits, int i) {
    int both = codes.get(bits == 4 ? i / 2 : i);
    return bits == 8 ? both : (byte) (i % 2 == 0 ? both << 4 : both) >> 4;
  }

  private static Recipe recipe(int bits, int block) {
    Recipe recipe = Recipe.dynamic().withBits(bits).withMinimumElements(0).withRecovery();
    return block == 0 ? recipe : recipe.withBlock(block);
  }

  @ParameterizedTest
  @CsvSource({"8, 0", "4, 0", "4, 32"})
  void codesAreThoseThatWeightsWereMadeOf(int bits, int block) {
    Random random = new Random(bits + block);
    int size = block == 0 ? COLUMNS : block;
    int most = bits == 4 ? 7 : 127;
    int[] codes = new int[ROWS * COLUMNS];
    float[] weights = new float[codes.length];
    for (int i = 0; i < codes.length; i++) {
      // Steps that bfloat16 has; 2 and 7 in each, so that no larger step will do.
      float step = (1 + i / size % 5 / 8f) / 64;
      codes[i] = i % size < 2 ? 2 + 5 * (i % size) : random.nextInt(2 * most + 1) - most;
      weights[i] = codes[i] * step;
    }
    Plan plan = Planner.plan(product(weights), recipe(bits, block));
    TensorPlan tensor = plan.tensors().get(0);
    assertThat(tensor.encoding().block()).isEqualTo(block);
    Model model = Rewriter.rewrite(plan);
    Tensor stored = model.subgraphs().get(0).tensor(1);
    for (int i = 0; i < codes.length; i++) {
      assertThat(code(model.contents(stored), bits, i)).isEqualTo(codes[i]);
    }
    ByteBuffer values = Fold.values(model, stored).orElseThrow().bytes();
    for (float weight : weights) {
      assertThat(values.getFloat()).isEqualTo(weight);
    }
  }

  /** ai-edge-quantizer takes the smallest difference for the step, which is 2 steps here. */
  @Test
  void stepNeedNotBeADifference() {
    float[] weights = new float[ROWS * COLUMNS];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (i % 2 == 0 ? 3 : -5) * 0.01f;
    }
    Model model = Rewriter.rewrite(Planner.plan(product(weights), recipe(4, 0)));
    ByteBuffer codes = model.contents(model.subgraphs().get(0).tensor(1));
    assertThat(code(codes, 4, 0)).isEqualTo(3);
    assertThat(code(codes, 4, 1)).isEqualTo(-5);
  }

  @Test
  void fourBitsReachMinusEight() {
    float[] weights = new float[ROWS * COLUMNS];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (i % 16 - 8) * 0.25f;
    }
    Model model = Rewriter.rewrite(Planner.plan(product(weights), recipe(4, 32)));
    ByteBuffer codes = model.contents(model.subgraphs().get(0).tensor(1));
    for (int i = 0; i < 16; i++) {
      assertThat(code(codes, 4, i)).isEqualTo(i - 8);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 4})
  void weightsOnNoGridStayFloatAndSayWhy(int bits) {
    float[] weights = new float[ROWS * COLUMNS];
    Random random = new Random(7);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    TensorPlan tensor = Planner.plan(product(weights), recipe(bits, 0)).tensors().get(0);
    assertThat(tensor.isFloat()).isTrue();
    assertThat(tensor.reason().code()).isEqualTo(Code.NO_GRID);
    assertThat(tensor.reason().text()).contains("no multiples of a step for each channel");
    Recipe integers = Recipe.int8().withRecovery();
    Plan plan = Planner.plan(product(weights), integers, Ranges.ASSUMED);
    assertThat(plan.operators().get(0).reason().code()).isEqualTo(Code.NO_GRID);
  }

  @Test
  void channelsOfZerosAreCodes() {
    Model model = Rewriter.rewrite(Planner.plan(product(new float[ROWS * COLUMNS]), recipe(8, 0)));
    assertThat(model.subgraphs().get(0).tensor(1).type()).isEqualTo(TensorType.INT8);
  }

  @Test
  void gptqNeedsData() {
    OperatorConfiguration together =
        OperatorConfiguration.of(Mode.DYNAMIC).withMinimumElements(0).withCodesTogether();
    assertThatThrownBy(
            () -> Quantizer.DEFAULT.quantize(product(new float[512]), Recipe.of(together)))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("needs representative data to round weights together");
  }

  /** Of models that were trained for it, widened and recovered, against what they had. */
  @ParameterizedTest
  @ValueSource(strings = {"qat_dense_only", "qat_residual", "qat_two_outputs"})
  void trainedWeightsKeepTheirCodes(String name) {
    Path file = Path.of("../../../shared/models/qat/" + name + "_qdq.tflite");
    Assumptions.assumeTrue(Files.exists(file), file + " is not here");
    Folded trained = Fold.constantsOf(Model.read(file));
    Recipe recipe = Recipe.of(OperatorConfiguration.of(Mode.WEIGHT_ONLY)).withRecovery();
    Plan plan = Planner.plan(trained.model(), recipe); // which is not told what is known
    int kept = 0;
    for (TensorPlan tensor : plan.tensors()) {
      Optional<Buffer> known =
          trained.known().of(tensor.subgraph(), tensor.tensor()).flatMap(k -> k.codes());
      if (known.isPresent() && !tensor.isFloat()) {
        assertThat(tensor.codes().orElseThrow().bytes()).isEqualTo(known.get().bytes());
        kept++;
      }
    }
    assertThat(kept).isPositive();
  }
}
