package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.end;
import static io.narrow.tflite.rewrite.IntegerModels.one;
import static io.narrow.tflite.rewrite.IntegerModels.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the operator table calls float has a kernel that refuses integers, or is wrong: a model of
 * one operator each is forced into integers and run on the stock runtime. The table is complete
 * with those that {@link IntegerOperatorTest} runs.
 */
class NoIntegerKernelTest {
  /** Wrong by more than any rounding. */
  private static final double WRONG = 20;

  private static final Map<String, UnaryOperator<ModelBuilder>> MODELS = new TreeMap<>();

  static {
    IntegerModels.MODELS.forEach((name, model) -> MODELS.putIfAbsent(word(name), model.build()));
    for (String operator :
        List.of("CEIL", "COS", "FLOOR", "NEG", "ROUND", "SIGN", "SIN", "SQUARE", "ZEROS_LIKE")) {
      int[] shape = {4, 60};
      MODELS.putIfAbsent(operator, b -> one(b, operator, null, shape, shape));
    }
    for (String operator :
        List.of("ADD_N", "ATAN2", "FLOOR_DIV", "STABLEHLO_ADD", "STABLEHLO_MULTIPLY")) {
      MODELS.put(
          operator,
          b -> {
            int[] in = {b.floats("x", 4, 60), b.floats("z", 4, 60)};
            return end(b, operator, null, in, in[0], 4, 60).inputs(in);
          });
    }
    MODELS.put(
        "FLOOR_MOD", // right as long as no divisor rounds to zero, which stops the model
        b -> {
          int x = b.floats("x", 4, 2);
          int[] in = {x, b.constant("divisors", new float[] {.3f, 1e-6f}, 2)};
          return end(b, "FLOOR_MOD", options("FloorModOptions"), in, x, 4, 2);
        });
    MODELS.put(
        "POW",
        b -> {
          int x = b.floats("x", 4, 60);
          int[] in = {x, b.constant("three", new float[] {3})};
          return end(b, "POW", options("PowOptions"), in, x, 4, 60);
        });
    MODELS.put(
        "CAST",
        b -> {
          int x = b.floats("x", 4, 60);
          int y = b.tensor("y", TensorType.INT32, 4, 60);
          return b.operator("CAST", options("CastOptions"), new int[] {x}, y).inputs(x).outputs(y);
        });
    MODELS.put(
        "CUMSUM",
        b ->
            one(
                b,
                "CUMSUM",
                options("CumsumOptions"),
                new int[] {4, 6},
                new int[] {4, 6},
                new int[] {1}));
    MODELS.put(
        "SCATTER_ND",
        b -> {
          int at = b.constant("at", new int[] {1, 3}, 2, 1);
          int x = b.floats("x", 2, 6);
          int[] in = {at, x, b.constant("size", new int[] {5, 6}, 2)};
          return end(b, "SCATTER_ND", options("ScatterNdOptions"), in, x, 5, 6);
        });
    MODELS.put(
        "SEGMENT_SUM",
        b ->
            one(
                b,
                "SEGMENT_SUM",
                options("SegmentSumOptions"),
                new int[] {4, 6},
                new int[] {2, 6},
                new int[] {0, 0, 1, 1}));
    Table pool =
        options("Pool2DOptions")
            .with("stride_w", 2)
            .with("stride_h", 2)
            .with("filter_width", 2)
            .with("filter_height", 2);
    MODELS.put(
        "L2_POOL_2D",
        b -> one(b, "L2_POOL_2D", pool, new int[] {1, 4, 6, 8}, new int[] {1, 2, 3, 8}));
    Table normalization =
        options("LocalResponseNormalizationOptions")
            .with("radius", 2)
            .with("bias", 1f)
            .with("alpha", .1f)
            .with("beta", .5f);
    int[] image = {1, 4, 6, 8};
    MODELS.put(
        "LOCAL_RESPONSE_NORMALIZATION",
        b -> one(b, "LOCAL_RESPONSE_NORMALIZATION", normalization, image, image));
    MODELS.keySet().removeIf(NoIntegerKernelTest::isSpecial);
  }

  private static String word(String name) {
    return name.split(" ")[0];
  }

  /** Recurrent ones have tests of their own. */
  private static boolean isSpecial(String operator) {
    return operator.contains("LSTM") || operator.contains("RNN") || operator.equals("SVDF");
  }

  /** Right in int16 within the range that was seen; a sum beyond it wraps around. */
  private static final String WRAPS = "STABLEHLO_ADD";

  private static Stream<String> without(TensorType type) {
    return MODELS.keySet().stream()
        .filter(name -> type == TensorType.INT8 || !name.equals(WRAPS))
        .filter(name -> OpRules.of(name).integer().filter(rule -> rule.has(type)).isEmpty());
  }

  static Stream<String> int8() {
    return without(TensorType.INT8);
  }

  static Stream<String> int16() {
    return without(TensorType.INT16);
  }

  @ParameterizedTest
  @MethodSource("int8")
  void int8(String operator, @TempDir Path folder) {
    check(operator, TensorType.INT8, folder);
  }

