package io.narrow.tflite.shape;

import io.narrow.tflite.model.TensorType;
import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** Rules for operators that compute each value of the result from those at its place. */
final class Elementwise {
  private static final double EXACT = 0x1p53; // integers of a double up to there

  /** The result has the shape of the first operand. */
  private static final String LIKE_FIRST =
      "ADD_N COS CUMSUM DEQUANTIZE DYNAMIC_UPDATE_SLICE ELU EXP FAKE_QUANT GELU"
          + " HARD_SWISH L2_NORMALIZATION LEAKY_RELU LOCAL_RESPONSE_NORMALIZATION LOG LOGISTIC"
          + " LOG_SOFTMAX MATRIX_SET_DIAG QUANTIZE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1"
          + " REVERSE_SEQUENCE REVERSE_V2 RSQRT SIGN SIN SOFTMAX SQRT TANH";

  /** The result has the shape that both operands are broadcast to. */
  private static final String BROADCAST =
      "ATAN2 BITWISE_XOR POW PRELU RIGHT_SHIFT SQUARED_DIFFERENCE";

  static final Map<String, Rule> TABLE = table();

  private Elementwise() {}

  private static Map<String, Rule> table() {
    Map<String, Rule> table = new HashMap<>();
    for (String name : LIKE_FIRST.split(" ")) {
      table.put(name, Rule.one(node -> node.in(0).withoutValues()));
    }
    for (String name : BROADCAST.split(" ")) {
      table.put(name, Rule.one(node -> broadcasted(node.in(0), node.in(1))));
    }
    unary(table, "ABS", Math::abs);
    unary(table, "NEG", value -> 0 - value);
    unary(table, "SQUARE", value -> value * value);
    unary(table, "FLOOR", Math::floor);
    unary(table, "CEIL", Math::ceil);
    unary(table, "ROUND", Math::rint);
    unary(table, "LOGICAL_NOT", value -> 1 - value);
    unary(table, "ZEROS_LIKE", value -> 0);
    table.put("CAST", Rule.one(Elementwise::cast));
    binary(table, "ADD", Double::sum);
    binary(table, "SUB", (a, b) -> a - b);
    binary(table, "MUL", (a, b) -> a * b);
    binary(table, "MAXIMUM", Math::max);
    binary(table, "MINIMUM", Math::min);
    table.put("DIV", Rule.one(node -> mapped(node, quotient(node.type()))));
    table.put("FLOOR_DIV", Rule.one(node -> mapped(node, floorQuotient(node.type()))));
    table.put("FLOOR_MOD", Rule.one(node -> mapped(node, remainder(node.type()))));
    binary(table, "EQUAL", (a, b) -> a == b ? 1 : 0);
    binary(table, "NOT_EQUAL", (a, b) -> a != b ? 1 : 0);
    binary(table, "LESS", (a, b) -> a < b ? 1 : 0);
    binary(table, "LESS_EQUAL", (a, b) -> a <= b ? 1 : 0);
    binary(table, "GREATER", (a, b) -> a > b ? 1 : 0);
    binary(table, "GREATER_EQUAL", (a, b) -> a >= b ? 1 : 0);
    binary(table, "LOGICAL_AND", (a, b) -> a != 0 && b != 0 ? 1 : 0);
    binary(table, "LOGICAL_OR", (a, b) -> a != 0 || b != 0 ? 1 : 0);
    table.put("SELECT", Rule.one(node -> node.in(1).withoutValues()));
    table.put("SELECT_V2", Rule.one(Elementwise::select));
    return Map.copyOf(table);
  }

  private static void unary(Map<String, Rule> table, String name, DoubleUnaryOperator compute) {
    table.put(
        name,
        Rule.one(
            node -> {
              Fact operand = node.in(0);
              return operand.values() == null
                  ? operand
                  : Fact.filled(
                      operand.shape(),
                      index -> held(node.type(), compute.applyAsDouble(operand.at(index))));
            }));
  }

  private static void binary(Map<String, Rule> table, String name, DoubleBinaryOperator compute) {
    table.put(name, Rule.one(node -> mapped(node, compute)));
  }

