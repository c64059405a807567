package io.narrow.keras;

import io.narrow.keras.Weights.Array;
import io.narrow.keras.Weights.Part;
import io.narrow.keras.Weights.Place;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One use of a layer: what it is, what it is given, and the graph that its operators go to.
 *
 * @param kind its class, e.g. {@code Conv2D}
 * @param inputs its inputs in order, constants included
 * @param named its inputs by the name of the argument, where the file has one
 * @param part where its weights are, for a layer inside another
 */
record Call(
    String kind,
    Config config,
    Place place,
    Part part,
    List<Value> inputs,
    Map<String, Value> named,
    Network network,
    Graph graph) {

  /** The layer cannot be imported; the message says why. */
  static final class UnsupportedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedException(String message) {
      super(message);
    }
  }

  Value x() {
    return inputs.get(0);
  }

  /** The same layer with other inputs. */
  Call with(List<Value> others) {
    return new Call(kind, config, place, part, others, Map.of(), network, graph);
  }

  /** A layer inside this one. */
  Call inner(String innerKind, Config innerConfig, Part innerPart, List<Value> others) {
    return new Call(innerKind, innerConfig, place, innerPart, others, Map.of(), network, graph);
  }

  List<Value> build() {
    return network.rule(kind).build(this);
  }

  /** A weight; -1 in the shape for a size that may be any. */
  Array weight(Part inside, String name, int index, int... shape) {
    Array array =
        optional(inside, name, index)
            .orElseThrow(() -> new IllegalStateException("its weight `" + name + "` is missing"));
    boolean fits = array.shape().length == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] == array.shape()[i] || shape[i] == -1;
    }
    int elements = Arrays.stream(array.shape()).reduce(1, Math::multiplyExact);
    if (!fits || array.values().length != elements) {
      throw new IllegalStateException(
          "its weight `"
              + name
              + "` has the shape "
              + Arrays.toString(array.shape())
              + " instead of "
              + Arrays.toString(shape).replace("-1", "any"));
    }
    return array;
  }

  Array weight(String name, int index, int... shape) {
    return weight(part, name, index, shape);
  }

  Optional<Array> optional(Part inside, String name, int index) {
    return network.weights().find(place, inside, name, index);
  }

  /** The bias of {@code use_bias}, null if there is none. */
  Value bias(int index, int size) {
    return config.flag("use_bias", true)
        ? graph.constant("bias", weight("bias", index, size).values(), size)
        : null;
  }

  Value activated(Value x) {
    return Activations.apply(this, config.get("activation"), x);
  }

  void channelsLast() {
    if (config.text("data_format", "channels_last").equals("channels_first")) {
      throw new UnsupportedException("data_format channels_first");
    }
  }
}
