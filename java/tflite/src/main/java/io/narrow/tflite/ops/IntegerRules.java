package io.narrow.tflite.ops;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule.Scales;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The table of integer kernels (specification section 3.3). What it says is what the stock runtime
 * does, with XNNPACK and without, and is tested by running models of one operator each. Weights,
 * their axis and the bias stand in {@link OpRules}.
 */
public final class IntegerRules {
  /**
   * Operator; places of the activations it reads; places of those it writes; scales; version for
   * int8; version for int16, - without a kernel; options that need a later version, as do int4
   * weights.
   */
  private static final String TABLE =
      """
      ABS                     0   0   free    2 3
      ADD                     0,1 0   free    2 3
      ARG_MAX                 0   -   free    2 -
      ARG_MIN                 0   -   free    2 -
      AVERAGE_POOL_2D         0   0   same    2 3
      BATCH_MATMUL            0,1 0   product 2 3
      BATCH_TO_SPACE_ND       0   0   same    2 4
      BROADCAST_TO            0   0   same    3 3
      CONCATENATION           all 0   same    2 3
      CONV_2D                 0   0   weights 3 8 int4:8
      DEPTHWISE_CONV_2D       0   0   weights 3 3
      DEPTH_TO_SPACE          0   0   same    2 -
      DIV                     0,1 0   quotient 1 -
      DYNAMIC_UPDATE_SLICE    0,1 0   same    1 4
      ELU                     0   0   free    1 -
      EQUAL                   0,1 -   free    2 5
      EXP                     0   0   free    2 2
      EXPAND_DIMS             0   0   same    1 1
      FILL                    1   0   same    3 3
      FULLY_CONNECTED         0   0   weights 4 11 keep_num_dims:5,int4:13
      GATHER                  0   0   same    2 4
      GATHER_ND               0   0   same    1 3
      GELU                    0   0   free    2 -
      GREATER                 0,1 -   free    2 -
      GREATER_EQUAL           0,1 -   free    2 3
      HARD_SWISH              0   0   free    1 -
      L2_NORMALIZATION        0   0   signed_unit 2 -
      LEAKY_RELU              0   0   free    1 2
      LESS                    0,1 -   free    2 3
      LESS_EQUAL              0,1 -   free    2 -
      LOG                     0   0   free    2 2
      LOGISTIC                0   0   unit    2 3
      LOG_SOFTMAX             0   0   logarithm 2 -
      LSTM                    0   0   lstm    1 -
      MAXIMUM                 0,1 0   bound   2 4
      MAX_POOL_2D             0   0   same    2 3
      MEAN                    0   0   free    2 3
      MINIMUM                 0,1 0   bound   2 4
      MIRROR_PAD              0   0   same    2 3
      MUL                     0,1 0   free    2 4
      NOT_EQUAL               0,1 -   free    2 4
      PACK                    all 0   same    2 3
      PAD                     0   0   same    2 3
      PADV2                   0,2 0   same    2 3
      PRELU                   0,1 0   free    1 -
      RANK                    0   -   free    1 1
      REDUCE_MAX              0   0   same    2 3
      REDUCE_MIN              0   0   same    2 3
      REDUCE_PROD             0   0   free    2 2
      RELU                    0   0   clamp   2 3
      RELU6                   0   0   clamp   2 3
      RELU_0_TO_1             0   0   clamp   1 -
      RELU_N1_TO_1            0   0   clamp   1 -
      RESHAPE                 0   0   same    1 1
      RESIZE_BILINEAR         0   0   same    2 4 half_pixel_centers:3,align_corners:3
      RESIZE_NEAREST_NEIGHBOR 0   0   same    2 4 half_pixel_centers:3,align_corners:3
      REVERSE_V2              0   0   same    3 -
      RSQRT                   0   0   free    2 3
      SELECT                  1,2 0   same    1 1
      SELECT_V2               1,2 0   same    1 1
      SHAPE                   0   -   free    1 1
      SLICE                   0   0   same    2 4
      SOFTMAX                 0   0   unit    2 3
      SPACE_TO_BATCH_ND       0   0   same    2 4
      SPACE_TO_DEPTH          0   0   same    2 -
      SPLIT                   1   all same    2 4
      SPLIT_V                 0   all same    2 -
      SQRT                    0   0   free    2 2
      SQUARED_DIFFERENCE      0,1 0   free    2 -
      SQUEEZE                 0   0   same    1 1
      STRIDED_SLICE           0   0   same    2 1
      SUB                     0,1 0   free    2 5
      SUM                     0   0   free    2 -
      SVDF                    0   0   svdf    3 -
      TANH                    0   0   signed_unit 2 3
      TILE                    0   0   same    3 -
      TOPK_V2                 0   0   same    2 3
      TRANSPOSE               0   0   same    2 5
      TRANSPOSE_CONV          2   0   weights 3 5 fused_activation_function:4
      UNIDIRECTIONAL_SEQUENCE_LSTM 0 0 lstm   1 -
      UNPACK                  0   all same    2 4
      """;

