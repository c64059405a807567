package io.narrow.keras.operations;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.tflite.model.TensorType;
import java.util.List;
import java.util.Optional;

/** What an operation on tensors is given, in the ways of Keras 2 and 3. */
public final class Operands {
  private Operands() {}

  /** The parameters of an operation, which are its configuration, or named arguments. */
  static Config parameters(Call call) {
    JsonObject all = new JsonObject();
    call.config().json().entrySet().forEach(e -> all.add(e.getKey(), e.getValue()));
    call.arguments()
        .names()
        .forEach(
            (name, value) -> {
              if (value instanceof JsonElement json) {
                all.add(name, json);
              } else if (value instanceof List<?> list) {
                constants(list).ifPresent(json -> all.add(name, json));
              }
            });
    return new Config(all);
  }

  /** A list that has constants only. */
  private static Optional<JsonElement> constants(List<?> list) {
    JsonArray array = new JsonArray();
    for (Object element : list) {
      if (element instanceof JsonElement json) {
        array.add(json);
      } else if (element instanceof List<?> inner && constants(inner).isPresent()) {
        array.add(constants(inner).get());
      } else if (element instanceof Value value && value.ints != null && value.ints.length == 1) {
        array.add(value.ints[0]); // of the shape of another tensor
      } else {
        return Optional.empty();
      }
    }
    return Optional.of(array);
  }

  /** An operand that has a place and, by the version of Keras, one of several names. */
  static Value operand(Call call, int place, String... names) {
    Object found = null;
    for (String name : names) {
      found = found == null ? call.arguments().get(place, name) : found;
    }
    if (found instanceof Value value) {
      return value;
    }
    if (found instanceof JsonElement json && json.isJsonPrimitive()) {
      boolean whole = json.getAsString().matches("-?\\d+");
      return whole
          ? Value.of(call.graph().scope + "/number", new int[] {json.getAsInt()})
          : call.graph().scalar((float) Config.number(json));
    }
    if (found instanceof List<?> list && constants(list).isPresent()) {
      float[] numbers = Config.numbers(constants(list).get());
      return call.graph().constant("numbers", numbers, numbers.length);
    }
    throw new IllegalStateException("it has no operand `" + names[0] + "`");
  }

  /** Both operands in the same type: that of the tensors, float32 if they differ. */
  static Value[] both(Call call) {
    Graph g = call.graph();
    Value a = operand(call, 0, "x1", "x", "value");
    Value b = operand(call, 1, "x2", "y", "bias");
    if (a.type == b.type) {
      return new Value[] {a, b};
    }
    return new Value[] {floats(g, a), floats(g, b)};
  }

  public static Value floats(Graph g, Value x) {
    if (x.ints == null) {
      return g.cast(x, TensorType.FLOAT32);
    }
    float[] numbers = new float[x.ints.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = x.ints[i];
    }
    return Value.of(x.name, Floats.of(numbers), x.shape);
  }
}
