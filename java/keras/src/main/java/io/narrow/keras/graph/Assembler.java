package io.narrow.keras.graph;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelAssembly;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes graphs down as a model: numbers for values, bytes for constants. */
public final class Assembler {
  private final ModelAssembly assembly = new ModelAssembly();
  private final Graph root;
  private final Map<Integer, List<Stored>> stored = new HashMap<>();

  private record Stored(Floats floats, Buffer buffer) {}

  public Assembler(Graph root) {
    this.root = root;
  }

  /**
   * @param inputs inputs by their name in the signature
   * @param outputs places among the outputs of the graph by their name in the signature
   */
  public Model model(String name, Map<String, Value> inputs, Map<String, Integer> outputs) {
    for (Graph body : root.bodies) {
      assembly.subgraph(body.name);
    }
    Map<Value, Integer> numbers = graph(0, root);
    for (int i = 0; i < root.bodies.size(); i++) {
      graph(i + 1, root.bodies.get(i));
    }
    Map<String, Integer> given = new LinkedHashMap<>();
    inputs.forEach((key, value) -> given.put(key, numbers.get(value)));
    Map<String, Integer> results = new LinkedHashMap<>();
    outputs.forEach((key, place) -> results.put(key, numbers.get(root.outputs.get(place))));
    assembly.signature("serving_default", given, results);
    String kept =
        root.states.isEmpty()
            ? ""
            : "; from run to run it keeps the state of " + String.join(", ", root.states);
    return assembly.build(name, "imported from Keras by Narrow" + kept);
  }

  private Map<Value, Integer> graph(int number, Graph graph) {
    Map<Value, Integer> numbers = new IdentityHashMap<>();
    Map<String, Integer> names = new HashMap<>();
    for (Value value : graph.values()) {
      // A name that is taken gets the first number that is free.
      String name = value.name;
      for (int i = names.getOrDefault(value.name, 0); names.containsKey(name); i++) {
        name = value.name + "_" + (i + 1);
        names.put(value.name, i + 1);
      }
      names.put(name, 0);
      numbers.put(value, tensor(number, described(name, value), value));
    }
    for (Op op : graph.ops) {
      assembly.operator(
          number,
          op.kind,
          op.version,
          op.options,
          op.fields,
          of(op.inputs, numbers),
          of(op.outputs, numbers));
    }
    assembly.boundary(number, of(graph.inputs, numbers), of(graph.outputs, numbers));
    return numbers;
  }

  private static Tensor described(String name, Value value) {
    Tensor tensor = Tensor.of(name, value.type, value.shape);
    return value.encoding != null && value.floats == null
        ? tensor.quantized(
            value.type,
            value.encoding.written(),
            Arrays.stream(value.encoding.zeroPoints()).asLongStream().toArray(),
            value.encoding.axis())
        : tensor;
  }

  private static int[] of(List<Value> values, Map<Value, Integer> numbers) {
    return values.stream().mapToInt(value -> value == null ? -1 : numbers.get(value)).toArray();
  }

  private int tensor(int graph, Tensor tensor, Value value) {
    for (int size : value.shape) {
      if (size < 1) {
        throw new IllegalStateException("`" + value + "` would have no elements");
      }
    }
    if (value.floats != null) {
      return assembly.constant(graph, tensor, stored(value.floats));
    }
    if (value.ints != null) {
      return assembly.constant(graph, tensor, Buffer.of(bytes(value.ints, value.type)));
    }
    return value.variable
        ? assembly.variable(graph, tensor)
        : assembly.tensor(graph, tensor, value.batched && value.rank() > 0);
  }

  /** Contents that another constant has as well are stored once. */
  private Buffer stored(Floats floats) {
    List<Stored> alike = stored.computeIfAbsent(floats.size(), size -> new ArrayList<>());
    for (Stored known : alike) {
      if (known.floats().same(floats)) {
        return known.buffer();
      }
    }
    int bytes = Math.multiplyExact(floats.size(), Float.BYTES);
    alike.add(new Stored(floats, Buffer.computed(bytes, floats::write)));
    return alike.get(alike.size() - 1).buffer();
  }

  private static ByteBuffer bytes(int[] ints, TensorType type) {
    int size = type == TensorType.BOOL ? 1 : Integer.BYTES;
    ByteBuffer bytes = ByteBuffer.allocateDirect(ints.length * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : ints) {
      if (size == 1) {
        bytes.put((byte) number);
      } else {
        bytes.putInt(number);
      }
    }
    return bytes.flip();
  }
}