  @ParameterizedTest
  @MethodSource("int16")
  void int16(String operator, @TempDir Path folder) {
    check(operator, TensorType.INT16, folder);
  }

  private static void check(String operator, TensorType type, Path folder) {
    Model model = MODELS.get(operator).apply(new ModelBuilder(7)).build();
    Path before = folder.resolve("float.tflite");
    Path after = folder.resolve("forced.tflite");
    model.write(before);
    double least = Double.POSITIVE_INFINITY;
    for (float offset : new float[] {0, .6f, 1.3f}) {
      forced(model, MeasuredRanges.ofRandomRuns(before, offset), type).write(after);
      try {
        double ratio = RuntimeComparison.sqnr(before, after, false, offset);
        least = Double.isNaN(ratio) ? least : Math.min(least, ratio);
      } catch (NarrowException refused) {
        return;
      }
    }
    assertThat(least).as("%s in %s: the table should have it", operator, type).isLessThan(WRONG);
  }

  /** All floats in one encoding, so that kernels which want the same scale have it. */
  private static Model forced(Model model, MeasuredRanges ranges, TensorType type) {
    Subgraph graph = model.subgraphs().get(0);
    float low = 0;
    float high = 0;
    for (int i = 0; i < graph.tensors().size(); i++) {
      if (graph.tensor(i).type() == TensorType.FLOAT32) {
        FloatRange range = ranges.range(0, i, true).orElseThrow();
        low = Math.min(low, range.min());
        high = Math.max(high, range.max());
      }
    }
    boolean wide = type == TensorType.INT16;
    float scale = wide ? Math.max(-low, high) / 32767 : (high - low) / 255;
    int zero = wide ? 0 : Math.round(-128 - low / scale);
    List<Tensor> tensors = new ArrayList<>();
    List<Buffer> buffers = new ArrayList<>(model.buffers());
    for (Tensor tensor : graph.tensors()) {
      Tensor changed = tensor;
      if (tensor.type() == TensorType.FLOAT32) {
        changed = tensor.quantized(type, new float[] {scale}, new long[] {zero}, 0);
        if (model.isConstant(tensor)) {
          buffers.add(Buffer.of(codes(model.contents(tensor).asFloatBuffer(), wide, scale, zero)));
          changed = changed.withBuffer(buffers.size() - 1);
        }
      }
      tensors.add(changed);
    }
    return model.with(List.of(graph.with(tensors, graph.operators())), buffers);
  }

  private static ByteBuffer codes(FloatBuffer values, boolean wide, float scale, int zero) {
    ByteBuffer codes =
        ByteBuffer.allocateDirect(values.remaining() * (wide ? 2 : 1))
            .order(ByteOrder.LITTLE_ENDIAN);
    while (values.hasRemaining()) {
      int code = Math.round(values.get() / scale) + zero;
      if (wide) {
        codes.putShort((short) code);
      } else {
        codes.put((byte) Math.max(-128, Math.min(127, code)));
      }
    }
    return codes.flip();
  }

  /**
   * Neither floats in nor floats out, control flow, several kinds at once, or more than one type.
   */
  private static final List<String> OTHERS =
      List.of(
          "ASSIGN_VARIABLE BITCAST BITWISE_XOR BROADCAST_ARGS BUCKETIZE CALL CALL_ONCE",
          "COMPLEX_ABS CONCAT_EMBEDDINGS CONV_3D CONV_3D_TRANSPOSE CUSTOM DELEGATE DENSIFY",
          "DEQUANTIZE EMBEDDING_LOOKUP EMBEDDING_LOOKUP_SPARSE FAKE_QUANT HASHTABLE",
          "HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_LOOKUP HASHTABLE_SIZE IF IMAG LOGICAL_AND",
          "LOGICAL_NOT LOGICAL_OR LSH_PROJECTION MULTINOMIAL NON_MAX_SUPPRESSION_V4",
          "NON_MAX_SUPPRESSION_V5 PLACEHOLDER_FOR_GREATER_OP_CODES QUANTIZE",
          "RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANGE READ_VARIABLE REAL REDUCE_ALL REDUCE_ANY",
          "REDUCE_WINDOW RFFT2D RIGHT_SHIFT SKIP_GRAM UNIQUE UNSORTED_SEGMENT_MAX",
          "UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM VAR_HANDLE WHERE WHILE");

  /** So that a new operator is noticed; but of StableHLO the runtime has few, written by nobody. */
  @ParameterizedTest
  @EnumSource(names = {"INT8", "INT16"})
  void everyOperatorOfTheSchemaIsLookedAt(TensorType type) {
    TreeSet<String> missing = new TreeSet<>();
    for (int i = 0; i < 256; i++) {
      String name = Schema.name("BuiltinOperator", i);
      boolean integer = OpRules.of(name).integer().filter(rule -> rule.has(type)).isPresent();
      if (!name.isEmpty()
          && !integer
          && !isSpecial(name)
          && !MODELS.containsKey(name)
          && !name.startsWith("STABLEHLO")) {
        missing.add(name);
      }
    }
    OTHERS.forEach(line -> missing.removeAll(List.of(line.split(" "))));
    assertThat(missing).isEmpty();
  }
}
