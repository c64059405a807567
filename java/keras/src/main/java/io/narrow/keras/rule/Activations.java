package io.narrow.keras.rule;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The activation table: what Keras knows by a name. */
public final class Activations {
  private static final double SELU_SCALE = 1.0507009873554804934193349852946;
  private static final double SELU_ALPHA = 1.6732632423543772848170429916717;
  private static final Config NO_PARAMETERS = new Config(new JsonObject());

  /** An activation; its parameters have the names of the arguments of the function in Keras. */
  private interface Row {
    Value build(Graph g, Value x, Config parameters);
  }

  private static final Map<String, Row> ROWS = rows();

  private Activations() {}

  private static Map<String, Row> rows() {
    Map<String, Row> rows = new HashMap<>();
    rows.put("linear", (g, x, c) -> x);
    rows.put("relu", Activations::relu);
    rows.put("relu6", (g, x, c) -> g.unary("RELU6", "", x));
    rows.put("tanh", (g, x, c) -> g.unary("TANH", "", x));
    rows.put("sigmoid", (g, x, c) -> g.unary("LOGISTIC", "", x));
    rows.put("softmax", (g, x, c) -> softmax(g, x, axes(x, c)));
    rows.put("log_softmax", (g, x, c) -> lastAxis(g, x, axes(x, c), Activations::logSoftmax));
    rows.put("sparsemax", (g, x, c) -> lastAxis(g, x, axes(x, c), Activations::sparsemax));
    rows.put("elu", (g, x, c) -> elu(g, x, (float) c.number("alpha", 1)));
    rows.put("celu", (g, x, c) -> celu(g, x, (float) c.number("alpha", 1)));
    rows.put("selu", (g, x, c) -> times(g, elu(g, x, (float) SELU_ALPHA), (float) SELU_SCALE));
    rows.put("softplus", (g, x, c) -> softplus(g, x));
    rows.put("softsign", (g, x, c) -> softsign(g, x));
    rows.put("swish", (g, x, c) -> g.binary("MUL", x, g.unary("LOGISTIC", "", x)));
    rows.put("silu", rows.get("swish"));
    rows.put("gelu", (g, x, c) -> gelu(g, x, c.flag("approximate", false)));
    rows.put("glu", Activations::glu);
    rows.put("exponential", (g, x, c) -> g.unary("EXP", "ExpOptions", x));
    rows.put("leaky_relu", (g, x, c) -> leaky(g, x, (float) slope(c, 0.2)));
    rows.put("mish", (g, x, c) -> g.binary("MUL", x, g.unary("TANH", "", softplus(g, x))));
    rows.put("hard_swish", (g, x, c) -> g.unary("HARD_SWISH", "HardSwishOptions", x));
    rows.put("hard_silu", rows.get("hard_swish"));
    rows.put("hard_tanh", (g, x, c) -> g.unary("RELU_N1_TO_1", "", x));
    rows.put("hard_shrink", (g, x, c) -> hardShrink(g, x, (float) c.number("threshold", 0.5)));
    rows.put("soft_shrink", (g, x, c) -> softShrink(g, x, (float) c.number("threshold", 0.5)));
    rows.put("log_sigmoid", (g, x, c) -> negative(g, softplus(g, negative(g, x))));
    rows.put("tanh_shrink", (g, x, c) -> g.binary("SUB", x, g.unary("TANH", "", x)));
    rows.put("sparse_plus", (g, x, c) -> sparsePlus(g, x));
    rows.put("sparse_sigmoid", (g, x, c) -> times(g, plus(g, clip1(g, x), 1), 0.5f));
    rows.put("squareplus", (g, x, c) -> squareplus(g, x, (float) c.number("b", 4)));
    rows.put("threshold", Activations::threshold);
    rows.put("hard_sigmoid", (g, x, c) -> hardSigmoid(g, x));
    return rows;
  }

  static boolean has(String name) {
    return ROWS.containsKey(name);
  }

  /** Refuses an activation that the table has not, before anything is built. */
  public static void check(JsonElement activation) {
    if (activation != null && !activation.isJsonNull() && isFunction(activation)) {
      String name = name(activation);
      if (!ROWS.containsKey(name)) {
        throw new UnsupportedException("activation " + name);
      }
    }
  }

  /** Appends the activation that a configuration names, itself a layer or a function. */
  public static Value apply(Call call, JsonElement activation, Value x) {
    if (activation == null || activation.isJsonNull()) {
      return x;
    }
    check(activation);
    if (isFunction(activation)) {
      return named(call, name(activation), x, NO_PARAMETERS);
    }
    Config layer = new Config(activation.getAsJsonObject());
    return call.inner(call.network().kind(layer), layer.object("config"), call.part(), List.of(x))
        .build()
        .get(0);
  }