  private static Fact mapped(Node node, DoubleBinaryOperator compute) {
    Fact a = node.in(0);
    Fact b = node.in(1);
    Fact result = broadcasted(a, b);
    if (a.values() == null || b.values() == null || node.isSet("fused_activation_function")) {
      return result;
    }
    return Fact.filled(
        result.shape(),
        index -> {
          double x = a.at(within(a, index));
          double y = b.at(within(b, index));
          boolean open = Double.isNaN(x) || Double.isNaN(y);
          return open ? Double.NaN : held(node.type(), compute.applyAsDouble(x, y));
        });
  }

  /** Where an operand has its value for a place of the result. */
  static int[] within(Fact operand, int[] index) {
    int[] own = new int[operand.rank()];
    for (int axis = 0; axis < own.length; axis++) {
      own[axis] = operand.shape()[axis] == 1 ? 0 : index[index.length - own.length + axis];
    }
    return own;
  }

  private static Fact broadcasted(Fact a, Fact b) {
    return a.isRanked() && b.isRanked() ? Fact.of(broadcast(a, b)) : Fact.NOTHING;
  }

  /** The shape that two are broadcast to, both of known rank. */
  static int[] broadcast(Fact a, Fact b) {
    int rank = Math.max(a.rank(), b.rank());
    int[] shape = new int[rank];
    for (int axis = 1; axis <= rank; axis++) {
      int first = axis > a.rank() ? 1 : a.size(-axis);
      int second = axis > b.rank() ? 1 : b.size(-axis);
      if (first > 1 && second > 1 && first != second) {
        throw new Mismatch("operands of shapes " + a.text() + " and " + b.text());
      }
      // What is not known beside a size above 1 has that size, or is 1.
      shape[rank - axis] = first == 1 ? second : second == 1 ? first : first < 0 ? second : first;
    }
    return shape;
  }

  private static Fact select(Node node) {
    Fact which = node.in(0);
    Fact yes = node.in(1);
    Fact no = node.in(2);
    Fact result = broadcasted(which, broadcasted(yes, no));
    return which.values() == null || yes.values() == null || no.values() == null
        ? result
        : Fact.filled(
            result.shape(),
            index -> {
              double first = which.at(within(which, index));
              Fact taken = first == 0 ? no : yes;
              return Double.isNaN(first) ? first : taken.at(within(taken, index));
            });
  }

  private static Fact cast(Node node) {
    Fact operand = node.in(0);
    return operand.values() == null
        ? operand
        : Fact.filled(
            operand.shape(),
            index -> {
              double value = operand.at(index);
              return node.type() == TensorType.BOOL && !Double.isNaN(value)
                  ? value == 0 ? 0 : 1
                  : held(
                      node.type(),
                      node.type() == TensorType.FLOAT32
                          ? value
                          : value < 0 ? Math.ceil(value) : Math.floor(value));
            });
  }

  /** A computed value as its type holds it; NaN where it does not, or not exactly. */
  static double held(TensorType type, double value) {
    return switch (type) {
      case FLOAT32 -> (float) value;
      case INT32 -> value == (int) value ? value + 0.0 : Double.NaN;
      case INT64 -> Math.abs(value) < EXACT ? value + 0.0 : Double.NaN;
      case BOOL -> value;
      default -> Double.NaN;
    };
  }

  private static DoubleBinaryOperator quotient(TensorType type) {
    return type == TensorType.FLOAT32
        ? (a, b) -> a / b
        : (a, b) -> b == 0 ? Double.NaN : (double) ((long) a / (long) b);
  }

  private static DoubleBinaryOperator floorQuotient(TensorType type) {
    return type == TensorType.FLOAT32
        ? (a, b) -> Math.floor((float) (a / b))
        : (a, b) -> b == 0 ? Double.NaN : Math.floorDiv((long) a, (long) b);
  }

  private static DoubleBinaryOperator remainder(TensorType type) {
    return type == TensorType.FLOAT32
        ? (a, b) -> Double.NaN
        : (a, b) -> b == 0 ? Double.NaN : Math.floorMod((long) a, (long) b);
  }
}
