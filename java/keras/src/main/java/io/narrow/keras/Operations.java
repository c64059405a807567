package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
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
final class Operations {
  static final Map<String, Rule> ROWS = rows();

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
      {"ROUND", "", "ops.Round", "tf.math.round"},
      {"RSQRT", "", "ops.Rsqrt", "tf.math.rsqrt"},
      {"SIGN", "SignOptions", "ops.Sign", "tf.math.sign"},
      {"SIN", "", "ops.Sin", "tf.math.sin"},
      {"SQRT", "", "ops.Sqrt", "tf.math.sqrt"},
      {"SQUARE", "SquareOptions", "ops.Square", "tf.math.square"},
    };
    for (String[] row : unary) {
      add(rows, row, 2, call -> call.graph().unary(row[0], row[1], call.x()));
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
      add(rows, row, 1, call -> binary(call, row[0]));
    }
    String[] divide = {
      "ops.Divide",
      "ops.TrueDivide",
      "tf.math.divide",
      "tf.math.truediv",
      "tf.__operators__.truediv"
    };
    add(rows, divide, 0, Operations::divide);
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
      add(rows, row, 1, call -> compare(call, row[0]));
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
      add(rows, row, 1, call -> reduce(call, row[0], call.x()));
    }
    add(rows, new String[] {"ops.Var", "tf.math.reduce_variance"}, 0, Operations::variance);
    add(
        rows,
        new String[] {"ops.Std", "tf.math.reduce_std"},
        0,
        call -> call.graph().unary("SQRT", "", variance(call)));
    add(rows, new String[] {"ops.Logsumexp", "tf.math.reduce_logsumexp"}, 0, Operations::logSum);
    add(rows, new String[] {"ops.Normalize", "tf.math.l2_normalize"}, 0, Operations::normalize);
    add(rows, new String[] {"ops.Reciprocal", "tf.math.reciprocal"}, 0, Operations::reciprocal);
    add(rows, new String[] {"ops.Clip", "tf.clip_by_value"}, 0, Operations::clip);
    add(rows, new String[] {"ops.Where", "tf.where"}, 0, Operations::where);
    add(rows, new String[] {"ops.Cast", "tf.cast"}, 0, Operations::cast);
    add(rows, new String[] {"ops.Log1p", "tf.math.log1p"}, 0, Operations::logOnePlus);
    add(rows, new String[] {"ops.Expm1", "tf.math.expm1"}, 0, Operations::expMinusOne);
    String[] same = {
      "ops.ConvertToTensor",
      "ops.Copy",
      "ops.StopGradient",
      "tf.convert_to_tensor",
      "tf.identity",
      "tf.stop_gradient"
    };
    add(rows, same, 0, Call::x);
    activations(rows);
    return rows;
  }

  static void add(
      Map<String, Rule> rows, String[] row, int from, java.util.function.Function<Call, Value> f) {
    for (String name : Arrays.asList(row).subList(from, row.length)) {
      rows.put(name, one(f));
    }
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
    return one(call -> Activations.named(call, name, call.x(), parameters(call)));
  }

  /** The parameters of an operation, which are its configuration, or named arguments. */
  static Config parameters(Call call) {
    JsonObject all = new JsonObject();
    call.config().json().entrySet().forEach(e -> all.add(e.getKey(), e.getValue()));
    call.arguments()
        .names()
        .forEach(
            (name, value) -> {
              if (value instanceof JsonElement json) {
                all.add(name, json);
              } else if (value instanceof List<?> list) {
                constants(list).ifPresent(json -> all.add(name, json));
              }
            });
    return new Config(all);
  }

  /** A list that has constants only. */
  private static java.util.Optional<JsonElement> constants(List<?> list) {
    com.google.gson.JsonArray array = new com.google.gson.JsonArray();
    for (Object element : list) {
      if (element instanceof JsonElement json) {
        array.add(json);
      } else if (element instanceof List<?> inner && constants(inner).isPresent()) {
        array.add(constants(inner).get());
      } else if (element instanceof Value value && value.ints != null && value.ints.length == 1) {
        array.add(value.ints[0]); // of the shape of another tensor
      } else {
        return java.util.Optional.empty();
      }
    }
    return java.util.Optional.of(array);
  }

  /** An operand that has a place and, by the version of Keras, one of several names. */
  static Value operand(Call call, int place, String... names) {
    Object found = null;
    for (String name : names) {
      found = found == null ? call.arguments().get(place, name) : found;
    }
    if (found instanceof Value value) {
      return value;
    }
    if (found instanceof JsonElement json && json.isJsonPrimitive()) {
      boolean whole = json.getAsString().matches("-?\\d+");
      return whole
          ? Value.of(call.graph().scope + "/number", new int[] {json.getAsInt()})
          : call.graph().scalar((float) Config.number(json));
    }
    if (found instanceof List<?> list && constants(list).isPresent()) {
      float[] numbers = Config.numbers(constants(list).get());
      return call.graph().constant("numbers", numbers, numbers.length);
    }
    throw new IllegalStateException("it has no operand `" + names[0] + "`");
  }

  /** Both operands in the same type: that of the tensors, float32 if they differ. */
  private static Value[] operands(Call call) {
    Graph g = call.graph();
    Value a = operand(call, 0, "x1", "x", "value");
    Value b = operand(call, 1, "x2", "y", "bias");
    if (a.type == b.type) {
      return new Value[] {a, b};
    }
    return new Value[] {floats(g, a), floats(g, b)};
  }

  private static Value floats(Graph g, Value x) {
    if (x.ints == null) {
      return g.cast(x, TensorType.FLOAT32);
    }
    float[] numbers = new float[x.ints.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = x.ints[i];
    }
    return Value.of(x.name, Floats.of(numbers), x.shape);
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
    Value[] both = operands(call);
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
    Value[] both = operands(call);
    return g.binary("DIV", floats(g, both[0]), floats(g, both[1]));
  }

  private static Value compare(Call call, String kind) {
    Value[] both = operands(call);
    StringBuilder options = new StringBuilder();
    for (String word : kind.split("_")) {
      options.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
    }
    return call.graph().compare(kind, options + "Options", both[0], both[1]);
  }

  private static int[] axes(Call call) {
    Config c = parameters(call);
    int rank = call.x().rank();
    if (c.has("axis")) {
      return Graph.axes(rank, c.integers("axis"));
    }
    int[] all = new int[rank];
    Arrays.setAll(all, i -> i);
    return all;
  }

  private static Value reduce(Call call, String kind, Value x) {
    boolean keep = parameters(call).flag("keepdims", false);
    return call.graph().reduce(kind, x, keep, axes(call));
  }

  private static Value variance(Call call) {
    Graph g = call.graph();
    Value mean = g.reduce("MEAN", call.x(), true, axes(call));
    return reduce(call, "MEAN", g.binary("SQUARED_DIFFERENCE", call.x(), mean));
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
    if (parameters(call).integer("order", 2) != 2) {
      throw new Call.UnsupportedException("an order other than 2");
    }
    boolean last = call.kind().startsWith("ops.") && !parameters(call).has("axis");
    return MergeLayers.unit(
        call.graph(), call.x(), last ? new int[] {call.x().rank() - 1} : axes(call));
  }

  private static Value reciprocal(Call call) {
    return call.graph().binary("DIV", call.graph().scalar(1), call.x());
  }

  private static Value clip(Call call) {
    Graph g = call.graph();
    Config c = parameters(call);
    Value low = g.scalar((float) c.number("x_min", c.number("clip_value_min", 0)));
    Value high = g.scalar((float) c.number("x_max", c.number("clip_value_max", 0)));
    return g.binary("MINIMUM", g.binary("MAXIMUM", floats(g, call.x()), low), high);
  }

  private static Value where(Call call) {
    Graph g = call.graph();
    Value yes = operand(call, 1, "x1", "x");
    Value no = operand(call, 2, "x2", "y");
    boolean same = yes.type == no.type;
    return g.select(
        g.cast(operand(call, 0, "condition"), TensorType.BOOL),
        same ? yes : floats(g, yes),
        same ? no : floats(g, no));
  }

  private static Value cast(Call call) {
    String type = parameters(call).text("dtype", "float32");
    return call.graph().cast(call.x(), InputShapes.type(type));
  }

  private static Value logOnePlus(Call call) {
    return call.graph().unary("LOG", "", Activations.plus(call.graph(), call.x(), 1));
  }

  private static Value expMinusOne(Call call) {
    Graph g = call.graph();
    return Activations.plus(g, g.unary("EXP", "ExpOptions", call.x()), -1);
  }

  /** The values of a list that an operation is given. */
  static List<Value> list(Call call, String name) {
    return new ArrayList<>(Arguments.values(call.arguments().get(0, name)));
  }
}
