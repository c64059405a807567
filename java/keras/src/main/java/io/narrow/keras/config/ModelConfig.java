package io.narrow.keras.config;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The configuration of a model, Sequential or Functional, of Keras 2 or 3, in one form.
 *
 * @param first number of the first call of each layer that is itself a model: references to such a
 *     layer also count the call in which it was made
 */
public record ModelConfig(
    String name,
    List<Layer> layers,
    List<End> inputs,
    List<End> outputs,
    Map<String, Integer> first) {
  private static final Set<String> FUNCTIONAL = Set.of("Functional", "Model");
  private static final String CHAIN_INPUT = "input of the chain";

  /** An output of a call of a layer. */
  public record Reference(String layer, int call, int output) {}

  /**
   * An input or output of the model.
   *
   * @param name of its layer
   * @param key what it has in a table of inputs or outputs, empty if they are a list
   */
  public record End(String name, String key, Reference reference) {
    /** The same with the call before, if it is one of this layer. */
    private End before(String layer) {
      return reference.layer().equals(layer)
          ? new End(name, key, new Reference(layer, reference.call() - 1, reference.output()))
          : this;
    }
  }

  public record Layer(String name, String kind, Config config, List<Node> calls) {}

  public static boolean isModel(String kind) {
    return kind.equals("Sequential") || FUNCTIONAL.contains(kind);
  }

  /**
   * Brings a configuration into this form.
   *
   * @param kinds of layers that there are rules for
   */
  public static ModelConfig of(String kind, Config config, Set<String> kinds) {
    return kind.equals("Sequential") ? sequential(config, kinds) : functional(config, kinds);
  }

  public int firstCall(String layer) {
    return first.getOrDefault(layer, 0);
  }

  /** The layer that an input is given to, which stands first in a chain without a layer for it. */
  public Layer receiver(End input) {
    return layers.stream()
        .filter(layer -> layer.name().equals(input.reference().layer()))
        .findFirst()
        .orElse(layers.get(0));
  }

  private static ModelConfig functional(Config config, Set<String> kinds) {
    List<Layer> layers = new ArrayList<>();
    for (JsonElement element : config.list("layers")) {
      Config json = new Config(element.getAsJsonObject());
      Config inner = json.object("config");
      List<Node> calls = new ArrayList<>();
      json.list("inbound_nodes").forEach(node -> calls.add(Node.of(node)));
      layers.add(
          new Layer(json.text("name", inner.text("name", "")), kind(json, kinds), inner, calls));
    }
    List<End> inputs = ends(config.get("input_layers"));
    List<End> outputs = ends(config.get("output_layers"));
    if (layers.isEmpty() || inputs.isEmpty() || outputs.isEmpty()) {
      throw new IllegalStateException("the model has no layers, inputs or outputs");
    }
    Map<String, Integer> first = new HashMap<>();
    boolean keras3 = config.list("layers").asList().stream().anyMatch(ModelConfig::isKeras3);
    for (Layer layer : layers) {
      if (!isModel(layer.kind())) {
        continue;
      }
      // Keras 3 leaves that call out where layers refer to each other, but not at the outputs.
      first.put(layer.name(), keras3 ? 0 : 1);
      if (keras3 && !layer.kind().equals("Sequential")) {
        outputs.replaceAll(end -> end.before(layer.name()));
      }
    }
    return new ModelConfig(config.text("name", "model"), layers, inputs, outputs, first);
  }

  /**
   * The class of a layer. Classes of a user may have the name of one of Keras, so their package
   * goes before it; operations on tensors begin with {@code ops.} (Keras 3) or {@code tf.} (Keras
   * 2).
   *
   * @param kinds that there are rules for
   */
  public static String kind(Config json, Set<String> kinds) {
    String kind = json.text("class_name", "");
    String module = json.text("module", "keras");
    String registered = json.text("registered_name", "");
    if (kind.equals("TFOpLambda") || kind.equals("SlicingOpLambda")) {
      return "tf." + json.object("config").text("function", "");
    }
    if (registered.contains(">")) {
      return registered;
    }
    if (module.startsWith("tensorflow_model_optimization.")) {
      return kind;
    }
    if (!module.matches("(tf_)?keras(\\..*)?")) {
      return module + "." + kind;
    }
    // An .h5 file has no modules, but all layers of Keras 3 say whether they are trainable.
    boolean plain = !json.has("module") && !json.object("config").has("trainable");
    boolean operation =
        plain && kinds.contains("ops." + kind)
            || module.startsWith("keras.src.ops.")
            || module.startsWith("keras.ops");
    return operation && isKeras3(json.json()) ? "ops." + kind : kind;
  }

  private static boolean isKeras3(JsonElement layer) {
    JsonArray nodes = new Config(layer.getAsJsonObject()).list("inbound_nodes");
    return !nodes.isEmpty() && Node.isKeras3(nodes.get(0));
  }

  private static ModelConfig sequential(Config config, Set<String> kinds) {
    List<Layer> layers = new ArrayList<>();
    Reference last = new Reference(CHAIN_INPUT, 0, 0);
    String input = "";
    for (JsonElement element : config.list("layers")) {
      Config json = new Config(element.getAsJsonObject());
      Config inner = json.object("config");
      String name = inner.text("name", "layer_" + layers.size());
      boolean given = layers.isEmpty() && kind(json, kinds).equals("InputLayer");
      input = given ? name : layers.isEmpty() ? name + "_input" : input;
      layers.add(
          new Layer(name, kind(json, kinds), inner, given ? List.of() : List.of(Node.of(last))));
      last = new Reference(name, 0, 0);
    }
    if (layers.isEmpty() || layers.size() == 1 && layers.get(0).calls().isEmpty()) {
      throw new IllegalStateException("the model has no layers");
    }
    boolean given = layers.get(0).calls().isEmpty();
    Reference first = new Reference(given ? input : CHAIN_INPUT, 0, 0);
    return new ModelConfig(
        config.text("name", "sequential"),
        layers,
        List.of(new End(input, "", first)),
        List.of(new End(last.layer(), "", last)),
        Map.of());
  }

  /** One end, a list of them, or a table of them by name, which Keras sorts. */
  private static List<End> ends(JsonElement value) {
    List<End> result = new ArrayList<>();
    if (value == null || value.isJsonNull()) {
      return result;
    }
    if (value.isJsonObject()) {
      new TreeMap<>(value.getAsJsonObject().asMap())
          .forEach(
              (key, end) ->
                  ends(end).forEach(e -> result.add(new End(e.name(), key, e.reference()))));
      return result;
    }
    JsonArray list = value.getAsJsonArray();
    if (Node.isReference(list)) {
      Reference reference = Node.reference(list);
      result.add(new End(reference.layer(), "", reference));
    } else {
      list.forEach(element -> result.addAll(ends(element)));
    }
    return result;
  }
}
