package io.narrow.keras.rule;

import io.narrow.keras.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** How a class of layers becomes operators: a row of the table of layers. */
@FunctionalInterface
public interface Rule {
  /** Appends the operators of a layer to the graph and returns its outputs. */
  List<Value> build(Call call);

  /** Puts the same row under several names. */
  static void put(Map<String, Rule> rows, Function<Call, Value> layer, String... names) {
    for (String name : names) {
      rows.put(name, one(layer));
    }
  }

  /** A layer with one output. */
  static Rule one(Function<Call, Value> layer) {
    return call -> List.of(layer.apply(call));
  }
}
