package io.narrow.keras.config;

import com.google.gson.JsonElement;
import io.narrow.keras.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a layer is called with: each argument is a {@link Value}, a constant ({@link JsonElement}),
 * or a {@link List} or {@link Map} of those.
 */
public record Arguments(List<Object> places, Map<String, Object> names) {
  public static Arguments of(List<Value> values) {
    return new Arguments(List.copyOf(values), Map.of());
  }

  /** The same with other values in the place of some. */
  public Arguments replaced(List<Value> some, List<Value> others) {
    Map<String, Object> byName = new LinkedHashMap<>();
    names.forEach((name, argument) -> byName.put(name, replaced(argument, some, others)));
    return new Arguments(replaced(places, some, others), byName);
  }

  private static List<Object> replaced(List<?> list, List<Value> some, List<Value> others) {
    List<Object> result = new ArrayList<>();
    list.forEach(element -> result.add(replaced(element, some, others)));
    return result;
  }

  private static Object replaced(Object argument, List<Value> some, List<Value> others) {
    if (argument instanceof List<?> list) {
      return replaced(list, some, others);
    }
    return argument instanceof Value value ? others.get(some.indexOf(value)) : argument;
  }

  /** An argument that has a place and a name; null if it is not given. */
  public Object get(int place, String name) {
    Object found = place < places.size() ? places.get(place) : names.get(name);
    return found instanceof JsonElement json && json.isJsonNull() ? null : found;
  }

  public Value value(int place, String name) {
    return get(place, name) instanceof Value value ? value : null;
  }

  /** A constant; null if there is none. */
  JsonElement constant(int place, String name) {
    return get(place, name) instanceof JsonElement json ? json : null;
  }

  public boolean flag(int place, String name) {
    JsonElement json = constant(place, name);
    return json != null && json.getAsBoolean();
  }

  /** All values, those of lists included, first by place and then by name. */
  public List<Value> values() {
    List<Value> result = new ArrayList<>();
    places.forEach(argument -> collect(argument, result));
    names.values().forEach(argument -> collect(argument, result));
    return result;
  }

  /** The values of one argument. */
  public static List<Value> values(Object argument) {
    List<Value> result = new ArrayList<>();
    collect(argument, result);
    return result;
  }

  private static void collect(Object argument, List<Value> result) {
    if (argument instanceof Value value) {
      result.add(value);
    } else if (argument instanceof List<?> list) {
      list.forEach(element -> collect(element, result));
    } else if (argument instanceof Map<?, ?> table) {
      table.values().forEach(element -> collect(element, result));
    }
  }
}
