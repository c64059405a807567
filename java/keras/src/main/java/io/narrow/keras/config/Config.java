package io.narrow.keras.config;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The configuration of a layer or model. What is missing or null has the default that is given, as
 * files of other Keras versions lack fields; what has the wrong type is a problem of the file.
 */
public record Config(JsonObject json) {
  private static final Map<String, TensorType> TYPES =
      Map.of(
          "bool", TensorType.BOOL,
          "int8", TensorType.INT8,
          "int16", TensorType.INT16,
          "int32", TensorType.INT32,
          "int64", TensorType.INT64,
          "uint8", TensorType.UINT8);

  private static final Set<String> LISTS = Set.of("__tuple__", "TensorShape");

  /** The same, with lists where Keras 2 has objects that say they are tuples or shapes. */
  public static JsonElement plain(JsonElement json) {
    if (json.isJsonArray()) {
      JsonArray list = new JsonArray();
      json.getAsJsonArray().forEach(element -> list.add(plain(element)));
      return list;
    }
    if (!json.isJsonObject()) {
      return json;
    }
    Config config = new Config(json.getAsJsonObject());
    if (LISTS.contains(config.text("class_name", "")) && config.has("items")) {
      return plain(config.get("items"));
    }
    JsonObject object = new JsonObject();
    config.json().entrySet().forEach(e -> object.add(e.getKey(), plain(e.getValue())));
    return object;
  }

  /** The same with another value of a field. */
  public Config with(String field, JsonElement value) {
    JsonObject copy = new JsonObject();
    json.entrySet().forEach(e -> copy.add(e.getKey(), e.getValue()));
    copy.add(field, value);
    return new Config(copy);
  }

  public boolean has(String field) {
    return json.has(field) && !json.get(field).isJsonNull();
  }

  public JsonElement get(String field) {
    return json.get(field);
  }

  public String text(String field, String otherwise) {
    return has(field) && json.get(field).isJsonPrimitive()
        ? json.get(field).getAsString()
        : otherwise;
  }

  public boolean flag(String field, boolean otherwise) {
    return has(field) ? json.get(field).getAsBoolean() : otherwise;
  }

  public int integer(String field, int otherwise) {
    return has(field) ? integer(json.get(field)) : otherwise;
  }

  public double number(String field, double otherwise) {
    return has(field) ? number(json.get(field)) : otherwise;
  }

  /** A list of this many integers; a single one stands for all. */
  public int[] integers(String field, int count, int otherwise) {
    int[] result = new int[count];
    JsonElement value = has(field) ? json.get(field) : null;
    for (int i = 0; i < count; i++) {
      result[i] =
          value == null
              ? otherwise
              : integer(value.isJsonArray() ? element(value.getAsJsonArray(), i, field) : value);
    }
    return result;
  }

  /** All integers of a list. */
  public int[] integers(String field) {
    return has(field) ? integers(json.get(field), field).clone() : new int[0];
  }

  public static int[] integers(JsonElement value, String field) {
    if (!value.isJsonArray()) {
      return new int[] {integer(value)};
    }
    List<Integer> result = new ArrayList<>();
    for (JsonElement element : value.getAsJsonArray()) {
      result.add(integer(element));
    }
    return result.stream().mapToInt(Integer::intValue).toArray();
  }

  /** A number, or nested lists of numbers, in their order. */
  public float[] numbers(String field) {
    return numbers(json.get(field));
  }

  public static float[] numbers(JsonElement value) {
    List<Float> result = new ArrayList<>();
    collect(value, result);
    float[] numbers = new float[result.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = result.get(i);
    }
    return numbers;
  }

  private static void collect(JsonElement value, List<Float> result) {
    JsonElement plain = unwrapped(value);
    if (plain.isJsonArray()) {
      plain.getAsJsonArray().forEach(element -> collect(element, result));
    } else {
      result.add((float) number(plain));
    }
  }

  /** A nested object, e.g. of a layer inside a wrapper. */
  public Config object(String field) {
    return new Config(has(field) ? json.getAsJsonObject(field) : new JsonObject());
  }

  public JsonArray list(String field) {
    return has(field) ? json.getAsJsonArray(field) : new JsonArray();
  }

  private static JsonElement element(JsonArray array, int i, String field) {
    if (i >= array.size()) {
      throw new IllegalStateException("`" + field + "` has only " + array.size() + " elements");
    }
    return array.get(i);
  }

  public static double number(JsonElement value) {
    return unwrapped(value).getAsDouble();
  }

  public static int integer(JsonElement value) {
    return unwrapped(value).getAsInt();
  }

  /** Keras writes what numpy holds as objects with a value. */
  private static JsonElement unwrapped(JsonElement value) {
    if (value.isJsonObject() && value.getAsJsonObject().has("config")) {
      JsonElement inner = value.getAsJsonObject().get("config");
      return inner.isJsonObject() && inner.getAsJsonObject().has("value")
          ? inner.getAsJsonObject().get("value")
          : inner;
    }
    return value;
  }

  /** A type by its name in Keras; all that are not whole numbers are float32. */
  public static TensorType type(String name) {
    return TYPES.getOrDefault(name, TensorType.FLOAT32);
  }
}
