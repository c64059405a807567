package io.narrow.keras;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.narrow.keras.Call.UnsupportedException;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** The activation table: what Keras knows by a name. */
final class Activations {
  private static final double SELU_SCALE = 1.0507009873554804934193349852946;
  private static final double SELU_ALPHA = 1.6732632423543772848170429916717;

  private static final Map<String, BiFunction<Graph, Value, Value>> ROWS =
      Map.ofEntries(
          Map.entry("linear", (g, x) -> x),
          Map.entry("relu", (g, x) -> g.unary("RELU", "", x)),
          Map.entry("relu6", (g, x) -> g.unary("RELU6", "", x)),
          Map.entry("tanh", (g, x) -> g.unary("TANH", "", x)),
          Map.entry("sigmoid", (g, x) -> g.unary("LOGISTIC", "", x)),
          Map.entry("softmax", Activations::softmax),
          Map.entry("log_softmax", (g, x) -> g.unary("LOG_SOFTMAX", "LogSoftmaxOptions", x)),
          Map.entry("elu", (g, x) -> elu(g, x, 1)),
          Map.entry("celu", (g, x) -> elu(g, x, 1)),
          Map.entry("selu", (g, x) -> times(g, elu(g, x, (float) SELU_ALPHA), (float) SELU_SCALE)),
          Map.entry("softplus", Activations::softplus),
          Map.entry("softsign", Activations::softsign),
          Map.entry("swish", Activations::swish),
          Map.entry("silu", Activations::swish),
          Map.entry("gelu", (g, x) -> gelu(g, x, false)),
          Map.entry("exponential", (g, x) -> g.unary("EXP", "ExpOptions", x)),
          Map.entry("leaky_relu", (g, x) -> leaky(g, x, 0.2f)),
          Map.entry("mish", (g, x) -> g.binary("MUL", x, g.unary("TANH", "", softplus(g, x)))),
          Map.entry("hard_swish", (g, x) -> g.unary("HARD_SWISH", "HardSwishOptions", x)),
          Map.entry("hard_silu", (g, x) -> g.unary("HARD_SWISH", "HardSwishOptions", x)),
          Map.entry("hard_tanh", (g, x) -> g.unary("RELU_N1_TO_1", "", x)),
          Map.entry("log_sigmoid", (g, x) -> negative(g, softplus(g, negative(g, x)))),
          Map.entry("tanh_shrink", (g, x) -> g.binary("SUB", x, g.unary("TANH", "", x))),
          Map.entry("squareplus", Activations::squareplus),
          // Differs between Keras 2 and 3; see hardSigmoid.
          Map.entry("hard_sigmoid", (g, x) -> hardSigmoid(g, x, true)));

  private Activations() {}

  /** Refuses an activation that the table has not, before anything is built. */
  static void check(JsonElement activation) {
    if (activation != null && !activation.isJsonNull() && isFunction(activation)) {
      String name = name(activation);
      if (!ROWS.containsKey(name)) {
        throw new UnsupportedException("activation " + name);
      }
    }
  }

  /** Appends the activation that a configuration names, itself a layer or a function. */
  static Value apply(Call call, JsonElement activation, Value x) {
    JsonElement given = activation == null ? JsonNull.INSTANCE : activation;
    if (given.isJsonNull()) {
      return x;
    }
    check(given);
    if (isFunction(given)) {
      return named(call, name(given), x);
    }
    Config layer = new Config(given.getAsJsonObject());
    return call.inner(layer.text("class_name", ""), layer.object("config"), call.part(), List.of(x))
        .build()
        .get(0);
  }

  static Value named(Call call, String name, Value x) {
    if (name.equals("hard_sigmoid")) {
      return hardSigmoid(call.graph(), x, call.network().keras3());
    }
    return ROWS.get(name).apply(call.graph(), x);
  }

  static String nameOr(JsonElement activation, String otherwise) {
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
    JsonObject object = activation.getAsJsonObject();
    return new Config(object).text("config", "");
  }

  static Value softmax(Graph g, Value x) {
    return g.op("SOFTMAX", "SoftmaxOptions", Map.of("beta", 1f), x.shape, x);
  }

  static Value elu(Graph g, Value x, float alpha) {
    if (alpha == 1) {
      return g.unary("ELU", "", x);
    }
    // alpha (e^min(x, 0) - 1) + max(x, 0)
    Value below = g.unary("ELU", "", g.binary("MINIMUM", x, g.scalar(0)));
    return g.binary("ADD", times(g, below, alpha), g.unary("RELU", "", x));
  }

  static Value leaky(Graph g, Value x, float slope) {
    return g.op("LEAKY_RELU", "LeakyReluOptions", Map.of("alpha", slope), x.shape, x);
  }

  static Value gelu(Graph g, Value x, boolean approximate) {
    return g.op("GELU", "GeluOptions", Map.of("approximate", approximate), x.shape, x);
  }

  static Value times(Graph g, Value x, float factor) {
    return g.binary("MUL", x, g.scalar(factor));
  }

  private static Value negative(Graph g, Value x) {
    return g.unary("NEG", "NegOptions", x);
  }

  private static Value swish(Graph g, Value x) {
    return g.binary("MUL", x, g.unary("LOGISTIC", "", x));
  }

  /** max(x, 0) + log(1 + e^-|x|), which does not overflow. */
  private static Value softplus(Graph g, Value x) {
    Value small = g.unary("EXP", "ExpOptions", negative(g, g.unary("ABS", "AbsOptions", x)));
    Value log = g.unary("LOG", "", g.binary("ADD", small, g.scalar(1)));
    return g.binary("ADD", g.unary("RELU", "", x), log);
  }

  private static Value softsign(Graph g, Value x) {
    return g.binary("DIV", x, g.binary("ADD", g.unary("ABS", "AbsOptions", x), g.scalar(1)));
  }

  /** (x + sqrt(x^2 + 4)) / 2. */
  private static Value squareplus(Graph g, Value x) {
    Value root = g.unary("SQRT", "", g.binary("ADD", g.binary("MUL", x, x), g.scalar(4)));
    return times(g, g.binary("ADD", x, root), 0.5f);
  }

  /** relu6(x + 3) / 6 in Keras 3, 0.2 x + 0.5 between 0 and 1 before. */
  private static Value hardSigmoid(Graph g, Value x, boolean keras3) {
    if (keras3) {
      Value shifted = g.binary("ADD", x, g.scalar(3));
      return times(g, g.unary("RELU6", "", shifted), 1 / 6f);
    }
    Value line = g.binary("ADD", times(g, x, 0.2f), g.scalar(0.5f));
    Value low = g.binary("MAXIMUM", line, g.scalar(0));
    return g.binary("MINIMUM", low, g.scalar(1));
  }
}
