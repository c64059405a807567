package io.narrow.keras.rule;

import com.google.gson.JsonPrimitive;
import io.narrow.keras.config.Arguments;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights.Array;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.file.Weights.Place;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One use of a layer: what it is, what it is given, and the graph that its operators go to.
 *
 * @param kind its class, e.g. {@code Conv2D}
 * @param part where its weights are, for a layer inside another
 * @param inputs all values of the arguments in order
 */
public record Call(
    String kind,
    Config config,
    Place place,
    Part part,
    Arguments arguments,
    List<Value> inputs,
    Network network,
    Graph graph) {

  /** The layer cannot be imported; the message says why. */
  public static final class UnsupportedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UnsupportedException(String message) {
      super(message);
    }
  }

  public Value x() {
    return inputs.get(0);
  }

  /** A layer inside this one, at another place among its weights. */
  public Call inner(String innerKind, Config innerConfig, Part innerPart, List<Value> values) {
    return new Call(
        innerKind, innerConfig, place, innerPart, Arguments.of(values), values, network, graph);
  }

  /** The layer that this one is put around, with weights at another place. */
  public Call wrapped(String innerKind, Config innerConfig, Place innerPlace, Part innerPart) {
    return new Call(
        innerKind, innerConfig, innerPlace, innerPart, arguments, inputs, network, graph);
  }

  /** The same in a body of the graph. */
  public Call on(Graph other) {
    return new Call(kind, config, place, part, arguments, inputs, network, other);
  }

  /**
   * Appends the layer. TensorFlow Lite has channels last, so what has them first is turned before
   * the layer and back after it; Flatten and pooling over everything take the turned order as well.
   */
  public List<Value> build() {
    Rule rule = network.rule(kind);
    if (!config.text("data_format", "channels_last").equals("channels_first")) {
      return Masks.passed(this, rule.build(this));
    }
    List<Value> values = inputs.stream().map(value -> turned(value, true)).toList();
    Config last = config.with("data_format", new JsonPrimitive("channels_last"));
    Arguments given = arguments.replaced(inputs, values);
    return new Call(kind, last, place, part, given, values, network, graph)
        .build().stream().map(value -> turned(value, false)).toList();
  }

  /** An input or output with its channels last, or first again. */
  private Value turned(Value value, boolean last) {
    int steps = kind.startsWith("ConvLSTM") ? 1 : 0;
    // States of ConvLSTM have no axis of time; the others have all axes or, pooled, no channels
    // first.
    int channels = 1 + steps - (x().rank() - value.rank());
    if (channels < 1 || value.rank() < 3) {
      return value;
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < value.rank(); i++) {
      order.add(i);
    }
    if (last) {
      order.add(order.remove(channels));
    } else {
      order.add(channels, order.remove(value.rank() - 1));
    }
    Value result = graph.transpose(value, Shapes.ints(order));
    result.mask = value.mask;
    return result;
  }

  /** A weight; -1 in the shape for a size that may be any. */
  public Array weight(Part inside, String name, int index, int... shape) {
    Array array =
        optional(inside, name, index)
            .orElseThrow(() -> new IllegalStateException("its weight `" + name + "` is missing"));
    boolean fits = array.shape().length == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] == array.shape()[i] || shape[i] == -1;
    }
    int elements = Arrays.stream(array.shape()).reduce(1, Math::multiplyExact);
    if (!fits || array.floats().size() != elements) {
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

  public Floats weight(String name, int index, int... shape) {
    return weight(part, name, index, shape).floats();
  }

  public Optional<Array> optional(Part inside, String name, int index) {
    return network.weights().find(place, inside, name, index);
  }

  /** The bias of {@code use_bias}, null if there is none. */
  public Value bias(int index, int size) {
    return config.flag("use_bias", true)
        ? graph.constant("bias", weight("bias", index, size), size)
        : null;
  }

  public Value activated(Value x) {
    return Activations.apply(this, config.get("activation"), x);
  }
}
