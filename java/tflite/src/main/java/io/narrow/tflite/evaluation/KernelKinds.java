package io.narrow.tflite.evaluation;

import java.util.List;
import java.util.Locale;

/**
 * Which operators of the schema XNNPACK's kernels compute, as far as their names tell. They come in
 * the order of the operators, but some operators become several kernels, and some none.
 */
final class KernelKinds {
  /**
   * A word in the names of kernels that compute operators which are spelled otherwise.
   *
   * @param operators more than one where it computes several, e.g. a convolution of single pixels
   */
  private record Row(String word, List<String> operators) {
    static Row of(String word, String... operators) {
      return new Row(word, List.of(operators));
    }
  }

  /** The more special words first. */
  private static final List<Row> ROWS =
      List.of(
          Row.of("dwconv", "DEPTHWISE_CONV_2D"),
          Row.of("deconvolution", "TRANSPOSE_CONV"),
          Row.of("convolution", "CONV_2D", "DEPTHWISE_CONV_2D"),
          Row.of("fully connected", "FULLY_CONNECTED", "CONV_2D", "BATCH_MATMUL"),
          Row.of("batch matrix multiply", "BATCH_MATMUL"),
          Row.of("max pooling", "MAX_POOL_2D"),
          Row.of("average pooling", "AVERAGE_POOL_2D", "MEAN"),
          Row.of("multiply", "MUL"),
          Row.of("subtract", "SUB"),
          Row.of("divide", "DIV"),
          Row.of("sigmoid", "LOGISTIC"),
          Row.of("concatenate", "CONCATENATION"),
          Row.of("constant pad", "PAD"),
          Row.of("resize bilinear", "RESIZE_BILINEAR"),
          Row.of("convert", "QUANTIZE", "DEQUANTIZE"),
          Row.of("hardswish", "HARD_SWISH"),
          Row.of("clamp", "RELU", "RELU6", "RELU_N1_TO_1"),
          Row.of("reshape", "RESHAPE"),
          Row.of("transpose", "TRANSPOSE"),
          Row.of("slice", "SLICE", "STRIDED_SLICE"),
          Row.of("copy", "RESHAPE"));

  /** What may stand behind the kernel of an operator, e.g. for an activation that is fused. */
  private static final List<String> HELPERS =
      List.of("clamp", "reshape", "copy", "convert", "transpose");

  private final List<String> operators;
  private int place;

  /**
   * @param operators those of a part that XNNPACK runs as one, in the order of execution
   */
  KernelKinds(List<String> operators) {
    this.operators = operators;
  }

  /**
   * The operator that the next kernel computes.
   *
   * @return the kernel's name if none is plain
   */
  String next(String kernel) {
    String name = kernel.toLowerCase(Locale.ROOT);
    List<String> kinds =
        ROWS.stream()
            .filter(row -> name.contains(row.word))
            .map(Row::operators)
            .findFirst()
            .orElseGet(() -> List.of(spelled(name)));
    for (int o = place; o < operators.size(); o++) {
      if (kinds.contains(operators.get(o))) {
        place = o + 1;
        return operators.get(o);
      }
    }
    boolean helps = place > 0 && HELPERS.stream().anyMatch(name::contains);
    return helps ? operators.get(place - 1) : kernel;
  }

  private static String spelled(String name) {
    return name.replaceAll(" *\\(.*", "").replace(' ', '_').toUpperCase(Locale.ROOT);
  }
}
