package io.narrow.keras.simplify;

import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Value;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Drops operators that compute what another one has computed: some networks put the same activation
 * on a tensor once for every branch that reads it.
 */
final class Duplicates {
  private Duplicates() {}

  static void drop(Graph graph) {
    Map<Value, Value> same = new IdentityHashMap<>();
    Map<Value, Integer> numbers = new IdentityHashMap<>();
    List<Value> constants = new ArrayList<>();
    Map<String, Op> seen = new HashMap<>();
    graph.ops.removeIf(
        op -> {
          op.inputs.replaceAll(value -> same.getOrDefault(value, value));
          boolean state = Stream.of(op.inputs, op.outputs).anyMatch(Duplicates::holdsState);
          if (state || op.outputs.size() != 1 || graph.outputs.contains(op.output())) {
            return false;
          }
          Op first = seen.putIfAbsent(key(op, numbers, constants), op);
          if (first == null) {
            return false;
          }
          same.put(op.output(), first.output());
          return true;
        });
  }

  private static boolean holdsState(List<Value> values) {
    return values.stream()
        .anyMatch(value -> value != null && (value.variable || value.type == TensorType.RESOURCE));
  }

  private static String key(Op op, Map<Value, Integer> numbers, List<Value> constants) {
    StringBuilder inputs = new StringBuilder();
    for (Value value : op.inputs) {
      inputs.append(' ');
      if (value == null) {
        inputs.append("none");
      } else if (value.ints != null) {
        inputs.append(Arrays.toString(value.ints)).append(Arrays.toString(value.shape));
      } else if (value.floats != null) {
        inputs.append("constant ").append(number(value, constants));
      } else {
        inputs.append(numbers.computeIfAbsent(value, v -> numbers.size()));
      }
    }
    List<String> fields =
        op.fields.entrySet().stream()
            .map(e -> e.getKey() + "=" + text(e.getValue()))
            .sorted()
            .toList();
    return op.kind + inputs + " " + fields + op.output().encoding;
  }

  private static int number(Value constant, List<Value> constants) {
    for (int i = 0; i < constants.size(); i++) {
      Value known = constants.get(i);
      if (Arrays.equals(known.shape, constant.shape)
          && Objects.equals(known.encoding, constant.encoding)
          && known.floats.same(constant.floats)) {
        return i;
      }
    }
    constants.add(constant);
    return constants.size() - 1;
  }

  private static String text(Object value) {
    return value instanceof int[] list ? Arrays.toString(list) : value.toString();
  }
}
