package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

  private Path signed(Path before) {
    return signed(before, Preference.USUAL);
  }

  private Path signed(Path before, Preference preference) {
    Recipe recipe =
        Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8).withPreference(preference);
    Path after = folder.resolve("after.tflite");
    Quantizer.DEFAULT.quantize(Model.read(before), recipe).write(after);
    assertThat(Model.read(after).subgraphs().get(0).tensors())
        .noneMatch(tensor -> tensor.type() == TensorType.UINT8);
    return after;
  }

  private static List<String> said(Path file) {
    Quantizer.Prepared prepared = Quantizer.DEFAULT.prepare(Model.read(file));
    return prepared.warnings(prepared.plan(Recipe.int8())).stream().map(Reason::text).toList();
  }

  /** One channel or a few of each of its 27 weights reach beyond int8. */
  @Test
  void publishedUint8ModelBecomesInt8Throughout() {
    Path before = Shared.file("models/zoo/mobilenet_v1_025_224_u8.tflite");
    Path after = signed(before);
    assertThat(RuntimeComparison.outputs(after, true))
        .usingElementComparator(Arrays::compare)
        .isEqualTo(RuntimeComparison.outputs(before, true));
    // The built-in kernels, of int8 and of uint8, round some values between two codes differently.
    assertThat(RuntimeComparison.sqnr(before, after, false)).isGreaterThan(20);
    assertThat(said(before)).anyMatch(line -> line.startsWith("27 with weights further"));
    Path fast = signed(before, Preference.SPEED);
    assertThat(Model.read(fast).subgraphs().get(0).operators())
        .hasSameSizeAs(Model.read(before).subgraphs().get(0).operators());
    assertThat(RuntimeComparison.sqnr(before, fast, true)).isGreaterThan(15);
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
    "L2_NORMALIZATION, L2NormOptions, false",
    "CONCATENATION, ConcatenationOptions, false"
  })
  void whatRoundsOtherwiseInInt8IsOneCodeOffAndSaid(String name, String options, boolean exact) {
    ModelBuilder builder = new ModelBuilder(4);
    int x = builder.computedLike("x", codes(.03f, 131, 1, 8, 8, 4));
    int z = builder.computedLike("z", codes(.021f, 120, 1, 8, 8, 4));
    int axes = builder.constant("axes", new int[] {1, 2}, 2);
    int size = builder.constant("size", new int[] {5, 5}, 2);
    int[] in =
        switch (name) {
          case "ADD", "SUB", "MUL", "CONCATENATION" -> new int[] {x, z};
          case "MEAN" -> new int[] {x, axes};
          case "RESIZE_BILINEAR" -> new int[] {x, size};
          default -> new int[] {x};
        };
    Tensor result =
        switch (name) {
          case "LOGISTIC", "SOFTMAX" -> codes(1f / 256, 0, 1, 8, 8, 4);
          case "TANH", "L2_NORMALIZATION" -> codes(1f / 128, 128, 1, 8, 8, 4);
          case "MEAN" -> codes(.03f, 131, 1, 4);
          case "CONCATENATION" -> codes(.03f, 131, 1, 8, 8, 8);
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
    } else if (name.equals("CONCATENATION")) {
      table = table.with("axis", 3);
    }
    Model model =
        builder
            .operator(name, table, in, y)
            .inputs(in.length == 2 && in[1] == z ? new int[] {x, z} : new int[] {x})
            .outputs(y)
            .build();
    Path file = folder.resolve("before.tflite");
    model.write(file);
    assertThat(said(file).stream().anyMatch(line -> line.startsWith("1 that int8 kernels round")))
        .isNotEqualTo(exact);
    if (exact) {
      assertThat(sameCodes(file, TensorType.INT8).operators()).hasSize(1);
      return;
    }
    Path after = signed(file);
    for (boolean xnnpack : new boolean[] {true, false}) {
      List<float[]> expected = RuntimeComparison.outputs(file, xnnpack);
      List<float[]> actual = RuntimeComparison.outputs(after, xnnpack);
      for (int i = 0; i < expected.size(); i++) {
        for (int k = 0; k < expected.get(i).length; k++) {
          assertThat(actual.get(i)[k])
              .isCloseTo(expected.get(i)[k], within(1.01f * result.scales()[0]));
        }
      }
    }
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

  /** How far the weights of one channel, or of some, reach. */
  private record Far(String operator, int zeroPoint, int[] channels, boolean added) {
    private static final int CHANNELS = 12;

    boolean last() {
      return operator.equals("DEPTHWISE_CONV_2D");
    }

    boolean dense() {
      return operator.equals("FULLY_CONNECTED");
    }

    /** Codes less their zero point: all that there are in channels that reach far. */
    int[] weights() {
      Random random = new Random(5);
      int[] weights = new int[CHANNELS * CHANNELS];
      for (int i = 0; i < weights.length; i++) {
        int c = last() ? i % CHANNELS : i / CHANNELS;
        boolean reaches = Arrays.stream(channels).anyMatch(far -> far == c);
        int most = reaches ? 255 - zeroPoint : Math.min(127, 255 - zeroPoint);
        int least = Math.max(reaches ? -255 : -127, -zeroPoint);
        weights[i] = least + random.nextInt(most - least + 1);
        int end = -least > most ? least : most;
        weights[i] = i == c * (last() ? 1 : CHANNELS) ? end : weights[i];
      }
      return weights;
    }

    Model model() {
      int[] image = dense() ? new int[] {5, CHANNELS} : new int[] {1, 4, 4, CHANNELS};
      ModelBuilder builder = new ModelBuilder(3);
      int x = builder.computedLike("x", codes(.02f, 100, image));
      int[] shape =
          dense()
              ? new int[] {CHANNELS, CHANNELS}
              : last() ? new int[] {1, 3, 4, CHANNELS} : new int[] {CHANNELS, 1, 1, CHANNELS};
      ByteBuffer stored = ByteBuffer.allocateDirect(CHANNELS * CHANNELS);
      for (int weight : weights()) {
        stored.put((byte) (weight + zeroPoint));
      }
      int w = builder.constant(codes(.01f, zeroPoint, shape), stored.flip());
      Tensor sum =
          Tensor.of("bias", TensorType.INT32, new int[] {CHANNELS})
              .quantized(TensorType.INT32, new float[] {.02f * .01f}, new long[] {0}, 0);
      ByteBuffer sums = ByteBuffer.allocateDirect(4 * CHANNELS).order(ByteOrder.LITTLE_ENDIAN);
      for (int c = 0; c < CHANNELS; c++) {
        sums.putInt(4 * c, 700 * c - 2000);
      }
      int bias = added ? builder.constant(sum, sums) : -1;
      int y = builder.computedLike("y", codes(.107f, 110, image));
      Table options =
          switch (operator) {
            case "FULLY_CONNECTED" -> Table.of("FullyConnectedOptions");
            case "TRANSPOSE_CONV" -> Table.of("TransposeConvOptions");
            case "DEPTHWISE_CONV_2D" ->
                Table.of("DepthwiseConv2DOptions")
                    .with("depth_multiplier", 1)
                    .with("fused_activation_function", 1);
            default -> Table.of("Conv2DOptions").with("fused_activation_function", 3);
          };
      options = dense() ? options : options.with("stride_w", 1).with("stride_h", 1);
      int[] in = {x, w, bias};
      if (operator.equals("TRANSPOSE_CONV")) {
        in = new int[] {builder.constant("shape", image, 4), w, x, bias};
      }
      return builder.operator(operator, options, in, y).inputs(x).outputs(y).build();
    }
  }

  /** One channel, two neighbours, the ends; weights of three parts, of either sign. */
  @ParameterizedTest
  @ValueSource(
      strings = {"CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "FULLY_CONNECTED -", "DEPTHWISE"})
  void weightsThatReachFurtherAreAddedUpInParts(String name) {
    String operator = name.startsWith("DEPTH") ? "DEPTHWISE_CONV_2D" : name.split(" ")[0];
    for (int zeroPoint : new int[] {0, 1, 100, 255}) {
      for (int[] channels : new int[][] {{2}, {4, 5}, {0, 11}}) {
        Far far = new Far(operator, zeroPoint, channels, !name.endsWith("-"));
        Path before = folder.resolve("before.tflite");
        far.model().write(before);
        Path after = signed(before);
        String line = "1 with weights further";
        assertThat(said(before)).as("%s", far).anyMatch(each -> each.startsWith(line));
        for (boolean xnnpack : new boolean[] {true, false}) {
          List<float[]> first = RuntimeComparison.outputs(before, xnnpack);
          List<float[]> second = RuntimeComparison.outputs(after, xnnpack);
          // Of FULLY_CONNECTED the built-in kernels for uint8 and int8 round differently.
          float codes = far.dense() && !xnnpack ? 1.01f : .01f;
          for (int i = 0; i < first.size(); i++) {
            assertThat(second.get(i))
                .as("%s, XNNPACK %s", far, xnnpack)
                .containsExactly(first.get(i), within(.107f * codes));
          }
        }
      }
    }
  }

  /**
   * Where that would take more weights than there are, those channels are rounded, and no other.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 100, 255})
  void channelsAreRoundedWhereTheyWouldBeTooMany(int zeroPoint) {
    int[] channels = {1, 3, 4, 9};
    Far far = new Far("DEPTHWISE_CONV_2D", zeroPoint, channels, true);
    Path before = folder.resolve("before.tflite");
    far.model().write(before);
    Path after = signed(before);
    assertThat(said(before)).anyMatch(line -> line.startsWith("1 with channels that reach"));
    Model model = Model.read(after);
    Subgraph graph = model.subgraphs().get(0);
    Tensor weights = graph.tensor(graph.operators().get(0).input(1));
    ByteBuffer codes = model.contents(weights);
    float[] scales = weights.scales();
    int[] expected = far.weights();
    for (int i = 0; i < expected.length; i++) {
      int c = i % scales.length;
      double value = codes.get(i) * (double) scales[c];
      assertThat(value).isCloseTo(expected[i] * .01, within(scales[c] / 2 + 1e-7));
      assertThat(codes.get(i)).isNotEqualTo(Byte.MIN_VALUE);
      boolean reaches = Arrays.stream(channels).anyMatch(each -> each == c);
      assertThat(scales[c] > .010001f).isEqualTo(reaches);
    }
    for (boolean xnnpack : new boolean[] {true, false}) {
      float[] first = RuntimeComparison.outputs(before, xnnpack).get(0);
      float[] second = RuntimeComparison.outputs(after, xnnpack).get(0);
      for (int k = 0; k < first.length; k++) {
        int c = k % Far.CHANNELS;
        boolean reaches = Arrays.stream(channels).anyMatch(each -> each == c);
        assertThat(second[k]).isCloseTo(first[k], within(reaches ? .401f : .001f));
      }
    }
  }

  /** Rows that are looked up have the scale and zero point of what they are copied to. */
  @Test
  void tablesOfUint8KeepTheirCodes() {
    ModelBuilder builder = new ModelBuilder(3);
    int x = builder.computedLike("x", codes(.02f, 100, 1, 4));
    ByteBuffer rows = ByteBuffer.allocateDirect(12);
    for (int i = 0; i < 12; i++) {
      rows.put((byte) (23 * i));
    }
    int table = builder.constant(codes(.02f, 100, 3, 4), rows.flip());
    int places = builder.constant("places", new int[] {2, 0}, 2);
    int row = builder.computedLike("row", codes(.02f, 100, 2, 4));
    int sum = builder.computedLike("sum", codes(.04f, 110, 2, 4));
    Path file = folder.resolve("before.tflite");
    builder
        .operator("GATHER", Table.of("GatherOptions"), new int[] {table, places}, row)
        .operator("ADD", Table.of("AddOptions"), new int[] {x, row}, sum)
        .inputs(x)
        .outputs(sum)
        .build()
        .write(file);
    assertThat(sameCodes(file, TensorType.INT8).tensors())
        .noneMatch(tensor -> tensor.type() == TensorType.UINT8);
  }

  /** What nobody knows is given uint8, as before. */
  @Test
  void whatHasNoInt8KernelStaysUint8BetweenShifts() {
    ModelBuilder builder = new ModelBuilder(3);
    int x = builder.computedLike("x", codes(.02f, 100, 1, 4));
    int sum = builder.computedLike("sum", codes(.04f, 110, 1, 4));
    int y = builder.computedLike("y", codes(.04f, 110, 1, 4));
    Model model =
        builder
            .operator("ADD", Table.of("AddOptions"), new int[] {x, x}, sum)
            .operator("CUSTOM", new int[] {sum}, y)
            .inputs(x)
            .outputs(y)
            .build();
    Quantizer.Prepared prepared = Quantizer.DEFAULT.prepare(model);
    Plan plan = prepared.plan(Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8));
    assertThat(Rewriter.rewrite(plan).subgraphs().get(0).operators())
        .extracting(operator -> operator.name().split(":")[0])
        .containsExactly("ADD", "QUANTIZE", "CUSTOM", "QUANTIZE");
    assertThat(prepared.warnings(plan)).anyMatch(line -> line.text().contains("stay uint8"));
  }
}
