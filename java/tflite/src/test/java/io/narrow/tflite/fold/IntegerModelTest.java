package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that are integer already, code for code, on the runtime. */
class IntegerModelTest {
  @TempDir private Path folder;

  /** Runs both: what is read stands for codes of one scale, so equal values are equal codes. */
  private Subgraph sameCodes(Path before, TensorType type) {
    Recipe recipe = Recipe.int8().withBoundary(type, type);
    Model made = Quantizer.DEFAULT.quantize(Model.read(before), recipe);
    Path after = folder.resolve("after.tflite");
    made.write(after);
    Subgraph graph = made.subgraphs().get(0);
    for (int boundary : graph.inputs()) {
      assertThat(graph.tensor(boundary).type()).isEqualTo(type);
    }
    for (int boundary : graph.outputs()) {
      assertThat(graph.tensor(boundary).type()).isEqualTo(type);
    }
    for (boolean xnnpack : new boolean[] {true, false}) {
      assertThat(RuntimeComparison.outputs(after, xnnpack))
          .usingElementComparator(Arrays::compare)
          .isEqualTo(RuntimeComparison.outputs(before, xnnpack));
    }
    return graph;
  }

  @ParameterizedTest
  @CsvSource({
    "mobilenet_v1_025_224_u8, INT8",
    "mobilenet_v1_025_224_u8, UINT8",
    "tiny_kws_dscnn_i8, UINT8",
    "tiny_kws_dscnn_i8, FLOAT32",
    "tiny_ad_fullint_floatio, FLOAT32",
    "yunet_i8, INT8"
  })
  void boundaryChangesAndCodesDoNot(String name, TensorType type) {
    sameCodes(Shared.file("models/zoo/" + name + ".tflite"), type);
  }

