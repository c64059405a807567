package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.CHOICE;
import static io.narrow.tflite.rewrite.IntegerModels.LUT;
import static io.narrow.tflite.rewrite.IntegerModels.end;
import static io.narrow.tflite.rewrite.IntegerModels.one;
import static io.narrow.tflite.rewrite.IntegerModels.options;

import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.rewrite.IntegerModels.Rows;
import io.narrow.tflite.schema.Table;
import java.util.List;

/** Operators that compute new values from those that they read. */
final class ComputingModels {
  private ComputingModels() {}

  static void add(Rows rows) {
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
      rows.add(operator, LUT, 60, b -> unary(b, operator, table.isEmpty() ? null : options(table)));
    }
    rows.add(
        "LEAKY_RELU",
        30,
        60,
        b -> unary(b, "LEAKY_RELU", options("LeakyReluOptions").with("alpha", .2f)));
    rows.add(
        "SOFTMAX", LUT, 50, b -> unary(b, "SOFTMAX", options("SoftmaxOptions").with("beta", 1f)));
    rows.add("LOG_SOFTMAX", LUT, 0, b -> unary(b, "LOG_SOFTMAX", options("LogSoftmaxOptions")));
    for (String operator : List.of("LOG", "SQRT", "RSQRT")) {
      rows.add(operator, LUT, 40, b -> positive(b, operator));
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
      rows.add(operator, LUT, 60, b -> binary(b, operator, options(table)));
      rows.add(
          operator + " with a constant", LUT, 60, b -> withConstant(b, operator, options(table)));
    }
    rows.add(
        "DIV by a constant",
        LUT,
        60,
        b -> {
          int x = b.floats("x", 4, 6);
          int c = b.constant("c", new float[] {.5f, 3, 1, 2, .7f, 4}, 6);
          return end(b, "DIV", options("DivOptions"), new int[] {x, c}, x, 4, 6);
        });
    rows.add("NEG", 0, 70, b -> unary(b, "NEG", options("NegOptions")));
    rows.add("PRELU", LUT, 60, b -> withConstant(b, "PRELU", null));
    rows.add("EQUAL", CHOICE, 0, b -> itself(b, "EQUAL", options("EqualOptions")));
    rows.add("EQUAL of large values", 0, CHOICE, b -> large(b, "EQUAL", options("EqualOptions")));
    rows.add(
        "NOT_EQUAL of large values",
        0,
        CHOICE,
        b -> large(b, "NOT_EQUAL", options("NotEqualOptions")));
    rows.add(
        "GREATER_EQUAL",
        CHOICE,
        CHOICE,
        b -> itself(b, "GREATER_EQUAL", options("GreaterEqualOptions")));
    rows.add(
        "LESS_EQUAL", CHOICE, CHOICE, b -> itself(b, "LESS_EQUAL", options("LessEqualOptions")));
    rows.add("GREATER", CHOICE, CHOICE, b -> compare(b, "GREATER", options("GreaterOptions")));
    rows.add("LESS", CHOICE, CHOICE, b -> compare(b, "LESS", options("LessOptions")));
    rows.add("NOT_EQUAL", CHOICE, 0, b -> compare(b, "NOT_EQUAL", options("NotEqualOptions")));
    rows.add(
        "ARG_MAX",
        CHOICE,
        CHOICE,
        b -> index(b, "ARG_MAX", options("ArgMaxOptions").with("output_type", 2)));
    rows.add(
        "ARG_MIN",
        CHOICE,
        CHOICE,
        b -> index(b, "ARG_MIN", options("ArgMinOptions").with("output_type", 2)));
    for (String operator : List.of("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")) {
      rows.add(operator, LUT, 45, b -> reduce(b, operator));
    }
    rows.add("CONV_2D", LUT, 35, b -> convolution(b, 8));
    rows.add("CONV_2D grouped", LUT, 35, b -> convolution(b, 4));
    rows.add("DEPTHWISE_CONV_2D", LUT, 35, ComputingModels::depthwise);
    rows.add("FULLY_CONNECTED", LUT, 35, b -> fullyConnected(b, true));
    rows.add("FULLY_CONNECTED without bias", LUT, 35, b -> fullyConnected(b, false));
    rows.add(
        "FULLY_CONNECTED of two activations", LUT, 0, b -> fullyConnectedOfActivations(b, false));
    rows.add(
        "FULLY_CONNECTED of two activations and a bias",
        LUT,
        0,
        b -> fullyConnectedOfActivations(b, true));
    rows.add("TRANSPOSE_CONV", LUT, 35, b -> transposeConvolution(b, false));
    rows.add("TRANSPOSE_CONV with bias", LUT, 35, b -> transposeConvolution(b, true));
    rows.add("BATCH_MATMUL", LUT, 60, b -> matrixProduct(b, false));
    rows.add("BATCH_MATMUL with a constant", LUT, 60, b -> matrixProduct(b, true));
    Table pool =
        options("Pool2DOptions")
            .with("stride_w", 2)
            .with("stride_h", 2)
            .with("filter_width", 2)
            .with("filter_height", 2);
    rows.add(
        "AVERAGE_POOL_2D",
        LUT,
        60,
        b -> one(b, "AVERAGE_POOL_2D", pool, new int[] {1, 4, 6, 8}, new int[] {1, 2, 3, 8}));
    rows.add(
        "MAX_POOL_2D",
        LUT,
        60,
        b -> one(b, "MAX_POOL_2D", pool, new int[] {1, 4, 6, 8}, new int[] {1, 2, 3, 8}));
    rows.add(
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

  /** Values that differ by more than the steps of the kernel, or not at all. */
  private static ModelBuilder large(ModelBuilder b, String operator, Table options) {
    int x = b.floats("x", 4, 60);
    int by = b.constant("by", new float[] {200}, 1);
    int scaled = b.floats("scaled", 4, 60);
    int clamped = b.floats("clamped", 4, 60);
    int zero = b.constant("zero", new float[] {0}, 1);
    int y = b.tensor("y", TensorType.BOOL, 4, 60);
    b.operator("MUL", options("MulOptions"), new int[] {x, by}, scaled);
    b.operator("RELU", new int[] {scaled}, clamped);
    int other = operator.equals("EQUAL") ? scaled : zero; // so that some are true of all inputs
    return b.operator(operator, options, new int[] {clamped, other}, y).inputs(x).outputs(y);
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

  private static ModelBuilder fullyConnectedOfActivations(ModelBuilder b, boolean withBias) {
    int x = b.floats("x", 3, 48);
    int w = b.floats("w", 20, 48);
    int bias = withBias ? b.weights("bias", 20) : -1;
    Table options = options("FullyConnectedOptions");
    return end(b, "FULLY_CONNECTED", options, new int[] {x, w, bias}, x, 3, 20).inputs(x, w);
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
}
