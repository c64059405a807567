package io.narrow.keras;

import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Drops operators that compute what another one has computed: some networks put the same activation
 * on a tensor once for every branch that reads it.
 */
final class Duplicates {
  private Duplicates() {}

  static void drop(Graph graph) {
    Map<Value, Value> same = new IdentityHashMap<>();
    Map<Value, Integer> numbers = new IdentityHashMap<>();
    Map<String, Op> seen = new HashMap<>();
    graph.ops.removeIf(
        op -> {
          op.inputs.replaceAll(value -> same.getOrDefault(value, value));
          boolean weights =
              op.inputs.stream()
                  .anyMatch(
                      value ->
                          value == null
                              || value.floats != null
                              || value.variable
                              || value.type == TensorType.RESOURCE);
          if (weights || op.outputs.size() != 1 || graph.outputs.contains(op.output())) {
            return false;
          }
          Op first = seen.putIfAbsent(key(op, numbers), op);
          if (first == null) {
            return false;
          }
          same.put(op.output(), first.output());
          return true;
        });
  }

  private static String key(Op op, Map<Value, Integer> numbers) {
    String inputs =
        op.inputs.stream()
            .map(
                value ->
                    value.ints == null
                        ? "" + numbers.computeIfAbsent(value, v -> numbers.size())
                        : Arrays.toString(value.ints) + Arrays.toString(value.shape))
            .collect(Collectors.joining(" "));
    List<String> fields =
        op.fields.entrySet().stream()
            .map(e -> e.getKey() + "=" + text(e.getValue()))
            .sorted()
            .toList();
    return op.kind + " " + inputs + " " + fields;
  }

  private static String text(Object value) {
    return value instanceof int[] list ? Arrays.toString(list) : value.toString();
  }
}
