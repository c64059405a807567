package io.narrow.tflite.ops;

import static io.narrow.tflite.model.TensorType.INT4;
import static io.narrow.tflite.model.TensorType.INT8;
import static io.narrow.tflite.ops.OpRule.op;

import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The operator table: all that differs between operators stands here. What it says about kernels is
 * what the stock runtime does, and is tested by running models of one operator each.
 *
 * <p>The option {@code asymmetric_quantize_inputs}, which the built-in kernels of some operators
 * have, stays as the model has it: set, it cost 0.8 to 2.2 dB on six of the models that
 * benchmarks/peers/zoo.py compares. XNNPACK does not look at it.
 */
public final class OpRules {
  // Input, recurrent, peephole and projection weights of one direction of an LSTM.
  private static final Integer[] LSTM = places("1-11,16");

  private static final List<OpRule> ROWS =
      List.of(
          op("CONV_2D", 1).per(Axis.FIRST).rank(4).bias(2).kernel(INT8, 5, 6).kernel(INT4, 7),
          op("DEPTHWISE_CONV_2D", 1).per(Axis.LAST).rank(4).bias(2).kernel(INT8, 6),
          op("FULLY_CONNECTED", 1)
              .per(Axis.FIRST)
              .orOneScale()
              .rank(2)
              .bias(2)
              .kernel(INT8, 12)
              .kernel(INT4, 12),
          op("TRANSPOSE_CONV", 1).per(Axis.FIRST).rank(4).bias(3).kernel(INT8, 2),
          op("BATCH_MATMUL", 1).per(Axis.COLUMNS).orOneScale().kernel(INT8, 1),
          op("EMBEDDING_LOOKUP", 1).per(Axis.FIRST).orOneScale().kernel(INT8, 4).kernel(INT4, 4),
          op("GATHER", 0).rowsToOutput().kernel(INT8, 2),
          op("LSTM", LSTM).inputs(20).allTogether().kernel(INT8, 3),
          op("UNIDIRECTIONAL_SEQUENCE_LSTM", LSTM).inputs(20).allTogether().kernel(INT8, 2),
          op("BIDIRECTIONAL_SEQUENCE_LSTM", places("1-11,16,18-28,33,40-47"))
              .inputs(48)
              .allTogether()
              .kernel(INT8, 2),
          op("RNN", 1, 2).allTogether().kernel(INT8, 2),
          op("UNIDIRECTIONAL_SEQUENCE_RNN", 1, 2).allTogether().kernel(INT8, 2),
          op("BIDIRECTIONAL_SEQUENCE_RNN", 1, 2, 5, 6, 10, 11).allTogether().kernel(INT8, 2),
          op("SVDF", 1, 2).bias(3).allTogether().kernel(INT8, 2));

  /** Row of all operators that have none. */
  public static final OpRule NO_WEIGHTS = op("");

  private static final Map<String, OpRule> BY_OPERATOR =
      ROWS.stream().collect(Collectors.toMap(OpRule::operator, Function.identity()));

  private OpRules() {}

  /** The row of an operator, empty for one that has no weights. */
  public static Optional<OpRule> of(String operator) {
    return Optional.ofNullable(BY_OPERATOR.get(operator));
  }

  public static List<OpRule> rows() {
    return ROWS;
  }

  /** Version of DEQUANTIZE that takes this type. */
  public static int dequantizeVersion(TensorType type, boolean perChannel) {
    return switch (type) {
      case FLOAT16, INT16 -> 3;
      case INT4 -> 6;
      case INT8 -> perChannel ? 5 : 2;
      default -> 1;
    };
  }

  private static Integer[] places(String ranges) {
    return Arrays.stream(ranges.split(","))
        .map(range -> range.split("-"))
        .flatMap(
            ends ->
                IntStream.rangeClosed(
                        Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]))
                    .boxed())
        .toArray(Integer[]::new);
  }
}
