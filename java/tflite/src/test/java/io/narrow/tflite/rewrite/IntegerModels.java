package io.narrow.tflite.rewrite;

import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRules;
import io.narrow.tflite.schema.Table;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A model of one operator for every row of the table of integer kernels. */
final class IntegerModels {
  private static final double LUT = 34;
  private static final double CHOICE = 15; // few values of a large effect, e.g. an index

  /**
   * @param build adds the operator, inputs and outputs
   * @param int8 least ratio of signal to noise in decibels with int8 activations
   * @param int16 the same with int16 activations
   */
  record OneOperator(UnaryOperator<ModelBuilder> build, double int8, double int16) {}

  static final Map<String, OneOperator> MODELS = new LinkedHashMap<>();

  private IntegerModels() {}

  static Stream<String> names(TensorType type) {
    return MODELS.keySet().stream()
        .filter(name -> IntegerRules.of(name.split(" ")[0]).orElseThrow().has(type));
  }

  private static void add(
      String name, double int8, double int16, UnaryOperator<ModelBuilder> build) {
    MODELS.put(name, new OneOperator(build, int8, int16));
  }

  private static Table options(String table) {
    return Table.of(table);
  }

  static {
    for (String name :
        List.of(
            "ABS ",
            "ELU ",
            "EXP ExpOptions",
            "GELU GeluOptions",
            "HARD_SWISH HardSwishOptions",
            "L2_NORMALIZATION L2NormOptions",
            "LOGISTIC ",
            "RELU ",
            "RELU6 ",
            "RELU_0_TO_1 ",
            "RELU_N1_TO_1 ",
            "TANH ")) {
      String operator = name.substring(0, name.indexOf(' '));
      String table = name.substring(name.indexOf(' ') + 1);
      add(operator, LUT, 60, b -> unary(b, operator, table.isEmpty() ? null : options(table)));
    }
    add(
        "LEAKY_RELU",
        30,
        60,
        b -> unary(b, "LEAKY_RELU", options("LeakyReluOptions").with("alpha", .2f)));
    add("SOFTMAX", LUT, 50, b -> unary(b, "SOFTMAX", options("SoftmaxOptions").with("beta", 1f)));
    add("LOG_SOFTMAX", LUT, 0, b -> unary(b, "LOG_SOFTMAX", options("LogSoftmaxOptions")));
    for (String operator : List.of("LOG", "SQRT", "RSQRT")) {
      add(operator, LUT, 40, b -> positive(b, operator));
    }
    for (String name :
        List.of(
            "ADD AddOptions",
            "MUL MulOptions",
            "SUB SubOptions",
            "SQUARED_DIFFERENCE SquaredDifferenceOptions",
            "MAXIMUM MaximumMinimumOptions",
            "MINIMUM MaximumMinimumOptions")) {
      String operator = name.substring(0, name.indexOf(' '));
      String table = name.substring(name.indexOf(' ') + 1);
      add(operator, LUT, 60, b -> binary(b, operator, options(table)));
      add(operator + " with a constant", LUT, 60, b -> withConstant(b, operator, options(table)));
    }
    add(
        "DIV by a constant",
        LUT,
        0,
        b -> {
          int x = b.floats("x", 4, 6);
          int c = b.constant("c", new float[] {.5f, 3, 1, 2, .7f, 4}, 6);
          return end(b, "DIV", options("DivOptions"), new int[] {x, c}, x, 4, 6);
        });
    add("SHAPE", 60, 60, b -> metadata(b, "SHAPE", options("ShapeOptions").with("out_type", 2), 3));
    add("RANK", 60, 60, b -> metadata(b, "RANK", options("RankOptions")));
    add("PRELU", LUT, 60, b -> withConstant(b, "PRELU", null));
    add("EQUAL", CHOICE, CHOICE, b -> itself(b, "EQUAL", options("EqualOptions")));
    add(
        "GREATER_EQUAL",
        CHOICE,
        CHOICE,
        b -> itself(b, "GREATER_EQUAL", options("GreaterEqualOptions")));
    add("LESS_EQUAL", CHOICE, CHOICE, b -> itself(b, "LESS_EQUAL", options("LessEqualOptions")));
    add("GREATER", CHOICE, CHOICE, b -> compare(b, "GREATER", options("GreaterOptions")));
    add("LESS", CHOICE, CHOICE, b -> compare(b, "LESS", options("LessOptions")));
    add("NOT_EQUAL", CHOICE, CHOICE, b -> compare(b, "NOT_EQUAL", options("NotEqualOptions")));
    add(
        "ARG_MAX",
        CHOICE,
        CHOICE,
        b -> index(b, "ARG_MAX", options("ArgMaxOptions").with("output_type", 2)));
    add(
        "ARG_MIN",
        CHOICE,
        CHOICE,
        b -> index(b, "ARG_MIN", options("ArgMinOptions").with("output_type", 2)));
    for (String operator : List.of("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")) {
      add(operator, LUT, 45, b -> reduce(b, operator));
    }
    add("CONV_2D", LUT, 35, b -> convolution(b, 8));
    add("CONV_2D grouped", LUT, 35, b -> convolution(b, 4));
    add("DEPTHWISE_CONV_2D", LUT, 35, IntegerModels::depthwise);
    add("FULLY_CONNECTED", LUT, 35, b -> fullyConnected(b, true));
    add("FULLY_CONNECTED without bias", LUT, 35, b -> fullyConnected(b, false));
    add("TRANSPOSE_CONV", LUT, 35, b -> transposeConvolution(b, false));
    add("TRANSPOSE_CONV with bias", LUT, 35, b -> transposeConvolution(b, true));
    add("BATCH_MATMUL", LUT, 60, b -> matrixProduct(b, false));
    add("BATCH_MATMUL with a constant", LUT, 60, b -> matrixProduct(b, true));
    Table pool =
        options("Pool2DOptions")
            .with("stride_w", 2)
            .with("stride_h", 2)
            .with("filter_width", 2)
            .with("filter_height", 2);
    add(
        "AVERAGE_POOL_2D",
        LUT,
        60,
        b -> one(b, "AVERAGE_POOL_2D", pool, new int[] {1, 4, 6, 8}, new int[] {1, 2, 3, 8}));
    add(
        "MAX_POOL_2D",
        LUT,
        60,
        b -> one(b, "MAX_POOL_2D", pool, new int[] {1, 4, 6, 8}, new int[] {1, 2, 3, 8}));
    add(
        "RESHAPE",
        30,
        70,
        b -> one(b, "RESHAPE", null, new int[] {1, 4, 6, 8}, new int[] {4, 48}, new int[] {4, 48}));
    add(
        "EXPAND_DIMS",
        30,
        70,
        b ->
            one(
                b,
                "EXPAND_DIMS",
                options("ExpandDimsOptions"),
                new int[] {4, 6},
                new int[] {4, 1, 6},
                new int[] {1}));
    add(
        "SQUEEZE",
        30,
        70,
        b ->
            one(
                b,
                "SQUEEZE",
                options("SqueezeOptions").with("squeeze_dims", new int[] {0}),
                new int[] {1, 4, 6},
                new int[] {4, 6}));
    add(
        "TRANSPOSE",
        30,
        70,
        b ->
            one(
                b,
                "TRANSPOSE",
                options("TransposeOptions"),
                new int[] {2, 4, 6},
                new int[] {6, 2, 4},
                new int[] {2, 0, 1}));
    add(
        "TILE",
        30,
        70,
        b ->
            one(
                b,
                "TILE",
                options("TileOptions"),
                new int[] {2, 4, 6},
                new int[] {2, 8, 6},
                new int[] {1, 2, 1}));
    add(
        "REVERSE_V2",
        30,
        70,
        b ->
            one(
                b,
                "REVERSE_V2",
                options("ReverseV2Options"),
                new int[] {2, 4, 6},
                new int[] {2, 4, 6},
                new int[] {1}));
    add(
        "BROADCAST_TO",
        30,
        70,
        b ->
            one(
                b,
                "BROADCAST_TO",
                options("BroadcastToOptions"),
                new int[] {1, 4, 6},
                new int[] {3, 4, 6},
                new int[] {3, 4, 6}));
    add("PAD", 30, 70, b -> padded(b, "PAD", options("PadOptions"), 10));
    add("MIRROR_PAD", 30, 70, b -> padded(b, "MIRROR_PAD", options("MirrorPadOptions"), 10));
    add("PADV2", 30, 70, b -> padWith(b, 0.75f));
    add("PADV2 beyond the range", LUT, 70, b -> padWith(b, 3));
    add(
        "SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 2, 4, 6);
          int begin = b.constant("begin", new int[] {0, 1, 2}, 3);
          int size = b.constant("size", new int[] {2, 2, 3}, 3);
          return end(b, "SLICE", options("SliceOptions"), new int[] {x, begin, size}, x, 2, 2, 3);
        });
    add(
        "STRIDED_SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 2, 4, 6);
          int begin = b.constant("begin", new int[] {0, 0, 1}, 3);
          int stop = b.constant("end", new int[] {2, 4, 6}, 3);
          int stride = b.constant("stride", new int[] {1, 2, 2}, 3);
          return end(
              b,
              "STRIDED_SLICE",
              options("StridedSliceOptions"),
              new int[] {x, begin, stop, stride},
              x,
              2,
              2,
              3);
        });
    add(
        "GATHER",
        30,
        70,
        b ->
            one(
                b,
                "GATHER",
                options("GatherOptions").with("axis", 1),
                new int[] {2, 4, 6},
                new int[] {2, 2, 6},
                new int[] {3, 1}));
    add(
        "GATHER of a constant",
        30,
        70,
        b -> {
          int table = b.weights("table", 10, 6);
          int ids = b.tensor("ids", TensorType.INT32, 3);
          return end(b, "GATHER", options("GatherOptions"), new int[] {table, ids}, ids, 3, 6);
        });
    add(
        "GATHER_ND",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6);
          int ids = b.constant("ids", new int[] {3, 0, 1}, 3, 1);
          return end(b, "GATHER_ND", options("GatherNdOptions"), new int[] {x, ids}, x, 3, 6);
        });
    add(
        "FILL",
        30,
        70,
        b -> {
          int shape = b.constant("shape", new int[] {2, 3}, 2);
          int x = b.floats("x");
          return end(b, "FILL", options("FillOptions"), new int[] {shape, x}, x, 2, 3);
        });
    add(
        "DYNAMIC_UPDATE_SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6);
          int update = b.floats("update", 2, 3);
          int at = b.constant("at", new int[] {1, 2}, 2);
          int y = b.floats("y", 4, 6);
          return b.operator("DYNAMIC_UPDATE_SLICE", new int[] {x, update, at}, y)
              .inputs(x, update)
              .outputs(y);
        });
    add(
        "RESIZE_BILINEAR",
        LUT,
        50,
        b ->
            one(
                b,
                "RESIZE_BILINEAR",
                options("ResizeBilinearOptions").with("half_pixel_centers", 1),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 8},
                new int[] {8, 12}));
    add(
        "RESIZE_NEAREST_NEIGHBOR",
        LUT,
        60,
        b ->
            one(
                b,
                "RESIZE_NEAREST_NEIGHBOR",
                options("ResizeNearestNeighborOptions"),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 8},
                new int[] {8, 12}));
    add(
        "DEPTH_TO_SPACE",
        30,
        70,
        b ->
            one(
                b,
                "DEPTH_TO_SPACE",
                options("DepthToSpaceOptions").with("block_size", 2),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 2}));
    add(
        "SPACE_TO_DEPTH",
        30,
        70,
        b ->
            one(
                b,
                "SPACE_TO_DEPTH",
                options("SpaceToDepthOptions").with("block_size", 2),
                new int[] {1, 4, 6, 8},
                new int[] {1, 2, 3, 32}));
    add(
        "BATCH_TO_SPACE_ND",
        30,
        70,
        b ->
            blocks(
                b,
                "BATCH_TO_SPACE_ND",
                options("BatchToSpaceNDOptions"),
                new int[] {4, 2, 3, 8},
                new int[] {1, 4, 6, 8}));
    add(
        "SPACE_TO_BATCH_ND",
        30,
        70,
        b ->
            blocks(
                b,
                "SPACE_TO_BATCH_ND",
                options("SpaceToBatchNDOptions"),
                new int[] {1, 4, 6, 8},
                new int[] {4, 2, 3, 8}));
    add(
        "CONCATENATION",
        LUT,
        60,
        b -> several(b, "CONCATENATION", options("ConcatenationOptions").with("axis", 1), 4, 12));
    add(
        "PACK",
        LUT,
        60,
        b ->
            several(
                b,
                "PACK",
                options("PackOptions").with("axis", 0).with("values_count", 2),
                2,
                4,
                6));
    add(
        "UNPACK",
        30,
        70,
        b ->
            split(
                b,
                "UNPACK",
                options("UnpackOptions").with("axis", 0).with("num", 2),
                0,
                new int[] {2, 6},
                new int[] {6}));
    add(
        "SPLIT",
        30,
        70,
        b ->
            split(
                b,
                "SPLIT",
                options("SplitOptions").with("num_splits", 2),
                1,
                new int[] {4, 6},
                new int[] {2, 6}));
    add(
        "SPLIT_V",
        30,
        70,
        b ->
            split(
                b,
                "SPLIT_V",
                options("SplitVOptions").with("num_splits", 2),
                2,
                new int[] {4, 6},
                new int[] {2, 6}));
    add("SELECT", LUT, 60, b -> select(b, "SELECT", options("SelectOptions")));
    add("SELECT_V2", LUT, 60, b -> select(b, "SELECT_V2", options("SelectV2Options")));
    add(
        "TOPK_V2",
        LUT,
        60,
        b -> {
          int x = b.floats("x", 4, 9);
          int k = b.constant("k", new int[] {3});
          int y = b.floats("y", 4, 3);
          int at = b.tensor("at", TensorType.INT32, 4, 3);
          return b.operator("TOPK_V2", options("TopKV2Options"), new int[] {x, k}, y, at)
              .inputs(x)
              .outputs(y);
        });
    for (Set<RecurrentModels.Feature> features : RecurrentModels.variants()) {
      add(RecurrentModels.name(features), 30, 0, b -> RecurrentModels.lstm(b, features));
    }
    add("SVDF", LUT, 0, b -> RecurrentModels.svdf(b, 1, true));
    add("SVDF beside negative values", LUT, 0, RecurrentModels::svdfBesideItsInput);
    add("SVDF of rank 2 without bias", LUT, 0, b -> RecurrentModels.svdf(b, 2, false));
  }

  private static ModelBuilder end(
      ModelBuilder b, String operator, Table options, int[] in, int input, int... shape) {
    int y = b.floats("y", shape);
    return call(b, operator, options, in, y).inputs(input).outputs(y);
  }

  private static ModelBuilder call(
      ModelBuilder b, String operator, Table options, int[] in, int... out) {
    return options == null ? b.operator(operator, in, out) : b.operator(operator, options, in, out);
  }

  /** One activation, then constants of whole numbers, one axis each. */
  private static ModelBuilder one(
      ModelBuilder b, String operator, Table options, int[] from, int[] to, int[]... constants) {
    int[] in = new int[1 + constants.length];
    in[0] = b.floats("x", from);
    for (int i = 0; i < constants.length; i++) {
      in[i + 1] = b.constant("c" + i, constants[i], constants[i].length);
    }
    return end(b, operator, options, in, in[0], to);
  }

  private static ModelBuilder unary(ModelBuilder b, String operator, Table options) {
    int[] shape = {1, 4, 6, 8};
    return one(b, operator, options, shape, shape);
  }

  private static ModelBuilder positive(ModelBuilder b, String operator) {
    int x = b.floats("x", 4, 60);
    int c = b.constant("c", new float[] {1.5f}, 1);
    int z = b.floats("z", 4, 60);
    b.operator("ADD", options("AddOptions"), new int[] {x, c}, z);
    return end(b, operator, null, new int[] {z}, x, 4, 60);
  }

  private static ModelBuilder binary(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 1, 4, 6, 8);
    int z = b.floats("z", 1, 4, 6, 8);
    int y = b.floats("y", 1, 4, 6, 8);
    return b.operator(operator, options, new int[] {x, z}, y).inputs(x, z).outputs(y);
  }

  private static ModelBuilder withConstant(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 1, 4, 6, 8);
    int c = b.constant("c", new float[] {.1f, -.2f, .3f, .5f, .25f, -.05f, .15f, .4f}, 1, 1, 8);
    return end(b, operator, options, new int[] {x, c}, x, 1, 4, 6, 8);
  }

  private static ModelBuilder itself(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 4, 60);
    int y = b.tensor("y", TensorType.BOOL, 4, 60);
    return b.operator(operator, options, new int[] {x, x}, y).inputs(x).outputs(y);
  }

  private static ModelBuilder compare(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 4, 60);
    int z = b.floats("z", 4, 60);
    int y = b.tensor("y", TensorType.BOOL, 4, 60);
    return b.operator(operator, options, new int[] {x, z}, y).inputs(x, z).outputs(y);
  }

  private static ModelBuilder index(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 40, 6);
    int axis = b.constant("axis", new int[] {1}, 1);
    int y = b.tensor("y", TensorType.INT32, 40);
    return b.operator(operator, options, new int[] {x, axis}, y).inputs(x).outputs(y);
  }

  private static ModelBuilder reduce(ModelBuilder b, String operator) {
    return one(
        b,
        operator,
        options("ReducerOptions"),
        new int[] {1, 4, 60},
        new int[] {1, 60},
        new int[] {1});
  }

  private static ModelBuilder metadata(
      ModelBuilder b, String operator, Table options, int... shape) {
    int x = b.floats("x", 2, 4, 6);
    int y = b.tensor("y", TensorType.INT32, shape);
    return b.operator(operator, options, new int[] {x}, y).inputs(x).outputs(y);
  }

  private static ModelBuilder convolution(ModelBuilder b, int channelsOfWeights) {
    int x = b.floats("x", 1, 9, 9, 8);
    int w = b.weights("w", 12, 3, 3, channelsOfWeights);
    int bias = b.weights("bias", 12);
    Table options = options("Conv2DOptions").with("stride_w", 1).with("stride_h", 1);
    return end(b, "CONV_2D", options, new int[] {x, w, bias}, x, 1, 9, 9, 12);
  }

  private static ModelBuilder depthwise(ModelBuilder b) {
    int x = b.floats("x", 1, 9, 9, 40);
    int w = b.weights("w", 1, 3, 3, 40);
    int bias = b.weights("bias", 40);
    Table options =
        options("DepthwiseConv2DOptions")
            .with("stride_w", 1)
            .with("stride_h", 1)
            .with("depth_multiplier", 1);
    return end(b, "DEPTHWISE_CONV_2D", options, new int[] {x, w, bias}, x, 1, 9, 9, 40);
  }

  private static ModelBuilder fullyConnected(ModelBuilder b, boolean withBias) {
    int x = b.floats("x", 3, 48);
    int w = b.weights("w", 20, 48);
    int bias = withBias ? b.weights("bias", 20) : -1;
    return end(
        b, "FULLY_CONNECTED", options("FullyConnectedOptions"), new int[] {x, w, bias}, x, 3, 20);
  }

  private static ModelBuilder transposeConvolution(ModelBuilder b, boolean withBias) {
    int x = b.floats("x", 1, 5, 5, 8);
    int shape = b.constant("shape", new int[] {1, 10, 10, 6}, 4);
    int w = b.weights("w", 6, 3, 3, 8);
    Table options = options("TransposeConvOptions").with("stride_w", 2).with("stride_h", 2);
    int[] in = withBias ? new int[] {shape, w, x, b.weights("bias", 6)} : new int[] {shape, w, x};
    return end(b, "TRANSPOSE_CONV", options, in, x, 1, 10, 10, 6);
  }

  private static ModelBuilder matrixProduct(ModelBuilder b, boolean constant) {
    int x = b.floats("x", 2, 5, 32);
    int w = constant ? b.weights("w", 2, 32, 24) : b.floats("w", 2, 32, 24);
    int y = b.floats("y", 2, 5, 24);
    b.operator("BATCH_MATMUL", options("BatchMatMulOptions"), new int[] {x, w}, y).outputs(y);
    return constant ? b.inputs(x) : b.inputs(x, w);
  }

  private static ModelBuilder padded(ModelBuilder b, String operator, Table options, int width) {
    int x = b.floats("x", 1, 6, 6, 8);
    int by = b.constant("by", new int[] {0, 0, 2, 2, 2, 2, 0, 0}, 4, 2);
    return end(b, operator, options, new int[] {x, by}, x, 1, width, width, 8);
  }

  private static ModelBuilder padWith(ModelBuilder b, float value) {
    int x = b.floats("x", 1, 6, 6, 8);
    int by = b.constant("by", new int[] {0, 0, 2, 2, 2, 2, 0, 0}, 4, 2);
    int c = b.constant("c", new float[] {value});
    return end(b, "PADV2", options("PadV2Options"), new int[] {x, by, c}, x, 1, 10, 10, 8);
  }

  private static ModelBuilder blocks(
      ModelBuilder b, String operator, Table options, int[] from, int[] to) {
    int x = b.floats("x", from);
    int block = b.constant("block", new int[] {2, 2}, 2);
    int margins = b.constant("margins", new int[] {0, 0, 0, 0}, 2, 2);
    return end(b, operator, options, new int[] {x, block, margins}, x, to);
  }

  private static ModelBuilder several(ModelBuilder b, String operator, Table options, int... to) {
    int x = b.floats("x", 4, 6);
    int z = b.floats("z", 4, 6);
    int y = b.floats("y", to);
    return b.operator(operator, options, new int[] {x, z}, y).inputs(x, z).outputs(y);
  }

  private static ModelBuilder split(
      ModelBuilder b, String operator, Table options, int form, int[] from, int[] to) {
    int x = b.floats("x", from);
    int axis = b.constant("axis", new int[] {0});
    int sizes = b.constant("sizes", new int[] {2, 2}, 2);
    int[][] in = {{x}, {axis, x}, {x, sizes, axis}};
    int y = b.floats("y", to);
    int z = b.floats("z", to);
    return b.operator(operator, options, in[form], y, z).inputs(x).outputs(y, z);
  }

  private static ModelBuilder select(ModelBuilder b, String operator, Table options) {
    int choice = b.tensor("choice", TensorType.BOOL, 4, 60);
    int x = b.floats("x", 4, 60);
    int z = b.floats("z", 4, 60);
    int y = b.floats("y", 4, 60);
    return b.operator(operator, options, new int[] {choice, x, z}, y)
        .inputs(choice, x, z)
        .outputs(y);
  }
}