  /** Beyond these bounds an operand changes the int8 result by less than half a step. */
  private static final Map<String, FloatRange> USEFUL =
      Map.of(
          "ELU", useful(-6, Float.POSITIVE_INFINITY),
          "GELU", useful(-5, Float.POSITIVE_INFINITY),
          "HARD_SWISH", useful(-3, Float.POSITIVE_INFINITY),
          "LOGISTIC", useful(-8, 8),
          "TANH", useful(-4, 4));

  /** Kernels that are there but do not compute what the float kernel does. */
  private static final Map<String, String> MISSING =
      Map.of(
          "CAST", "CAST would take the codes for the values",
          "SCATTER_ND", "SCATTER_ND fills with the code 0, which is not the zero point",
          "ZEROS_LIKE", "ZEROS_LIKE gives the code 0, which is not the zero point");

  /** Operators to which the largest values of their operand matter most. */
  private static final Set<String> RANKING =
      Set.of("ARG_MAX", "ARG_MIN", "LOG_SOFTMAX", "SOFTMAX", "TOPK_V2");

  private static final Map<String, IntegerRule> RULES = parse();

  private IntegerRules() {}

  /** The row of an operator, empty for one that has no integer kernel. */
  public static Optional<IntegerRule> of(String operator) {
    return Optional.ofNullable(RULES.get(operator));
  }

  /** Between what bounds the values of an operand of an int8 operator are worth codes. */
  public static FloatRange useful(String operator) {
    return USEFUL.getOrDefault(operator, useful(Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY));
  }

  /** Whether the largest values of its operand matter most to an operator. */
  public static boolean ranks(String operator) {
    return RANKING.contains(operator);
  }

  private static FloatRange useful(float min, float max) {
    return new FloatRange(min, max, 0, 0);
  }

  /** Why an operator does not compute with activations of a type, in words. */
  public static String missing(String operator, TensorType activation) {
    return MISSING.getOrDefault(operator, operator + " has no " + activation + " kernel");
  }

  public static List<IntegerRule> rows() {
    return List.copyOf(RULES.values());
  }

  private static Map<String, IntegerRule> parse() {
    Map<String, IntegerRule> rules = new LinkedHashMap<>();
    for (String line : TABLE.split("\n")) {
      String[] word = line.trim().split(" +");
      Scales scales = Scales.valueOf(word[3].toUpperCase(Locale.ROOT));
      Map<String, Integer> raised = new TreeMap<>();
      for (String option : word.length > 6 ? word[6].split(",") : new String[0]) {
        String[] pair = option.split(":");
        raised.put(pair[0], Integer.valueOf(pair[1]));
      }
      rules.put(
          word[0],
          new IntegerRule(
              word[0],
              places(word[1]),
              places(word[2]),
              scales,
              version(word[4]),
              version(word[5]),
              raised));
    }
    return rules;
  }

  private static Set<Integer> places(String word) {
    return switch (word) {
      case "all" -> Set.of();
      case "-" -> Set.of(-1);
      default -> Arrays.stream(word.split(",")).map(Integer::valueOf).collect(Collectors.toSet());
    };
  }

  private static int version(String word) {
    return word.equals("-") ? 0 : Integer.parseInt(word);
  }
}
