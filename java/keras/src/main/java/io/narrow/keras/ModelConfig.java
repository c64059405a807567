package io.narrow.keras;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The configuration of a model, Sequential or Functional, of Keras 2 or 3, in one form.
 *
 * @param inputs the layers that its inputs are given to
 */
record ModelConfig(
    String name,
    List<Layer> layers,
    List<Reference> inputs,
    List<Reference> outputs,
    Map<String, Integer> first) {
  private static final Set<String> FUNCTIONAL = Set.of("Functional", "Model");
  private static final String CHAIN_INPUT = "input of the chain";

  /** An output of a call of a layer. */
  record Reference(String layer, int call, int output) {}

  /** What a layer is given at one place: an output of another layer, or numbers. */
  record Argument(String name, Reference reference, float[] constant, int... shape) {}

  record Arguments(List<Argument> all) {
    List<Reference> references() {
      return all.stream().map(Argument::reference).filter(r -> r != null).toList();
    }
  }

  record Layer(String name, String kind, Config config, List<Arguments> calls) {}

  static boolean isModel(String kind) {
    return kind.equals("Sequential") || FUNCTIONAL.contains(kind);
  }

  static ModelConfig of(String kind, Config config) {
    return kind.equals("Sequential") ? sequential(config) : functional(config);
  }

  /** Nested models count their calls from 1 on: their own making was number 0. */
  int firstCall(String layer) {
    return first.getOrDefault(layer, 0);
  }

  Layer layer(String layer) {
    return layers.stream()
        .filter(l -> l.name().equals(layer))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("there is no layer `" + layer + "`"));
  }

  private static ModelConfig functional(Config config) {
    List<Layer> layers = new ArrayList<>();
    for (JsonElement element : config.list("layers")) {
      JsonObject json = element.getAsJsonObject();
      Config inner = new Config(json).object("config");
      String name = new Config(json).text("name", inner.text("name", ""));
      List<Arguments> calls = new ArrayList<>();
      for (JsonElement node : new Config(json).list("inbound_nodes")) {
        List<Argument> arguments = new ArrayList<>();
        if (node.isJsonObject()) {
          collect("", node.getAsJsonObject().get("args"), arguments);
          node.getAsJsonObject()
              .getAsJsonObject("kwargs")
              .entrySet()
              .forEach(e -> keyword(e.getKey(), e.getValue(), arguments));
        } else {
          legacy(node.getAsJsonArray(), arguments);
        }
        calls.add(new Arguments(arguments));
      }
      layers.add(layer(name, json, inner, calls));
    }
    List<Reference> inputs = references(config.get("input_layers"));
    List<Reference> outputs = references(config.get("output_layers"));
    if (layers.isEmpty() || inputs.isEmpty() || outputs.isEmpty()) {
      throw new IllegalStateException("the model has no layers, inputs or outputs");
    }
    Map<String, Integer> first = new HashMap<>();
    for (Layer layer : layers) {
      if (isModel(layer.kind())) {
        first.put(layer.name(), Integer.MAX_VALUE);
      }
    }
    layers.forEach(
        layer -> layer.calls().forEach(call -> call.references().forEach(r -> least(first, r))));
    outputs.forEach(r -> least(first, r));
    return new ModelConfig(config.text("name", "model"), layers, inputs, outputs, first);
  }

  private static void least(Map<String, Integer> first, Reference reference) {
    first.computeIfPresent(
        reference.layer(), (layer, number) -> Math.min(number, reference.call()));
  }

  private static Layer layer(String name, JsonObject json, Config inner, List<Arguments> calls) {
    String kind = new Config(json).text("class_name", "");
    if (kind.equals("TFOpLambda") || kind.equals("SlicingOpLambda")) {
      kind = "tf." + inner.text("function", "");
    }
    return new Layer(name, kind, inner, calls);
  }

  private static ModelConfig sequential(Config config) {
    JsonArray list = config.list("layers");
    List<Layer> layers = new ArrayList<>();
    Reference last = new Reference(CHAIN_INPUT, 0, 0);
    Reference input = last;
    for (JsonElement element : list) {
      JsonObject json = element.getAsJsonObject();
      Config inner = new Config(json).object("config");
      String name = inner.text("name", "layer_" + layers.size());
      boolean given = json.get("class_name").getAsString().equals("InputLayer");
      if (given && layers.isEmpty()) {
        input = new Reference(name, 0, 0);
        layers.add(layer(name, json, inner, List.of()));
      } else {
        Arguments arguments = new Arguments(List.of(new Argument("", last, null)));
        layers.add(layer(name, json, inner, List.of(arguments)));
      }
      last = new Reference(name, 0, 0);
    }
    if (layers.isEmpty() || last == input) {
      throw new IllegalStateException("the model has no layers");
    }
    return new ModelConfig(
        config.text("name", "sequential"), layers, List.of(input), List.of(last), Map.of());
  }

  /** Arguments of Keras 3: tensors, numbers, and lists of them. */
  private static void collect(String name, JsonElement value, List<Argument> arguments) {
    if (value.isJsonArray()) {
      value.getAsJsonArray().forEach(element -> collect(name, element, arguments));
    } else if (value.isJsonObject()) {
      Config object = new Config(value.getAsJsonObject());
      if (object.text("class_name", "").equals("__keras_tensor__")) {
        JsonArray history = object.object("config").list("keras_history");
        arguments.add(new Argument(name, reference(history), null));
      } else if (object.text("class_name", "").equals("__numpy__")) {
        float[] numbers = object.object("config").numbers("value");
        arguments.add(new Argument(name, null, numbers, numbers.length));
      }
    } else if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
      arguments.add(new Argument(name, null, new float[] {value.getAsFloat()}));
    }
  }

  private static void keyword(String name, JsonElement value, List<Argument> arguments) {
    if (value.isJsonObject() || value.isJsonArray()) {
      collect(name, value, arguments);
    } else if (AttentionLayers.FLAGS.contains(name) && value.getAsString().equals("true")) {
      arguments.add(new Argument(name, null, new float[] {1}));
    }
  }

  /** Arguments of Keras 2: a list of [layer, call, output, keyword arguments]. */
  private static void legacy(JsonArray node, List<Argument> arguments) {
    if (!node.isEmpty() && node.get(0).isJsonPrimitive()) {
      legacyOne(node, arguments);
      return;
    }
    node.forEach(element -> legacyOne(element.getAsJsonArray(), arguments));
  }

  private static void legacyOne(JsonArray entry, List<Argument> arguments) {
    if (entry.get(0).getAsString().equals("_CONSTANT_VALUE")) {
      arguments.add(new Argument("", null, new float[] {entry.get(2).getAsFloat()}));
    } else {
      arguments.add(new Argument("", reference(entry), null));
    }
    if (entry.size() < 4 || !entry.get(3).isJsonObject()) {
      return;
    }
    for (Map.Entry<String, JsonElement> keyword : entry.get(3).getAsJsonObject().entrySet()) {
      JsonElement value = keyword.getValue();
      boolean list = value.isJsonArray() && value.getAsJsonArray().size() >= 3;
      if (list
          && value.getAsJsonArray().get(0).isJsonPrimitive()
          && value.getAsJsonArray().get(0).getAsJsonPrimitive().isString()) {
        arguments.add(new Argument(keyword.getKey(), reference(value.getAsJsonArray()), null));
      } else if (value.isJsonPrimitive()
          && value.getAsJsonPrimitive().isNumber()
          && Set.of("x", "y").contains(keyword.getKey())) {
        arguments.add(new Argument(keyword.getKey(), null, new float[] {value.getAsFloat()}));
      } else if (value.isJsonPrimitive()) {
        keyword(keyword.getKey(), value, arguments);
      }
    }
  }

  private static Reference reference(JsonArray entry) {
    return new Reference(
        entry.get(0).getAsString(), entry.get(1).getAsInt(), entry.get(2).getAsInt());
  }

  /** One reference, a list of them, or a table of them by name. */
  private static List<Reference> references(JsonElement value) {
    List<Reference> result = new ArrayList<>();
    if (value == null) {
      return result;
    }
    if (value.isJsonObject()) {
      value.getAsJsonObject().entrySet().forEach(e -> result.addAll(references(e.getValue())));
      return result;
    }
    JsonArray list = value.getAsJsonArray();
    if (list.size() == 3 && list.get(0).isJsonPrimitive()) {
      result.add(reference(list));
    } else {
      list.forEach(element -> result.addAll(references(element)));
    }
    return result;
  }
}
