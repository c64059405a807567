package io.narrow.keras.graph;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** WHILE over steps of time, for cells that TensorFlow Lite has no operator for. */
public final class Loop {
  /**
   * What a cell makes of one step: new states, of which the one at {@link Cell#output} is given.
   */
  private final Cell cell;

  private final Graph graph;
  private final Value steps;
  private final Value mask;
  private final boolean sequences;
  private final boolean zeros;

  /**
   * @param steps [batch, steps, ...]
   * @param mask bool [batch, steps], null if all steps count
   * @param sequences whether to keep the output of every step
   * @param zeros whether masked steps give zeros and not what the step before gave
   */
  public Loop(Cell cell, Graph graph, Value steps, Value mask, boolean sequences, boolean zeros) {
    this.cell = cell;
    this.graph = graph;
    this.steps = steps;
    this.mask = mask;
    this.sequences = sequences;
    this.zeros = zeros;
  }

  /**
   * @return the output, [batch, steps, ...] or that of the last step, and then the last states
   */
  public List<Value> run(List<Value> states) {
    Graph condition = graph.body("condition");
    Graph body = graph.body("body");
    int number = graph.bodies.size();
    int count = states.size();
    List<Value> given = new ArrayList<>(List.of(Value.of(graph.scope + "/first", new int[1])));
    given.addAll(states);
    int output = cell.output();
    if (mask != null) {
      output = given.size() - 1;
      given.add(graph.zeros(steps, states.get(cell.output()).shape));
    }
    int all = given.size();
    if (sequences) {
      int[] shape = Shapes.inserted(states.get(cell.output()).shape, 1, steps.size(1));
      given.add(graph.zeros(steps, shape));
    }
    given.add(steps);
    if (mask != null) {
      given.add(mask);
    }
    List<Value> results = new ArrayList<>();
    for (Value value : given) {
      Value result = new Value(graph.scope + "/loop", value.type, value.shape);
      result.batched = value.rank() > 0 && steps.batched;
      results.add(result);
      parameter(condition, value);
      parameter(body, value);
    }
    less(condition);
    step(body, count, all);
    graph.add(
        new Op(
            "WHILE",
            "WhileOptions",
            Map.of("cond_subgraph_index", number - 1, "body_subgraph_index", number),
            given,
            results.toArray(new Value[0])));
    List<Value> kept = new ArrayList<>();
    kept.add(results.get(sequences ? all : output + 1));
    kept.addAll(results.subList(1, count + 1));
    kept.get(0).name = graph.scope;
    return kept;
  }

  private void parameter(Graph inside, Value like) {
    Value value = inside.input(inside.scope + "/given", like.type, like.shape);
    value.batched = like.rank() > 0 && steps.batched;
  }

  private void less(Graph g) {
    Value more = new Value(g.scope + "/more", TensorType.BOOL);
    Value end = Value.of(g.scope + "/steps", new int[] {steps.size(1)});
    g.add(new Op("LESS", "LessOptions", Graph.NONE, List.of(g.inputs.get(0), end), more));
    g.outputs.add(more);
  }

  private void step(Graph g, int count, int all) {
    Value i = g.inputs.get(0);
    List<Value> before = g.inputs.subList(1, count + 1);
    int input = all + (sequences ? 1 : 0);
    List<Value> next = new ArrayList<>(cell.step(g, at(g, g.inputs.get(input), i), before));
    Value given = next.get(cell.output());
    g.outputs.add(g.binary("ADD", i, Value.of(g.scope + "/one", new int[] {1})));
    if (mask == null) {
      g.outputs.addAll(next);
    } else {
      Value counts = at(g, g.inputs.get(input + 1), i);
      for (int k = 0; k < count; k++) {
        g.outputs.add(chosen(g, counts, next.get(k), before.get(k)));
      }
      Value otherwise = g.inputs.get(count + 1);
      given = chosen(g, counts, given, zeros ? g.zeros(given, given.shape) : otherwise);
      g.outputs.add(given);
    }
    if (sequences) {
      Value whole = g.inputs.get(all);
      Value place = g.reshape(given, Shapes.inserted(given.shape, 1, 1));
      g.outputs.add(
          g.op("DYNAMIC_UPDATE_SLICE", "", Graph.NONE, whole.shape, whole, place, start(g, i)));
    }
    g.outputs.addAll(g.inputs.subList(input, g.inputs.size()));
  }

  private static Value at(Graph g, Value values, Value i) {
    int[] shape = Shapes.removed(values.shape, 1);
    return g.op("GATHER", "GatherOptions", Map.of("axis", 1), shape, values, i);
  }

  private static Value chosen(Graph g, Value counts, Value value, Value otherwise) {
    int[] shape = new int[value.rank()];
    Arrays.fill(shape, 1);
    shape[0] = value.size(0);
    return g.select(g.reshape(counts, shape), value, otherwise);
  }

  /** [0, i, 0, ...]. */
  private static Value start(Graph g, Value i) {
    int rank = g.inputs.stream().mapToInt(Value::rank).max().orElse(0);
    Value start = new Value(g.scope + "/start", TensorType.INT32, rank);
    List<Value> parts =
        new ArrayList<>(Collections.nCopies(rank, Value.of(g.scope + "/zero", new int[1])));
    parts.set(1, i);
    g.add(new Op("PACK", "PackOptions", Map.of("values_count", rank), parts, start));
    return start;
  }
}