  public static Value named(Call call, String name, Value x, Config parameters) {
    if (name.equals("hard_sigmoid") && !call.network().keras3()) {
      return hardSigmoid2(call.graph(), x);
    }
    return ROWS.get(name).build(call.graph(), x, parameters);
  }

  public static String nameOr(JsonElement activation, String otherwise) {
    return activation == null || activation.isJsonNull() || !isFunction(activation)
        ? otherwise
        : name(activation);
  }

  private static boolean isFunction(JsonElement activation) {
    return activation.isJsonPrimitive()
        || new Config(activation.getAsJsonObject()).text("class_name", "").equals("function");
  }

  private static String name(JsonElement activation) {
    if (activation.isJsonPrimitive()) {
      return activation.getAsString();
    }
    return new Config(activation.getAsJsonObject()).text("config", "");
  }

  private static double slope(Config c, double otherwise) {
    return c.number("negative_slope", c.number("alpha", otherwise));
  }

  /** Axes of a softmax, the last one if none are named. */
  private static int[] axes(Value x, Config c) {
    return c.has("axis") ? Shapes.axes(x.rank(), c.integers("axis")) : new int[] {x.rank() - 1};
  }

  /** Something that is done along the last axis only. */
  private interface LastAxis {
    Value build(Graph g, Value x);
  }

  /** Moves axes to the end and makes one of them, and back again. */
  private static Value lastAxis(Graph g, Value x, int[] axes, LastAxis function) {
    if (axes.length == 1 && axes[0] == x.rank() - 1) {
      return function.build(g, x);
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      int axis = i;
      if (Arrays.stream(axes).noneMatch(a -> a == axis)) {
        order.add(i);
      }
    }
    int kept = order.size();
    Arrays.stream(axes).forEach(order::add);
    Value moved = g.transpose(x, Shapes.ints(order));
    int[] merged = Arrays.copyOf(moved.shape, kept + 1);
    merged[kept] = moved.elements(kept);
    Value result = g.reshape(function.build(g, g.reshape(moved, merged)), moved.shape);
    int[] back = new int[x.rank()];
    for (int i = 0; i < back.length; i++) {
      back[order.get(i)] = i;
    }
    return g.transpose(result, back);
  }

  public static Value softmax(Graph g, Value x, int... axes) {
    return lastAxis(g, x, axes, Activations::softmax);
  }

  public static Value softmax(Graph g, Value x) {
    return g.op("SOFTMAX", "SoftmaxOptions", Map.of("beta", 1f), x.shape, x);
  }

  private static Value logSoftmax(Graph g, Value x) {
    return g.unary("LOG_SOFTMAX", "LogSoftmaxOptions", x);
  }

  /**
   * max(x - t, 0) after Martins and Astudillo, 2016, but with the t of Keras, which adds up the
   * sums over the first 1, 2 ... numbers where the paper takes the last of them.
   */
  private static Value sparsemax(Graph g, Value x) {
    int last = x.rank() - 1;
    int size = x.size(last);
    Value sorted = new Value(g.scope + "/sorted", TensorType.FLOAT32, x.shape);
    Value order = new Value(g.scope + "/order", TensorType.INT32, x.shape);
    sorted.batched = x.batched;
    order.batched = x.batched;
    Value count = Value.of(g.scope + "/count", new int[] {size});
    g.add(new Op("TOPK_V2", "TopKV2Options", Graph.NONE, List.of(x, count), sorted, order));
    Value sums =
        g.op(
            "CUMSUM",
            "CumsumOptions",
            Graph.NONE,
            x.shape,
            sorted,
            Value.of("axis", new int[] {last}));
    float[] places = new float[size];
    for (int i = 0; i < size; i++) {
      places[i] = i + 1;
    }
    Value scaled = g.binary("MUL", sorted, g.constant("places", places, size));
    Value inside = g.compare("GREATER", "GreaterOptions", plus(g, scaled, 1), sums);
    Value one = g.cast(inside, TensorType.FLOAT32);
    Value support = g.reduce("SUM", one, true, last);
    Value sum = g.reduce("SUM", g.binary("MUL", one, sums), true, last);
    Value threshold = g.binary("DIV", plus(g, sum, -1), support);
    return g.unary("RELU", "", g.binary("SUB", x, threshold));
  }

  /** As the layer of that name, which has all parameters. */
  public static Value relu(Graph g, Value x, Config c) {
    float slope = (float) slope(c, 0);
    float threshold = (float) c.number("threshold", 0);
    boolean clipped = c.has("max_value");
    float largest = (float) c.number("max_value", 0);
    if (threshold == 0 && slope == 0 && clipped && largest == 6) {
      return g.unary("RELU6", "", x);
    }
    Value y;
    if (threshold == 0) {
      y = slope == 0 ? g.unary("RELU", "", x) : leaky(g, x, slope);
      return clipped ? g.binary("MINIMUM", y, g.scalar(largest)) : y;
    }
    Value above = g.compare("GREATER", "GreaterOptions", x, g.scalar(threshold));
    y = g.select(above, x, g.scalar(0));
    if (clipped) {
      y = g.binary("MINIMUM", g.binary("MAXIMUM", y, g.scalar(0)), g.scalar(largest));
    }
    if (slope == 0) {
      return y;
    }
    Value below = g.unary("RELU", "", plus(g, negative(g, x), threshold));
    return g.binary("SUB", y, times(g, below, slope));
  }

