package io.narrow.tflite.ops;

import java.util.HashMap;
import java.util.Map;

/** First TensorFlow release that runs a version of an operator. */
public final class Releases {
  /** Operator, then version:release; only the versions that Narrow writes. */
  private static final String TABLE =
      """
      CONV_2D 3:1.14.0 5:2.4.0 6:2.9.0 7:2.11.0 8:2.15.0
      DEPTHWISE_CONV_2D 3:1.14.0 6:2.3.0
      FULLY_CONNECTED 4:1.14.0 5:2.0.0 6:2.1.0 11:2.15.0 12:2.17.0
      TRANSPOSE_CONV 2:2.2.0 3:2.3.0 4:2.13.0 5:2.15.0
      BATCH_MATMUL 2:2.3.0 3:2.4.0
      EMBEDDING_LOOKUP 4:2.18.0
      GATHER 2:1.14.0 4:2.4.0
      LSTM 3:1.14.0
      UNIDIRECTIONAL_SEQUENCE_LSTM 2:1.14.0
      BIDIRECTIONAL_SEQUENCE_LSTM 2:1.14.0
      RNN 2:1.14.0
      UNIDIRECTIONAL_SEQUENCE_RNN 2:1.14.0
      BIDIRECTIONAL_SEQUENCE_RNN 2:1.14.0
      SVDF 2:1.14.0 3:2.2.0
      DEQUANTIZE 2:1.14.0 3:1.15.0 5:2.7.0 6:2.18.0
      ABS 2:2.4.0 3:2.5.0
      ADD 2:1.14.0 3:2.4.0
      ARG_MAX 2:1.14.0
      ARG_MIN 2:1.14.0
      AVERAGE_POOL_2D 2:1.14.0 3:2.3.0
      MAX_POOL_2D 2:1.14.0 3:2.3.0
      BROADCAST_TO 3:2.5.0
      CONCATENATION 2:1.14.0 3:2.3.0
      DEPTH_TO_SPACE 2:2.5.0
      EQUAL 2:1.14.0 5:2.21.0
      NOT_EQUAL 2:1.14.0
      GREATER 2:1.14.0
      GREATER_EQUAL 2:1.14.0 3:2.13.0
      LESS 2:1.14.0 3:2.13.0
      LESS_EQUAL 2:1.14.0
      EXP 2:2.12.0
      GELU 2:2.9.0
      L2_NORMALIZATION 2:1.14.0
      LEAKY_RELU 2:2.3.0
      LOGISTIC 2:1.14.0 3:2.3.0
      TANH 2:1.14.0 3:2.3.0
      SOFTMAX 2:1.14.0 3:2.3.0
      LOG_SOFTMAX 2:1.14.0
      MAXIMUM 2:1.14.0 4:2.3.0
      MINIMUM 2:1.14.0 4:2.3.0
      MEAN 2:1.14.0 3:2.4.0
      MIRROR_PAD 2:2.3.0 3:2.12.0
      MUL 2:1.14.0 4:2.3.0
      PACK 2:1.14.0 3:2.3.0
      PAD 2:1.14.0 3:2.4.0
      PADV2 2:1.14.0 3:2.4.0
      QUANTIZE 1:1.14.0 2:1.15.0
      REDUCE_MAX 2:1.14.0 3:2.5.0
      REDUCE_MIN 2:1.14.0 3:2.5.0
      RELU 2:2.1.0 3:2.5.0
      RELU6 2:1.14.0 3:2.5.0
      RESIZE_BILINEAR 2:1.14.0 3:2.2.0 4:2.5.0
      RESIZE_NEAREST_NEIGHBOR 2:1.14.0 3:2.3.0 4:2.4.0
      RSQRT 2:2.5.0 3:2.15.0
      SELECT_V2 1:2.2.0
      SLICE 2:1.14.0 4:2.4.0
      SPLIT 2:1.14.0 4:2.3.0
      SQRT 2:2.21.0
      STRIDED_SLICE 2:1.14.0
      SUB 2:1.14.0 5:2.4.0
      SUM 2:1.15.0
      TRANSPOSE 2:1.14.0 5:2.4.0
      UNPACK 2:1.14.0 4:2.3.0
      """;

  private static final Map<String, String> RELEASES = parse();

  private Releases() {}

  /** The release, empty for a version that is not in the table. */
  public static String first(String operator, int version) {
    return RELEASES.getOrDefault(operator + " " + version, "");
  }

  /** The later of two releases, compared number by number; empty stands before all. */
  public static String later(String a, String b) {
    String[] left = a.split("\\.");
    String[] right = b.split("\\.");
    for (int i = 0; i < Math.max(left.length, right.length); i++) {
      int order = Integer.compare(number(left, i), number(right, i));
      if (order != 0) {
        return order > 0 ? a : b;
      }
    }
    return a;
  }

  private static int number(String[] parts, int i) {
    return i < parts.length && parts[i].matches("[0-9]{1,9}") ? Integer.parseInt(parts[i]) : 0;
  }

  private static Map<String, String> parse() {
    Map<String, String> releases = new HashMap<>();
    for (String line : TABLE.split("\n")) {
      String[] words = line.trim().split(" ");
      for (int i = 1; i < words.length; i++) {
        String[] pair = words[i].split(":");
        releases.put(words[0] + " " + pair[0], pair[1]);
      }
    }
    return releases;
  }
}
