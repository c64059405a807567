package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the operator table claims is what the stock runtime does: a model of one operator for every
 * row, quantized in every mode, run with XNNPACK and without, and compared with the float model.
 */
class OneOperatorTest {
  private static final Table STRIDE_1 =
      Table.of("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);

  /** In every kernel there is, the slow ones too. */
  private static final Recipe HYBRID =
      Recipe.dynamic().withMinimumElements(0).withPreference(Preference.SIZE);

  static final Map<String, Function<ModelBuilder, ModelBuilder>> MODELS = new TreeMap<>();

  static {
    MODELS.put("CONV_2D", b -> convolution(b, 8));
    MODELS.put("CONV_2D grouped", b -> convolution(b, 4));
    MODELS.put(
        "DEPTHWISE_CONV_2D",
        b -> {
          int x = b.floats("x", 1, 9, 9, 40);
          int w = b.weights("w", 1, 3, 3, 40);
          int bias = b.weights("bias", 40);
          int y = b.floats("y", 1, 9, 9, 40);
          Table options =
              Table.of("DepthwiseConv2DOptions")
                  .with("stride_w", 1)
                  .with("stride_h", 1)
                  .with("depth_multiplier", 1);
          return b.operator("DEPTHWISE_CONV_2D", options, new int[] {x, w, bias}, y)
              .inputs(x)
              .outputs(y);
        });
    MODELS.put("FULLY_CONNECTED", b -> fullyConnected(b, true));
    MODELS.put("FULLY_CONNECTED without bias", b -> fullyConnected(b, false));
    MODELS.put(
        "TRANSPOSE_CONV",
        b -> {
          int x = b.floats("x", 1, 5, 5, 8);
          int shape = b.constant("shape", new int[] {1, 10, 10, 6}, 4);
          int w = b.weights("w", 6, 3, 3, 8);
          int y = b.floats("y", 1, 10, 10, 6);
          Table options = Table.of("TransposeConvOptions").with("stride_w", 2).with("stride_h", 2);
          return b.operator("TRANSPOSE_CONV", options, new int[] {shape, w, x}, y)
              .inputs(x)
              .outputs(y);
        });
    MODELS.put("BATCH_MATMUL", b -> matrixProduct(b, false));
    MODELS.put("BATCH_MATMUL transposed", b -> matrixProduct(b, true));
    MODELS.put(
        "EMBEDDING_LOOKUP",
        b -> {
          int ids = b.tensor("ids", TensorType.INT32, 6);
          int w = b.weights("w", 40, 24);
          int y = b.floats("y", 6, 24);
          return b.operator("EMBEDDING_LOOKUP", new int[] {ids, w}, y).inputs(ids).outputs(y);
        });
    MODELS.put(
        "GATHER",
        b -> {
          int w = b.weights("w", 40, 24);
          int ids = b.tensor("ids", TensorType.INT32, 6);
          int y = b.floats("y", 6, 24);
          return b.operator("GATHER", Table.of("GatherOptions"), new int[] {w, ids}, y)
              .inputs(ids)
              .outputs(y);
        });
    MODELS.put(
        "FULLY_CONNECTED beside GATHER",
        b -> {
          int w = b.weights("w", 40, 24);
          int ids = b.tensor("ids", TensorType.INT32, 6);
          int rows = b.floats("rows", 6, 24);
          int y = b.floats("y", 6, 40);
          return b.operator("GATHER", Table.of("GatherOptions"), new int[] {w, ids}, rows)
              .operator(
                  "FULLY_CONNECTED", Table.of("FullyConnectedOptions"), new int[] {rows, w, -1}, y)
              .inputs(ids)
              .outputs(y);
        });
    MODELS.put("LSTM", b -> lstm(b, false));
    MODELS.put("UNIDIRECTIONAL_SEQUENCE_LSTM", b -> lstm(b, true));
    MODELS.put("BIDIRECTIONAL_SEQUENCE_LSTM", OneOperatorTest::bidirectionalLstm);
    MODELS.put("RNN", b -> rnn(b, false));
    MODELS.put("UNIDIRECTIONAL_SEQUENCE_RNN", b -> rnn(b, true));
    MODELS.put("BIDIRECTIONAL_SEQUENCE_RNN", OneOperatorTest::bidirectionalRnn);
    MODELS.put(
        "SVDF",
        b -> {
          int x = b.floats("x", 2, 16);
          int feature = b.weights("feature", 12, 16);
          int time = b.weights("time", 12, 8);
          int bias = b.weights("bias", 12);
          int state = b.variable("state", 2, 96);
          int y = b.floats("y", 2, 12);
          return b.operator(
                  "SVDF",
                  Table.of("SVDFOptions").with("rank", 1),
                  new int[] {x, feature, time, bias, state},
                  y)
              .inputs(x)
              .outputs(y);
        });
  }

  private static ModelBuilder convolution(ModelBuilder b, int channelsOfWeights) {
    int x = b.floats("x", 1, 9, 9, 8);
    int w = b.weights("w", 12, 3, 3, channelsOfWeights);
    int bias = b.weights("bias", 12);
    int y = b.floats("y", 1, 9, 9, 12);
    return b.operator("CONV_2D", STRIDE_1, new int[] {x, w, bias}, y).inputs(x).outputs(y);
  }

  private static ModelBuilder fullyConnected(ModelBuilder b, boolean withBias) {
    int x = b.floats("x", 3, 48);
    int w = b.weights("w", 20, 48);
    int bias = withBias ? b.weights("bias", 20) : -1;
    int y = b.floats("y", 3, 20);
    return b.operator(
            "FULLY_CONNECTED", Table.of("FullyConnectedOptions"), new int[] {x, w, bias}, y)
        .inputs(x)
        .outputs(y);
  }

  private static ModelBuilder matrixProduct(ModelBuilder b, boolean transposed) {
    int x = b.floats("x", 2, 5, 32);
    int w = transposed ? b.weights("w", 2, 24, 32) : b.weights("w", 2, 32, 24);
    int y = b.floats("y", 2, 5, 24);
    Table options = Table.of("BatchMatMulOptions").with("adj_y", transposed ? 1 : 0);
    return b.operator("BATCH_MATMUL", options, new int[] {x, w}, y).inputs(x).outputs(y);
  }

  /** Adds the inputs 1 to 15 of an LSTM without projection and layer normalization. */
  private static void lstmWeights(ModelBuilder b, int[] in, int from, String name) {
    for (int i = 0; i < 4; i++) {
      in[from + i] = b.weights(name + "input" + i, 12, 10);
      in[from + 4 + i] = b.weights(name + "recurrent" + i, 12, 12);
      in[from + 11 + i] = b.weights(name + "bias" + i, 12);
    }
    for (int i = 0; i < 3; i++) {
      in[from + 8 + i] = b.weights(name + "peephole" + i, 12);
    }
  }

  private static int[] none(int count) {
    int[] in = new int[count];
    Arrays.fill(in, -1);
    return in;
  }

  private static ModelBuilder lstm(ModelBuilder b, boolean sequence) {
    int[] in = none(24);
    in[0] = sequence ? b.floats("x", 2, 5, 10) : b.floats("x", 2, 10);
    lstmWeights(b, in, 1, "");
    in[18] = b.variable("output state", 2, 12);
    in[19] = b.variable("cell state", 2, 12);
    int y = sequence ? b.floats("y", 2, 5, 12) : b.floats("y", 2, 12);
    int tanh = 4;
    return (sequence
            ? b.operator(
                "UNIDIRECTIONAL_SEQUENCE_LSTM",
                Table.of("UnidirectionalSequenceLSTMOptions")
                    .with("fused_activation_function", tanh),
                in,
                y)
            : b.operator(
                "LSTM", Table.of("LSTMOptions").with("fused_activation_function", tanh), in, y))
        .inputs(in[0])
        .outputs(y);
  }

  private static ModelBuilder bidirectionalLstm(ModelBuilder b) {
    int[] in = none(48);
    in[0] = b.floats("x", 2, 5, 10);
    lstmWeights(b, in, 1, "forward ");
    lstmWeights(b, in, 18, "backward ");
    for (int i = 35; i < 39; i++) {
      in[i] = b.variable("state" + i, 2, 12);
    }
    int forward = b.floats("y", 2, 5, 12);
    int backward = b.floats("z", 2, 5, 12);
    Table options =
        Table.of("BidirectionalSequenceLSTMOptions")
            .with("fused_activation_function", 4)
            .with("time_major", 0);
    return b.operator("BIDIRECTIONAL_SEQUENCE_LSTM", options, in, forward, backward)
        .inputs(in[0])
        .outputs(forward, backward);
  }

  private static ModelBuilder rnn(ModelBuilder b, boolean sequence) {
    int x = sequence ? b.floats("x", 2, 5, 10) : b.floats("x", 2, 10);
    int w = b.weights("w", 12, 10);
    int recurrent = b.weights("recurrent", 12, 12);
    int bias = b.weights("bias", 12);
    int state = b.variable("state", 2, 12);
    int y = sequence ? b.floats("y", 2, 5, 12) : b.floats("y", 2, 12);
    int[] in = {x, w, recurrent, bias, state};
    return (sequence
            ? b.operator(
                "UNIDIRECTIONAL_SEQUENCE_RNN",
                Table.of("SequenceRNNOptions").with("fused_activation_function", 4),
                in,
                y)
            : b.operator("RNN", Table.of("RNNOptions").with("fused_activation_function", 4), in, y))
        .inputs(x)
        .outputs(y);
  }

  private static ModelBuilder bidirectionalRnn(ModelBuilder b) {
    int[] in = none(12);
    in[0] = b.floats("x", 2, 5, 10);
    for (int direction = 0; direction < 2; direction++) {
      int at = 1 + 4 * direction;
      in[at] = b.weights("w" + direction, 12, 10);
      in[at + 1] = b.weights("recurrent" + direction, 12, 12);
      in[at + 2] = b.weights("bias" + direction, 12);
      in[at + 3] = b.variable("state" + direction, 2, 12);
    }
    int forward = b.floats("y", 2, 5, 12);
    int backward = b.floats("z", 2, 5, 12);
    Table options =
        Table.of("BidirectionalSequenceRNNOptions").with("fused_activation_function", 4);
    return b.operator("BIDIRECTIONAL_SEQUENCE_RNN", options, in, forward, backward)
        .inputs(in[0])
        .outputs(forward, backward);
  }

  static Stream<String> models() {
    return MODELS.keySet().stream();
  }

  @Test
  void everyRowHasAModel() {
    TreeSet<String> built = new TreeSet<>();
    MODELS.keySet().forEach(name -> built.add(name.split(" ")[0]));
    assertThat(OpRules.rows().stream().filter(OpRule::hasWeights).map(OpRule::operator))
        .containsExactlyInAnyOrderElementsOf(built);
  }

  @ParameterizedTest
  @MethodSource("models")
  void dynamicInt8(String name, @TempDir Path folder) {
    compare(name, HYBRID, TensorType.INT8, 24, folder);
  }

  @ParameterizedTest
  @MethodSource("models")
  void dynamicInt4WhereAKernelHasIt(String name, @TempDir Path folder) {
    boolean four =
        OpRules.of(name.split(" ")[0]).kernel(TensorType.INT4).isPresent()
            && !name.contains("GATHER"); // shares the weights, and has none
    compare(
        name, HYBRID.withBits(4), four ? TensorType.INT4 : TensorType.INT8, four ? 10 : 24, folder);
  }

  @ParameterizedTest
  @MethodSource("models")
  void weightOnlyInt8(String name, @TempDir Path folder) {
    compare(name, Recipe.weightOnly(8), TensorType.INT8, 30, folder);
  }

  @ParameterizedTest
  @MethodSource("models")
  void weightOnlyInt4(String name, @TempDir Path folder) {
    compare(name, Recipe.weightOnly(4), null, 10, folder);
  }

  @ParameterizedTest
  @MethodSource("models")
  void float16(String name, @TempDir Path folder) {
    compare(name, Recipe.float16(), TensorType.FLOAT16, 55, folder);
  }

  /** Quantizes the model of this name and checks that it runs and comes near the float model. */
  private static void compare(
      String name, Recipe recipe, TensorType type, double sqnr, Path folder) {
    Model model = MODELS.get(name).apply(new ModelBuilder(name.hashCode())).build();
    Plan plan = Planner.plan(model, recipe);
    assertThat(plan.changesAnything()).as("%s: %s", name, plan.tensors()).isTrue();
    if (type != null) {
      assertThat(plan.tensors()).anyMatch(tensor -> tensor.type() == type);
    }
    Path before = folder.resolve("float.tflite");
    Path after = folder.resolve("quantized.tflite");
    model.write(before);
    Rewriter.rewrite(plan).write(after);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
          .as("%s, %s, XNNPACK %s", name, recipe, xnnpack)
          .isGreaterThan(sqnr);
    }
  }
}