  static Value elu(Graph g, Value x, float alpha) {
    if (alpha == 1) {
      return g.unary("ELU", "", x);
    }
    // alpha (e^min(x, 0) - 1) + max(x, 0)
    Value below = g.unary("ELU", "", g.binary("MINIMUM", x, g.scalar(0)));
    return g.binary("ADD", times(g, below, alpha), g.unary("RELU", "", x));
  }

  /** max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1). */
  private static Value celu(Graph g, Value x, float alpha) {
    return alpha == 1 ? elu(g, x, 1) : times(g, elu(g, times(g, x, 1 / alpha), 1), alpha);
  }

  public static Value leaky(Graph g, Value x, float slope) {
    return g.op("LEAKY_RELU", "LeakyReluOptions", Map.of("alpha", slope), x.shape, x);
  }

  static Value gelu(Graph g, Value x, boolean approximate) {
    return g.op("GELU", "GeluOptions", Map.of("approximate", approximate), x.shape, x);
  }

  private static Value glu(Graph g, Value x, Config c) {
    int axis = Shapes.axis(x.rank(), c.integer("axis", -1));
    List<Value> halves = g.split(x, axis, 2);
    return g.binary("MUL", halves.get(0), g.unary("LOGISTIC", "", halves.get(1)));
  }

  public static Value times(Graph g, Value x, float factor) {
    return g.binary("MUL", x, g.scalar(factor));
  }

  public static Value plus(Graph g, Value x, float offset) {
    return g.binary("ADD", x, g.scalar(offset));
  }

  static Value negative(Graph g, Value x) {
    return g.unary("NEG", "NegOptions", x);
  }

  /** max(x, 0) + log(1 + e^-|x|), which does not overflow. */
  private static Value softplus(Graph g, Value x) {
    Value small = g.unary("EXP", "ExpOptions", negative(g, g.unary("ABS", "AbsOptions", x)));
    return g.binary("ADD", g.unary("RELU", "", x), g.unary("LOG", "", plus(g, small, 1)));
  }

  private static Value softsign(Graph g, Value x) {
    return g.binary("DIV", x, plus(g, g.unary("ABS", "AbsOptions", x), 1));
  }

  private static Value clip1(Graph g, Value x) {
    return g.unary("RELU_N1_TO_1", "", x);
  }

  /** 0 below -1, x above 1, and (x + 1)^2 / 4 between. */
  private static Value sparsePlus(Graph g, Value x) {
    Value between = plus(g, clip1(g, x), 1);
    Value above = g.unary("RELU", "", plus(g, x, -1));
    return g.binary("ADD", times(g, g.binary("MUL", between, between), 0.25f), above);
  }

  /** (x + sqrt(x^2 + b)) / 2. */
  private static Value squareplus(Graph g, Value x, float b) {
    Value root = g.unary("SQRT", "", plus(g, g.binary("MUL", x, x), b));
    return times(g, g.binary("ADD", x, root), 0.5f);
  }

  private static Value hardShrink(Graph g, Value x, float limit) {
    Value size = g.unary("ABS", "AbsOptions", x);
    Value large = g.compare("GREATER", "GreaterOptions", size, g.scalar(limit));
    return g.select(large, x, g.scalar(0));
  }

  private static Value softShrink(Graph g, Value x, float limit) {
    Value low = g.binary("MAXIMUM", x, g.scalar(-limit));
    return g.binary("SUB", x, g.binary("MINIMUM", low, g.scalar(limit)));
  }

  private static Value threshold(Graph g, Value x, Config c) {
    float limit = (float) c.number("threshold", 0);
    float otherwise = (float) c.number("default_value", c.number("value", 0));
    Value above = g.compare("GREATER", "GreaterOptions", x, g.scalar(limit));
    return g.select(above, x, g.scalar(otherwise));
  }

  /** relu6(x + 3) / 6. */
  private static Value hardSigmoid(Graph g, Value x) {
    return times(g, g.unary("RELU6", "", plus(g, x, 3)), 1 / 6f);
  }

  /** As Keras 2 has it: 0.2 x + 0.5 between 0 and 1. */
  private static Value hardSigmoid2(Graph g, Value x) {
    Value low = g.binary("MAXIMUM", plus(g, times(g, x, 0.2f), 0.5f), g.scalar(0));
    return g.binary("MINIMUM", low, g.scalar(1));
  }
}