  @Test
  void conversionsAtTheBoundaryGoWhereIntegersAreAskedFor() {
    Model model = Model.read(Shared.file("models/zoo/tiny_ad_fullint_floatio.tflite"));
    Recipe recipe = Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8);
    Subgraph graph = Quantizer.DEFAULT.quantize(model, recipe).subgraphs().get(0);
    assertThat(graph.operators()).extracting(Operator::name).containsOnly("FULLY_CONNECTED");
    assertThat(graph.tensor(graph.inputs()[0]).name()).isEqualTo("input_1");
    assertThat(graph.tensor(graph.outputs()[0]).type()).isEqualTo(TensorType.INT8);
  }

  /** Pads, multiplies with weights around their zero point, pools an odd number of values. */
  private Path unsigned(int reach) {
    ModelBuilder builder = new ModelBuilder(3);
    Random random = new Random(3);
    int x = builder.computedLike("x", codes(.02f, 100, 1, 6, 6, 4));
    ByteBuffer weights = ByteBuffer.allocateDirect(3 * 3 * 3 * 4);
    while (weights.hasRemaining()) {
      weights.put((byte) (120 + random.nextInt(2 * reach) - reach));
    }
    int w = builder.constant(codes(.01f, 120, 3, 3, 3, 4), weights.flip());
    Tensor sum =
        Tensor.of("bias", TensorType.INT32, new int[] {3})
            .quantized(TensorType.INT32, new float[] {.02f * .01f}, new long[] {0}, 0);
    int bias =
        builder.constant(sum, ByteBuffer.allocateDirect(12).put(1, (byte) 5).put(9, (byte) 9));
    int paddings = builder.constant("paddings", new int[] {0, 0, 1, 1, 1, 1, 0, 0}, 4, 2);
    int padded = builder.computedLike("padded", codes(.02f, 100, 1, 8, 8, 4));
    int sums = builder.computedLike("sums", codes(.05f, 80, 1, 6, 6, 3));
    int means = builder.computedLike("means", codes(.05f, 80, 1, 2, 2, 3));
    Model model =
        builder
            .operator("PAD", Table.of("PadOptions"), new int[] {x, paddings}, padded)
            .operator(
                "CONV_2D",
                Table.of("Conv2DOptions")
                    .with("padding", 1)
                    .with("stride_w", 1)
                    .with("stride_h", 1),
                new int[] {padded, w, bias},
                sums)
            .operator(
                "AVERAGE_POOL_2D",
                Table.of("Pool2DOptions")
                    .with("padding", 1)
                    .with("stride_w", 3)
                    .with("stride_h", 3)
                    .with("filter_width", 3)
                    .with("filter_height", 3),
                new int[] {sums},
                means)
            .inputs(x)
            .outputs(means)
            .build();
    Path file = folder.resolve("before.tflite");
    model.write(file);
    return file;
  }

  private static Tensor codes(float scale, int zeroPoint, int... shape) {
    return Tensor.of("codes", TensorType.UINT8, shape)
        .quantized(TensorType.UINT8, new float[] {scale}, new long[] {zeroPoint}, 0);
  }

  @Test
  void weightsWithinInt8OfTheirZeroPointBecomeInt8() {
    Subgraph graph = sameCodes(unsigned(100), TensorType.INT8);
    assertThat(graph.operators())
        .extracting(Operator::name)
        .containsExactly("PAD", "CONV_2D", "AVERAGE_POOL_2D");
    assertThat(graph.tensors()).noneMatch(tensor -> tensor.type() == TensorType.UINT8);
  }

  /** In uint8 halves are rounded up, in int8 by some kernels away from the code 0. */
  @ParameterizedTest
  @CsvSource({
    "AVERAGE_POOL_2D, Pool2DOptions, false",
    "MEAN, ReducerOptions, true",
    "LOGISTIC, AbsOptions, true",
    "TANH, AbsOptions, true",
    "SOFTMAX, SoftmaxOptions, true",
    "ADD, AddOptions, true",
    "SUB, SubOptions, true",
    "MUL, MulOptions, true",
    "LEAKY_RELU, LeakyReluOptions, true",
    "RESIZE_BILINEAR, ResizeBilinearOptions, false",
    "L2_NORMALIZATION, L2NormOptions, false"
  })
  void whatRoundsOtherwiseInInt8StaysUint8(String name, String options, boolean becomesInt8) {
    ModelBuilder builder = new ModelBuilder(4);
    int x = builder.computedLike("x", codes(.03f, 131, 1, 8, 8, 4));
    int z = builder.computedLike("z", codes(.021f, 120, 1, 8, 8, 4));
    int axes = builder.constant("axes", new int[] {1, 2}, 2);
    int size = builder.constant("size", new int[] {5, 5}, 2);
    int[] in =
        switch (name) {
          case "ADD", "SUB", "MUL" -> new int[] {x, z};
          case "MEAN" -> new int[] {x, axes};
          case "RESIZE_BILINEAR" -> new int[] {x, size};
          default -> new int[] {x};
        };
    Tensor result =
        switch (name) {
          case "LOGISTIC", "SOFTMAX" -> codes(1f / 256, 0, 1, 8, 8, 4);
          case "TANH", "L2_NORMALIZATION" -> codes(1f / 128, 128, 1, 8, 8, 4);
          case "MEAN" -> codes(.03f, 131, 1, 4);
          case "AVERAGE_POOL_2D" -> codes(.03f, 131, 1, 4, 4, 4);
          case "RESIZE_BILINEAR" -> codes(.03f, 131, 1, 5, 5, 4);
          default -> codes(.04f, 131, 1, 8, 8, 4);
        };
    int y = builder.computedLike("y", result);
    Table table = Table.of(options);
    if (name.equals("AVERAGE_POOL_2D")) {
      for (String field : List.of("stride_w", "stride_h", "filter_width", "filter_height")) {
        table = table.with(field, 2);
      }
    } else if (name.equals("SOFTMAX")) {
      table = table.with("beta", 1f);
    } else if (name.equals("LEAKY_RELU")) {
      table = table.with("alpha", .1f);
    }
    Model model =
        builder
            .operator(name, table, in, y)
            .inputs(in.length == 2 && in[1] == z ? new int[] {x, z} : new int[] {x})
            .outputs(y)
            .build();
    Path file = folder.resolve("before.tflite");
    model.write(file);
    assertThat(sameCodes(file, TensorType.INT8).operators()).hasSize(becomesInt8 ? 1 : 3);
  }

  /** Weights that were int8 beside float activations are not rounded again. */
  @ParameterizedTest
  @ValueSource(strings = {"tiny_kws_dscnn_dynrange", "tiny_ad_dynrange", "yunet_dyn", "dtln1_dyn"})
  void codesOfDynamicRangeFilesStayWhatTheyAre(String name) {
    Model model = Model.read(Shared.file("models/zoo/" + name + ".tflite"));
    Folded folded = Fold.of(model);
    Ranges ranges = (subgraph, tensor, whole) -> Optional.of(new FloatRange(-3, 4, 0, 0));
    for (Mode mode : List.of(Mode.DYNAMIC, Mode.WEIGHT_ONLY, Mode.INT8, Mode.INT16X8)) {
      Model made =
          Rewriter.rewrite(Planner.plan(folded.model(), Recipe.of(mode), ranges, folded.known()));
      assertThat(weights(made)).as("%s", mode).containsAll(weights(model));
    }
  }

  private static List<ByteBuffer> weights(Model model) {
    return model.subgraphs().get(0).tensors().stream()
        .filter(tensor -> tensor.type() == TensorType.INT8 && model.isConstant(tensor))
        .map(model::contents)
        .toList();
  }

  @Test
  void weightsThatReachFurtherStayUint8BetweenShifts() {
    Path file = unsigned(136);
    Subgraph graph = sameCodes(file, TensorType.INT8);
    assertThat(graph.operators())
        .extracting(Operator::name)
        .containsExactly("PAD", "QUANTIZE", "CONV_2D", "QUANTIZE", "AVERAGE_POOL_2D");
    Quantizer.Prepared prepared = Quantizer.DEFAULT.prepare(Model.read(file));
    assertThat(prepared.warnings(prepared.plan(Recipe.int8())))
        .anyMatch(line -> line.startsWith("1 CONV_2D stay uint8: "));
  }
}
