package io.narrow.keras.graph;

import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A variable of the runtime that a stateful layer keeps from one run to the next, zero at first.
 */
public final class Variable {
  private final Graph graph;
  private final String name;
  private final int[] shape;
  private final Value handle;

  public Variable(Graph graph, String suffix, int... shape) {
    this.graph = graph;
    this.name = graph.scope + "/" + suffix;
    this.shape = shape;
    graph.fix();
    Graph first = graph.body("first");
    int number = graph.bodies.size();
    Value zeros =
        Value.of(
            name + "/zeros",
            Floats.of(new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)]),
            shape);
    assign(first, handle(first), zeros);
    graph.add(
        new Op("CALL_ONCE", "CallOnceOptions", Map.of("init_subgraph_index", number), List.of()));
    handle = handle(graph);
  }

  private Value handle(Graph g) {
    Value value = new Value(name, TensorType.RESOURCE);
    g.add(new Op("VAR_HANDLE", "VarHandleOptions", Map.of("shared_name", name), List.of(), value));
    return value;
  }

  private static void assign(Graph g, Value handle, Value value) {
    g.add(new Op("ASSIGN_VARIABLE", "AssignVariableOptions", Map.of(), List.of(handle, value)));
  }

  public Value read() {
    Value value = new Value(name + "/value", TensorType.FLOAT32, shape);
    graph.add(new Op("READ_VARIABLE", "ReadVariableOptions", Map.of(), List.of(handle), value));
    return value;
  }

  public void assign(Value value) {
    assign(graph, handle, value);
  }
}
