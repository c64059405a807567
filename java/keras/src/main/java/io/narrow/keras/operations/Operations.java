package io.narrow.keras.operations;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Network;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Functions that a model calls on tensors, which compute element by element or over axes: {@code
 * ops.} and the class of the operation in Keras 3, {@code tf.} and the function in Keras 2.
 */
public final class Operations {
  public static final Map<String, Rule> ROWS = rows();

  private Operations() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    String[][] unary = {
      // operator, options, names
      {"ABS", "AbsOptions", "ops.Absolute", "ops.Fabs", "tf.math.abs", "tf.abs"},
      {"CEIL", "", "ops.Ceil", "tf.math.ceil"},
      {"COS", "CosOptions", "ops.Cos", "tf.math.cos"},
      {"EXP", "ExpOptions", "ops.Exp", "tf.math.exp"},
      {"FLOOR", "", "ops.Floor", "tf.math.floor"},
      {"LOG", "", "ops.Log", "tf.math.log"},
      {"LOGICAL_NOT", "LogicalNotOptions", "ops.LogicalNot", "tf.math.logical_not"},
      {"NEG", "NegOptions", "ops.Negative", "tf.math.negative", "tf.__operators__.neg"},
      {"RSQRT", "", "ops.Rsqrt", "tf.math.rsqrt"},
      {"SIGN", "SignOptions", "ops.Sign", "tf.math.sign"},
      {"SIN", "", "ops.Sin", "tf.math.sin"},
      {"SQRT", "", "ops.Sqrt", "tf.math.sqrt"},
      {"SQUARE", "SquareOptions", "ops.Square", "tf.math.square"},
    };
    for (String[] row : unary) {
      Rule.put(rows, call -> call.graph().unary(row[0], row[1], call.x()), names(row, 2));
    }
    String[][] binary = {
      {"ADD", "ops.Add", "tf.math.add", "tf.__operators__.add", "tf.nn.bias_add"},
      {"SUB", "ops.Subtract", "tf.math.subtract", "tf.__operators__.sub"},
      {"MUL", "ops.Multiply", "tf.math.multiply", "tf.__operators__.mul"},
      {"FLOOR_DIV", "ops.FloorDivide", "tf.math.floordiv", "tf.__operators__.floordiv"},
      {"FLOOR_MOD", "ops.Mod", "tf.math.floormod", "tf.__operators__.mod"},
      {"MAXIMUM", "ops.Maximum", "ops.Fmax", "tf.math.maximum"},
      {"MINIMUM", "ops.Minimum", "ops.Fmin", "tf.math.minimum"},
      {"POW", "ops.Power", "tf.math.pow", "tf.__operators__.pow"},
      {"SQUARED_DIFFERENCE", "tf.math.squared_difference"},
    };
    for (String[] row : binary) {
      Rule.put(rows, call -> binary(call, row[0]), names(row, 1));
    }
    String[][] comparing = {
      {"EQUAL", "ops.Equal", "tf.math.equal", "tf.__operators__.eq"},
      {"NOT_EQUAL", "ops.NotEqual", "tf.math.not_equal", "tf.__operators__.ne"},
      {"GREATER", "ops.Greater", "tf.math.greater"},
      {"GREATER_EQUAL", "ops.GreaterEqual", "tf.math.greater_equal"},
      {"LESS", "ops.Less", "tf.math.less"},
      {"LESS_EQUAL", "ops.LessEqual", "tf.math.less_equal"},
      {"LOGICAL_AND", "ops.LogicalAnd", "tf.math.logical_and"},
      {"LOGICAL_OR", "ops.LogicalOr", "tf.math.logical_or"},
    };
    for (String[] row : comparing) {
      Rule.put(rows, call -> compare(call, row[0]), names(row, 1));
    }
    String[][] reducing = {
      {"MEAN", "ops.Mean", "tf.math.reduce_mean"},
      {"SUM", "ops.Sum", "tf.math.reduce_sum"},
      {"REDUCE_MAX", "ops.Max", "ops.Amax", "tf.math.reduce_max"},
      {"REDUCE_MIN", "ops.Min", "ops.Amin", "tf.math.reduce_min"},
      {"REDUCE_PROD", "ops.Prod", "tf.math.reduce_prod"},
      {"REDUCE_ANY", "ops.Any", "tf.math.reduce_any"},
      {"REDUCE_ALL", "ops.All", "tf.math.reduce_all"},
    };
    for (String[] row : reducing) {
      Rule.put(rows, call -> reduce(call, row[0], call.x()), names(row, 1));
    }
    Rule.put(
        rows,
        Operations::divide,
        "ops.Divide",
        "ops.TrueDivide",
        "tf.math.divide",
        "tf.math.truediv",
        "tf.__operators__.truediv");
    Rule.put(rows, Operations::variance, "ops.Var", "tf.math.reduce_variance");
    Rule.put(rows, Operations::deviation, "ops.Std", "tf.math.reduce_std");
    Rule.put(rows, Operations::logSum, "ops.Logsumexp", "tf.math.reduce_logsumexp");
    Rule.put(rows, Operations::normalize, "ops.Normalize", "tf.math.l2_normalize");
    Rule.put(rows, Operations::reciprocal, "ops.Reciprocal", "tf.math.reciprocal");
    Rule.put(rows, Operations::clip, "ops.Clip", "tf.clip_by_value");
    Rule.put(rows, Operations::where, "ops.Where", "tf.where");
    Rule.put(rows, Operations::cast, "ops.Cast", "tf.cast");
    Rule.put(rows, Operations::round, "ops.Round", "tf.math.round");
    Rule.put(rows, Operations::logOnePlus, "ops.Log1p", "tf.math.log1p");
    Rule.put(rows, Operations::expMinusOne, "ops.Expm1", "tf.math.expm1");
    Rule.put(
        rows,
        Call::x,
        "ops.ConvertToTensor",
        "ops.Copy",
        "ops.StopGradient",
        "tf.convert_to_tensor",
        "tf.identity",
        "tf.stop_gradient");
    activations(rows);
    return rows;
  }

  private static String[] names(String[] row, int from) {
    return Arrays.copyOfRange(row, from, row.length);
  }

  /** Functions that are activations too have the same names there, in another spelling. */
  private static void activations(Map<String, Rule> rows) {
    List<String> classes =
        List.of(
            "Celu",
            "Elu",
            "Gelu",
            "Glu",
            "HardShrink",
            "HardSigmoid",
            "HardSilu",
            "HardTanh",
            "LeakyRelu",
            "LogSigmoid",
            "LogSoftmax",
            "Relu",
            "Relu6",
            "Selu",
            "Sigmoid",
            "Silu",
            "SoftShrink",
            "Softmax",
            "Softplus",
            "Softsign",
            "SparsePlus",
            "SparseSigmoid",
            "Sparsemax",
            "Squareplus",
            "Tanh",
            "TanhShrink",
            "Threshold");
    for (String kind : classes) {
      rows.put("ops." + kind, activation(Network.snake(kind)));
    }
    for (String name :
        List.of(
            "elu",
            "gelu",
            "leaky_relu",
            "log_softmax",
            "relu",
            "relu6",
            "selu",
            "sigmoid",
            "silu",
            "softmax",
            "softplus",
            "softsign",
            "swish",
            "tanh")) {
      rows.put("tf.nn." + name, activation(name));
      rows.put("tf.math." + name, activation(name));
    }
  }

  private static Rule activation(String name) {
    return one(call -> Activations.named(call, name, call.x(), Operands.parameters(call)));
  }

  private static final Map<String, BiFunction<Integer, Integer, Integer>> WHOLE =
      Map.of(
          "ADD",
          Integer::sum,
          "SUB",
          (a, b) -> a - b,
          "MUL",
          (a, b) -> a * b,
          "FLOOR_DIV",
          Math::floorDiv);

  private static Value binary(Call call, String kind) {
    Value[] both = Operands.both(call);
    boolean sizes =
        both[0].ints != null && both[1].ints != null && both[0].ints.length == both[1].ints.length;
    if (sizes && WHOLE.containsKey(kind)) {
      int[] result = new int[both[0].ints.length];
      Arrays.setAll(result, i -> WHOLE.get(kind).apply(both[0].ints[i], both[1].ints[i]));
      return Value.of(call.graph().scope, result, both[0].shape);
    }
    return call.graph().binary(kind, both[0], both[1]);
  }

  private static Value divide(Call call) {
    Graph g = call.graph();
    Value[] both = Operands.both(call);
    return g.binary("DIV", Operands.floats(g, both[0]), Operands.floats(g, both[1]));
  }

  private static Value compare(Call call, String kind) {
    Value[] both = Operands.both(call);
    StringBuilder options = new StringBuilder();
    for (String word : kind.split("_")) {
      options.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
    }
    return call.graph().compare(kind, options + "Options", both[0], both[1]);
  }

  private static int[] axes(Call call) {
    Config c = Operands.parameters(call);
    int rank = call.x().rank();
    if (c.has("axis")) {
      return Shapes.axes(rank, c.integers("axis"));
    }
    int[] all = new int[rank];
    Arrays.setAll(all, i -> i);
    return all;
  }

  private static Value reduce(Call call, String kind, Value x) {
    if (Operands.parameters(call).has("initial")) {
      throw new UnsupportedException("an initial value");
    }
    boolean keep = Operands.parameters(call).flag("keepdims", false);
    return call.graph().reduce(kind, x, keep, axes(call));
  }

  private static Value variance(Call call) {
    Graph g = call.graph();
    Value mean = g.reduce("MEAN", call.x(), true, axes(call));
    return reduce(call, "MEAN", g.binary("SQUARED_DIFFERENCE", call.x(), mean));
  }

  private static Value deviation(Call call) {
    return call.graph().unary("SQRT", "", variance(call));
  }

  /** log(sum(e^(x - max))) + max, which does not overflow. */
  private static Value logSum(Call call) {
    Graph g = call.graph();
    Value largest = g.reduce("REDUCE_MAX", call.x(), true, axes(call));
    Value powers = g.unary("EXP", "ExpOptions", g.binary("SUB", call.x(), largest));
    Value log = g.unary("LOG", "", reduce(call, "SUM", powers));
    return g.binary("ADD", log, g.reshape(largest, log.shape));
  }

  private static Value normalize(Call call) {
    if (Operands.parameters(call).integer("order", 2) != 2) {
      throw new UnsupportedException("an order other than 2");
    }
    boolean last = call.kind().startsWith("ops.") && !Operands.parameters(call).has("axis");
    return Algebra.unit(
        call.graph(), call.x(), last ? new int[] {call.x().rank() - 1} : axes(call));
  }

  private static Value reciprocal(Call call) {
    return call.graph().binary("DIV", call.graph().scalar(1), call.x());
  }

  private static Value clip(Call call) {
    Graph g = call.graph();
    Config c = Operands.parameters(call);
    Value low = g.scalar((float) c.number("x_min", c.number("clip_value_min", 0)));
    Value high = g.scalar((float) c.number("x_max", c.number("clip_value_max", 0)));
    return g.binary("MINIMUM", g.binary("MAXIMUM", Operands.floats(g, call.x()), low), high);
  }

  private static Value where(Call call) {
    Graph g = call.graph();
    Value yes = Operands.operand(call, 1, "x1", "x");
    Value no = Operands.operand(call, 2, "x2", "y");
    boolean same = yes.type == no.type;
    return g.select(
        g.cast(Operands.operand(call, 0, "condition"), TensorType.BOOL),
        same ? yes : Operands.floats(g, yes),
        same ? no : Operands.floats(g, no));
  }

  private static Value cast(Call call) {
    String type = Operands.parameters(call).text("dtype", "float32");
    return call.graph().cast(call.x(), Config.type(type));
  }

  private static Value round(Call call) {
    if (Operands.parameters(call).integer("decimals", 0) != 0) {
      throw new UnsupportedException("decimals");
    }
    return call.graph().unary("ROUND", "", call.x());
  }

  private static Value logOnePlus(Call call) {
    return call.graph().unary("LOG", "", Activations.plus(call.graph(), call.x(), 1));
  }

  private static Value expMinusOne(Call call) {
    Graph g = call.graph();
    return Activations.plus(g, g.unary("EXP", "ExpOptions", call.x()), -1);
  }
}
