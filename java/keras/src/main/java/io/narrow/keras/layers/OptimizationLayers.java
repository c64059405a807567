package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights.Array;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.file.Weights.Place;
import io.narrow.keras.graph.Encoding;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Pairs;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Rule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Layers that TensorFlow's Model Optimization Toolkit puts between and around others: fake
 * quantization becomes pairs of QUANTIZE and DEQUANTIZE.
 */
final class OptimizationLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "QuantizeLayer",
          one(OptimizationLayers::layer),
          "QuantizeWrapper",
          OptimizationLayers::wrapper,
          "QuantizeWrapperV2",
          OptimizationLayers::wrapper,
          "QuantizeAwareActivation",
          one(OptimizationLayers::activation),
          "QuantizeAnnotate",
          OptimizationLayers::annotated,
          "PruneLowMagnitude",
          call -> inside(call).build());

  private static final Set<String> QUANTIZERS =
      Set.of("AllValuesQuantizer", "LastValueQuantizer", "MovingAverageQuantizer");

  /** Activations that are rounded before they are computed, and after it. */
  private static final Set<String> BEFORE = Set.of("softmax", "sigmoid", "tanh", "gelu");

  private static final Set<String> AFTER = Set.of("linear", "relu", "swish", "gelu");

  /** Layers of an activation alone are rounded after these. */
  private static final Set<String> ROUNDED = Set.of("relu", "relu6", "swish", "gelu");

  private static final String NOT_AT_ALL = "NoOpActivation";

  /** Axis of the channels in weights whose last axis in Keras are the channels. */
  private static final Map<String, Integer> CHANNELS =
      Map.of("CONV_2D", 0, "FULLY_CONNECTED", 0, "DEPTHWISE_CONV_2D", 3);

  /** In the configuration of an activation: its wrapper, and how many ranges come after its own. */
  private static final String WRAPPER = "wrapper";

  private static final String LATER = "ranges_after";

  private OptimizationLayers() {}

  /**
   * What a layer rounds.
   *
   * @param weights names of its weights
   * @param activation whether its activation is rounded, before or after
   */
  private record Scheme(List<String> weights, boolean activation, boolean output) {
    static final Scheme NOTHING = new Scheme(List.of(), false, false);

    static Scheme of(Config named, Config layer) {
      String kind = named.text("class_name", "none");
      Config config = named.object("config");
      for (String field : List.of("num_bits_weight", "num_bits_activation")) {
        if (config.integer(field, 8) != 8) {
          throw new UnsupportedException(kind + " with " + config.integer(field, 8) + " bits");
        }
      }
      boolean output = config.flag("quantize_output", true);
      switch (kind.replaceFirst("^Default(8|N)Bit", "")) {
        case "NoOpQuantizeConfig":
          return NOTHING;
        case "OutputOnlyConfig":
          return new Scheme(List.of(), false, of(config.object("quantize_config"), layer).output());
        case "OutputQuantizeConfig":
          return new Scheme(List.of(), false, output);
        case "ActivationQuantizeConfig":
          String name = Activations.nameOr(layer.get("activation"), "");
          return new Scheme(List.of(), false, output && ROUNDED.contains(name));
        case "QuantizeConfig", "ConvQuantizeConfig", "ConvTransposeQuantizeConfig":
          List<String> activations = names(config.list("activation_attrs"));
          if (activations.stream().anyMatch(attribute -> !attribute.equals("activation"))) {
            throw new UnsupportedException("rounding of " + String.join(", ", activations));
          }
          return new Scheme(names(config.list("weight_attrs")), !activations.isEmpty(), output);
        default:
          throw new UnsupportedException("quantization by " + kind);
      }
    }

    private static List<String> names(JsonArray list) {
      return list.asList().stream().map(JsonElement::getAsString).toList();
    }
  }

  /** Rounds its input. */
  private static Value layer(Call call) {
    Config quantizer = call.config().object("quantizer");
    String kind = quantizer.text("class_name", "NoQuantizer");
    Config config = quantizer.object("config");
    if (kind.equals("NoQuantizer")) {
      return call.x();
    }
    boolean narrow = config.flag("narrow_range", false);
    if (config.integer("num_bits", 8) != 8) {
      throw new UnsupportedException(kind + " with " + config.integer("num_bits", 8) + " bits");
    }
    if (kind.equals("FixedQuantizer")) {
      float[] min = {(float) config.number("init_min", -6)};
      float[] max = {(float) config.number("init_max", 6)};
      return Pairs.of(call.graph(), call.x(), Encoding.of(min, max, narrow, false));
    }
    if (!QUANTIZERS.contains(kind) || config.flag("per_axis", false)) {
      throw new UnsupportedException("quantization by " + kind);
    }
    return rounded(call, call.x(), call.config().text("name", ""), -3, narrow);
  }

  private static List<Value> wrapper(Call call) {
    Config layer = call.config().object("layer");
    Config inner = layer.object("config");
    Scheme scheme = Scheme.of(call.config().object("quantize_config"), inner);
    int later = scheme.output() ? 1 : 0;
    int weights = scheme.weights().size();
    int ranges = weights + later;
    if (scheme.activation()) {
      ranges += uses(BEFORE, inner) + uses(AFTER, inner);
      inner = inner.with("activation", rounded(call, inner, later));
    }
    Map<String, Integer> moved = new HashMap<>();
    for (String weight : scheme.weights()) {
      // Weights that are rounded come last, then a counter, then the ranges of all.
      moved.put(weight, -(2 * ranges + 1 + weights - moved.size()));
    }
    Graph g = call.graph();
    int first = g.ops.size();
    List<Value> outputs = new ArrayList<>(inside(call, layer, inner, moved).build());
    for (int i = 0; i < weights; i++) {
      round(call, scheme.weights().get(i), g.ops.subList(first, g.ops.size()), 2 * (i - ranges));
    }
    if (scheme.output()) {
      if (outputs.size() != 1) {
        throw new UnsupportedException("rounding of several outputs");
      }
      outputs.set(0, rounded(call, outputs.get(0), "output", -2, false));
    }
    return outputs;
  }

  private static List<Value> annotated(Call call) {
    call.network().annotated().add(call.place().path());
    return inside(call).build();
  }

  private static Call inside(Call call) {
    Config layer = call.config().object("layer");
    return inside(call, layer, layer.object("config"), Map.of());
  }

  /** The layer inside a wrapper; files with names call its weights after it alone. */
  private static Call inside(Call call, Config layer, Config inner, Map<String, Integer> moved) {
    String name = inner.text("name", "");
    Part part = new Part(List.of(name), "layer", moved);
    return call.wrapped(call.network().kind(layer), inner, named(call.place(), name), part);
  }

  /** The same place by another name, but for the outermost, which has a group by its name. */
  private static Place named(Place place, String name) {
    List<String> names = new ArrayList<>(place.names());
    if (names.size() > 1) {
      names.set(names.size() - 1, name);
    }
    return new Place(names, place.archive());
  }

  private static int uses(Set<String> names, Config layer) {
    return names.contains(plain(layer.get("activation"))) ? 1 : 0;
  }

  /** Name of an activation, with or without the class around it that has it rounded. */
  private static String plain(JsonElement activation) {
    if (activation instanceof JsonObject object) {
      Config config = new Config(object);
      String kind = config.text("class_name", "");
      if (kind.equals("QuantizeAwareActivation")) {
        return plain(config.object("config").get("activation"));
      }
      if (kind.equals(NOT_AT_ALL)) {
        return kind;
      }
    }
    return Activations.nameOr(activation, "linear");
  }

  private static JsonObject rounded(Call call, Config layer, int later) {
    JsonObject config = new JsonObject();
    config.addProperty(WRAPPER, call.place().names().get(call.place().names().size() - 1));
    config.addProperty("activation", plain(layer.get("activation")));
    config.addProperty(LATER, later);
    JsonObject activation = new JsonObject();
    activation.addProperty("class_name", "QuantizeAwareActivation");
    activation.add("config", config);
    return activation;
  }

  private static Value activation(Call call) {
    String name = call.config().text("activation", "");
    if (name.equals(NOT_AT_ALL)) {
      return call.x();
    }
    if (!BEFORE.contains(name) && !AFTER.contains(name)) {
      throw new UnsupportedException("rounding of the activation " + name);
    }
    Place place = named(call.place(), call.config().text(WRAPPER, ""));
    Call wrapper = call.wrapped(call.kind(), call.config(), place, Part.WHOLE);
    int last = -2 * (call.config().integer(LATER, 0) + 1);
    Value x = call.x();
    if (BEFORE.contains(name)) {
      x = rounded(wrapper, x, "pre_activation", AFTER.contains(name) ? last - 2 : last, false);
    }
    Value y = Activations.apply(call, new JsonPrimitive(name), x);
    return AFTER.contains(name) ? rounded(wrapper, y, "post_activation", last, false) : y;
  }

  /**
   * @param name what the ends of the range are called before {@code _min} and {@code _max}
   * @param place of the lower end among the weights of the layer, from their end
   */
  private static Value rounded(Call call, Value x, String name, int place, boolean narrow) {
    float[] min = end(call, name + "_min", place).floats().values();
    float[] max = end(call, name + "_max", place + 1).floats().values();
    if (min.length != 1 || max.length != 1) {
      throw new UnsupportedException(min.length + " ranges of `" + name + "`");
    }
    return Pairs.of(call.graph(), x, encoding(name, min, max, narrow, false));
  }

  private static Encoding encoding(
      String name, float[] min, float[] max, boolean narrow, boolean constant) {
    try {
      return Encoding.of(min, max, narrow, constant);
    } catch (Encoding.RangeException e) {
      throw new UnsupportedException("`" + name + "` has " + e.getMessage());
    }
  }

  private static Array end(Call call, String name, int place) {
    return call.network()
        .weights()
        .find(call.place(), Part.WHOLE, name, place)
        .orElseThrow(() -> new UnsupportedException("no `" + name + "` in the file"));
  }

  /** Has a weight rounded wherever operators read it. */
  private static void round(Call call, String name, List<Op> ops, int place) {
    float[] min = end(call, name + "_min", place).floats().values();
    float[] max = end(call, name + "_max", place + 1).floats().values();
    if (min.length != max.length) {
      throw new UnsupportedException(
          min.length + " lower and " + max.length + " upper ends of `" + name + "`");
    }
    Encoding encoding = encoding(name, min, max, true, true);
    boolean found = false;
    for (Op op : ops) {
      for (Value value : op.inputs) {
        if (value != null
            && value.floats != null
            && value.encoding == null
            && value.name.equals(call.graph().scope + "/" + name)) {
          found = true;
          round(value, encoding, op.kind);
        }
      }
    }
    if (!found) {
      throw new UnsupportedException("rounding of `" + name + "`");
    }
  }

  private static void round(Value value, Encoding encoding, String kind) {
    if (encoding.scales().length == 1 && !kind.equals("DEPTHWISE_CONV_2D")) {
      value.encoding = encoding;
      value.floats = value.floats.rounded(encoding, 1);
      return;
    }
    Integer axis = CHANNELS.get(kind);
    if (axis == null || value.size(axis) % encoding.scales().length != 0) {
      throw new UnsupportedException(
          encoding.scales().length + " ranges for the channels of " + value);
    }
    value.encoding = encoding.along(axis, value.size(axis));
    value.floats = value.floats.rounded(value.encoding, value.elements(axis + 1));
  }
}
