package io.narrow.tflite.ops;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.Schema;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How an operator computes with int8 or int16 activations.
 *
 * @param inputs places of the operands that are quantized activations, empty for all of them
 * @param outputs places of the results that are quantized activations, empty for all of them; a
 *     single -1 for none
 * @param scales what the kernel demands of their scales
 * @param int8 version of the operator with int8 activations, 0 if there is no kernel
 * @param int16 version of the operator with int16 activations, 0 if there is no kernel
 * @param raised options that need a later version where they are set; {@code int4} stands for
 *     weights of that type
 * @param useful between what bounds the values of an int8 operand are worth codes
 * @param ranks whether the largest values of its operand matter most
 * @param fills whether it pads with a constant, which may be a filler: far beyond all other values
 * @param int8Limits what its kernel for int8 activations does not take
 * @param int16Limits what that for int16 activations does not
 */
public record IntegerRule(
    Set<Integer> inputs,
    Set<Integer> outputs,
    Scales scales,
    int int8,
    int int16,
    Map<String, Integer> raised,
    FloatRange useful,
    boolean ranks,
    boolean fills,
    Limits int8Limits,
    Limits int16Limits) {
  /** The bounds of what is useful where all is. */
  public static final FloatRange EVERYTHING = range("-inf..inf");

  /** What a kernel demands of the scales of its activations. */
  public enum Scales {
    /** Nothing. */
    FREE,
    /** The same scale and zero point for all operands and results. */
    SAME,
    /** As {@link #SAME}; a constant operand only bounds the result and may be clamped. */
    BOUND,
    /** Nothing; the result is the operand clamped, so that it may be clamped before. */
    CLAMP,
    /**
     * A symmetric second operand: XNNPACK (seen with 2.21) takes its zero point for 0, and a model
     * with another comes out wrong without a word.
     */
    PRODUCT,
    /**
     * A constant second operand whose codes are all above its zero point: the kernel stops else.
     */
    QUOTIENT,
    /** Weights per channel, and a bias with the scale of the products. */
    WEIGHTS,
    /** Those of {@link Lstm}. */
    LSTM,
    /** Weights of features and of time, a bias with the scale of the products of the latter. */
    SVDF,
    /** The same for both operands: codes or whole steps of a fixed size are compared. */
    COMPARE,
    /** The same for all that read a variable or assign to it. */
    VARIABLE,
    /** A result in [0, 1). */
    UNIT,
    /** A result in [-1, 1). */
    SIGNED_UNIT,
    /** A result in [-16, 0]; what is below saturates. */
    LOGARITHM;

    /** Whether all operands and results share a scale. */
    public boolean same() {
      return this == SAME || this == BOUND;
    }

    /** Whether the kernel keeps state from one run to the next. */
    public boolean recurrent() {
      return this == LSTM || this == SVDF;
    }

    /** Whether the kernel has weights. */
    public boolean weighted() {
      return this == WEIGHTS || recurrent();
    }

    /** Whether the kernel fixes scale and zero point of its result. */
    public boolean fixed() {
      return ordinal() >= UNIT.ordinal();
    }

    /** Scale of a fixed result of this type. */
    public float scale(TensorType type) {
      if (type == TensorType.INT16) {
        return 1f / 32768;
      }
      return this == UNIT ? 1f / 256 : this == SIGNED_UNIT ? 1f / 128 : 16f / 256;
    }

    /** Zero point of a fixed result of this type. */
    public int zeroPoint(TensorType type) {
      return type == TensorType.INT16 || this == SIGNED_UNIT ? 0 : this == UNIT ? -128 : 127;
    }
  }

  /** What stands for weights of four bits among the options. */
  private static final String FOUR_BITS = "int4";

  private static final int RELU = Schema.value("ActivationFunctionType", "RELU");

  /** Fused activations from this one on are ignored by integer kernels, but by that of an LSTM. */
  public static final int TANH = Schema.value("ActivationFunctionType", "TANH");

  public IntegerRule {
    inputs = Set.copyOf(inputs);
    outputs = Set.copyOf(outputs);
    raised = Map.copyOf(raised);
  }

  static Optional<IntegerRule> of(Row row) {
    if (row.column(3).equals("-")) {
      return Optional.empty();
    }
    Map<String, Integer> raised =
        row.pairs("raised").entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> Integer.valueOf(e.getValue())));
    return Optional.of(
        new IntegerRule(
            places(row.column(1)),
            places(row.column(2)),
            Scales.valueOf(row.column(3).toUpperCase(Locale.ROOT)),
            version(row.column(4)),
            version(row.column(5)),
            raised,
            row.has("useful") ? range(row.word("useful", "")) : EVERYTHING,
            row.has("ranks"),
            row.has("fills"),
            Limits.of(row, "int8"),
            Limits.of(row, "int16")));
  }

  private static Set<Integer> places(String word) {
    return switch (word) {
      case "all" -> Set.of();
      case "-" -> Set.of(-1);
      default -> Stream.of(word.split(",")).map(Integer::valueOf).collect(Collectors.toSet());
    };
  }

  private static int version(String word) {
    return word.equals("-") ? 0 : Integer.parseInt(word);
  }

  private static FloatRange range(String word) {
    int dots = word.indexOf("..");
    return new FloatRange(
        Float.parseFloat(word.substring(0, dots).replace("inf", "Infinity")),
        Float.parseFloat(word.substring(dots + 2).replace("inf", "Infinity")),
        0,
        0);
  }

  /** Whether the operand at this place is a quantized activation. */
  public boolean reads(int place) {
    return inputs.isEmpty() || inputs.contains(place);
  }

  /** Whether the result at this place is a quantized activation. */
  public boolean writes(int place) {
    return outputs.isEmpty() || outputs.contains(place);
  }

  /** What its kernel for activations of this type does not take. */
  public Limits limits(TensorType activation) {
    return activation == TensorType.INT16 ? int16Limits : int8Limits;
  }

  /** The same for weights that are computed: they are read as the second factor of a product. */
  IntegerRule ofComputed(List<Integer> weights) {
    Set<Integer> reads = new HashSet<>(inputs);
    reads.addAll(weights);
    return new IntegerRule(
        reads,
        outputs,
        Scales.PRODUCT,
        int8,
        0,
        raised,
        useful,
        ranks,
        fills,
        int8Limits,
        int16Limits);
  }

  /** Whether there is a kernel for activations of this type. */
  public boolean has(TensorType activation) {
    return base(activation) > 0;
  }

  private int base(TensorType activation) {
    return activation == TensorType.INT16 ? int16 : int8;
  }

  /** Why an operator has no integer kernel although its row has; empty if it has. */
  public String objection(Operator candidate) {
    long activation = candidate.option("fused_activation_function");
    return switch (scales) {
      case LSTM -> activation == TANH ? "" : only("tanh");
      case SVDF -> activation == RELU ? "" : only("RELU");
      default -> activation < TANH ? "" : "its fused activation has no integer kernel";
    };
  }

  private static String only(String activation) {
    return "its integer kernel has no other activation than " + activation;
  }

  /** Version of an operator that computes with activations and weights of these types. */
  public int version(TensorType activation, TensorType weights, Operator candidate) {
    int version = Math.max(base(activation), candidate.version());
    if (weights == TensorType.INT4) {
      version = Math.max(version, raised.getOrDefault(FOUR_BITS, 0));
    }
    for (Map.Entry<String, Integer> option : raised.entrySet()) {
      if (candidate.option(option.getKey()) != 0) {
        version = Math.max(version, option.getValue());
      }
    }
    return version;
  }
}
