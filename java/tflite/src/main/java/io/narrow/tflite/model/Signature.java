package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A named entry point of a model.
 *
 * @param key its name, e.g. {@code serving_default}
 * @param subgraph number of the subgraph it runs
 * @param inputs names of its inputs with the numbers of their tensors
 * @param outputs names of its outputs with the numbers of their tensors
 */
public record Signature(
    String key, int subgraph, Map<String, Integer> inputs, Map<String, Integer> outputs) {

  static Signature of(Table table) {
    return new Signature(
        table.string("signature_key"),
        (int) table.integer("subgraph_index"),
        map(table.tables("inputs")),
        map(table.tables("outputs")));
  }

  private static Map<String, Integer> map(List<Table> entries) {
    Map<String, Integer> map = new LinkedHashMap<>();
    for (Table entry : entries) {
      map.put(entry.string("name"), (int) entry.integer("tensor_index"));
    }
    return Collections.unmodifiableMap(map);
  }
}
