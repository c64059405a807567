package io.narrow.keras.config;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.ModelConfig.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One call of a layer, in the form of Keras 3: arguments by place and by name, in which outputs of
 * other layers stand as objects of the class {@value #TENSOR}.
 */
public record Node(JsonArray places, JsonObject names) {
  private static final String TENSOR = "__keras_tensor__";
  private static final String HISTORY = "keras_history";

  /** What stands for the layer in Keras 2 where the first argument is a number. */
  private static final String CONSTANT = "_CONSTANT_VALUE";

  static boolean isKeras3(JsonElement json) {
    return json.isJsonObject() && json.getAsJsonObject().has("args");
  }

  static Node of(JsonElement json) {
    if (isKeras3(json)) {
      Config node = new Config(json.getAsJsonObject());
      return new Node(node.list("args"), node.object("kwargs").json());
    }
    return legacy(json);
  }

  static Node of(Reference reference) {
    JsonArray places = new JsonArray();
    JsonArray history = new JsonArray();
    history.add(reference.layer());
    history.add(reference.call());
    history.add(reference.output());
    places.add(tensor(history));
    return new Node(places, new JsonObject());
  }

  /** The output that an object of {@link #places} or {@link #names} stands for, null if none. */
  public static Reference reference(JsonObject object) {
    Config config = new Config(object);
    return config.text("class_name", "").equals(TENSOR)
        ? reference(config.object("config").list(HISTORY))
        : null;
  }

  public static Reference reference(JsonArray entry) {
    return new Reference(
        entry.get(0).getAsString(), entry.get(1).getAsInt(), entry.get(2).getAsInt());
  }

  /** Whether a list is [layer, call, output]. */
  static boolean isReference(JsonArray list) {
    return list.size() >= 3
        && list.get(0).isJsonPrimitive()
        && list.get(0).getAsJsonPrimitive().isString()
        && isNumber(list.get(1))
        && isNumber(list.get(2));
  }

  private static boolean isNumber(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber();
  }

  public List<Reference> references() {
    List<Reference> result = new ArrayList<>();
    collect(places, result);
    collect(names, result);
    return result;
  }

  private static void collect(JsonElement value, List<Reference> result) {
    if (value.isJsonArray()) {
      value.getAsJsonArray().forEach(element -> collect(element, result));
    } else if (value.isJsonObject()) {
      Reference reference = reference(value.getAsJsonObject());
      if (reference != null) {
        result.add(reference);
      } else {
        value.getAsJsonObject().entrySet().forEach(e -> collect(e.getValue(), result));
      }
    }
  }

  /**
   * A call in Keras 2: [layer, call, output, named arguments] for its first argument, or a list or
   * table of those.
   */
  private static Node legacy(JsonElement json) {
    JsonArray places = new JsonArray();
    JsonObject names = new JsonObject();
    boolean one = json.isJsonArray() && isFirst(json.getAsJsonArray());
    JsonElement first = firstArgument(json, names);
    boolean alone = !one && first.isJsonArray() && first.getAsJsonArray().size() == 1;
    places.add(alone ? first.getAsJsonArray().get(0) : first);
    return new Node(places, names);
  }

  private static boolean isFirst(JsonArray list) {
    return isReference(list) || list.size() >= 3 && list.get(0).toString().contains(CONSTANT);
  }

  private static JsonElement firstArgument(JsonElement json, JsonObject names) {
    if (json.isJsonObject()) {
      JsonObject table = new JsonObject();
      for (Map.Entry<String, JsonElement> e : json.getAsJsonObject().entrySet()) {
        table.add(e.getKey(), firstArgument(e.getValue(), names));
      }
      return table;
    }
    JsonArray list = json.getAsJsonArray();
    if (!isFirst(list)) {
      JsonArray all = new JsonArray();
      list.forEach(element -> all.add(firstArgument(element, names)));
      return all;
    }
    if (list.size() > 3 && list.get(3).isJsonObject()) {
      for (Map.Entry<String, JsonElement> e : list.get(3).getAsJsonObject().entrySet()) {
        names.add(e.getKey(), named(e.getValue()));
      }
    }
    return list.get(0).getAsString().equals(CONSTANT) ? list.get(2) : tensor(list);
  }

  /** A named argument of Keras 2, in which outputs of other layers are lists. */
  private static JsonElement named(JsonElement value) {
    if (!value.isJsonArray()) {
      return value;
    }
    JsonArray list = value.getAsJsonArray();
    if (isReference(list)) {
      return list.get(0).getAsString().equals(CONSTANT) ? list.get(2) : tensor(list);
    }
    JsonArray all = new JsonArray();
    list.forEach(element -> all.add(named(element)));
    return all;
  }

  private static JsonObject tensor(JsonArray history) {
    JsonObject config = new JsonObject();
    config.add(HISTORY, history);
    JsonObject object = new JsonObject();
    object.addProperty("class_name", TENSOR);
    object.add("config", config);
    return object;
  }
}
