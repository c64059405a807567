package io.narrow.keras;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The loop of a GRU, for which TensorFlow Lite has no operator: WHILE over the steps. Input weights
 * are applied to all steps before it, in one matrix product.
 */
final class GatedLoop {
  private final Graph graph;
  private final Value projected;
  private final int batch;
  private final int steps;
  private final int units;
  private final boolean resetAfter;

  /**
   * @param projected [batch, steps, 3 units]: update, reset and candidate gates of the input
   * @param resetAfter whether the reset gate comes after the product with the recurrent weights
   */
  GatedLoop(Graph graph, Value projected, int units, boolean resetAfter) {
    this.graph = graph;
    this.projected = projected;
    this.batch = projected.size(0);
    this.steps = projected.size(1);
    this.units = units;
    this.resetAfter = resetAfter;
  }

  /**
   * @param recurrent [3 units, units]
   * @param bias [3 units]
   * @return [batch, units], or [batch, steps, units]
   */
  Value run(float[] recurrent, float[] bias, boolean sequences) {
    Graph condition = graph.body("condition");
    Graph body = graph.body("body");
    int number = graph.bodies.size();
    List<Value> given = new ArrayList<>();
    given.add(Value.of(graph.scope + "/first", new int[] {0}));
    given.add(graph.zeros(projected, batch, units));
    given.add(projected);
    if (sequences) {
      given.add(graph.zeros(projected, batch, steps, units));
    }
    List<Value> results = new ArrayList<>();
    for (Value value : given) {
      Value result = new Value(graph.scope + "/loop", value.type, value.shape);
      result.batched = value.rank() > 0 && projected.batched;
      results.add(result);
      parameter(condition, value);
      parameter(body, value);
    }
    less(condition);
    step(body, recurrent, bias, sequences);
    graph.add(
        new Op(
            "WHILE",
            "WhileOptions",
            Map.of("cond_subgraph_index", number - 1, "body_subgraph_index", number),
            given,
            results.toArray(new Value[0])));
    Value result = results.get(sequences ? 3 : 1);
    result.name = graph.scope;
    return result;
  }

  private void parameter(Graph inside, Value like) {
    Value value = inside.input(inside.scope + "/given", like.type, like.shape);
    value.batched = like.rank() > 0 && projected.batched;
  }

  private void less(Graph g) {
    Value more = new Value(g.scope + "/more", TensorType.BOOL);
    Value end = Value.of(g.scope + "/steps", new int[] {steps});
    g.add(new Op("LESS", "LessOptions", Graph.NONE, List.of(g.inputs.get(0), end), more));
    g.outputs.add(more);
  }

  private void step(Graph g, float[] recurrent, float[] bias, boolean sequences) {
    Value i = g.inputs.get(0);
    Value state = g.inputs.get(1);
    Value now =
        g.op(
            "GATHER",
            "GatherOptions",
            Map.of("axis", 1),
            new int[] {batch, 3 * units},
            g.inputs.get(2),
            i);
    List<Value> input = split(g, now, 3);
    Value next =
        resetAfter ? after(g, input, state, recurrent, bias) : before(g, input, state, recurrent);
    g.outputs.add(g.binary("ADD", i, Value.of(g.scope + "/one", new int[] {1})));
    g.outputs.add(next);
    g.outputs.add(g.inputs.get(2));
    if (sequences) {
      Value start = new Value(g.scope + "/start", TensorType.INT32, 3);
      Value zero = Value.of(g.scope + "/zero", new int[] {0});
      g.add(
          new Op("PACK", "PackOptions", Map.of("values_count", 3), List.of(zero, i, zero), start));
      Value all = g.inputs.get(3);
      g.outputs.add(
          g.op(
              "DYNAMIC_UPDATE_SLICE",
              "",
              Graph.NONE,
              all.shape,
              all,
              g.reshape(next, batch, 1, units),
              start));
    }
  }

  private List<Value> split(Graph g, Value x, int parts) {
    Value[] results = new Value[parts];
    for (int k = 0; k < parts; k++) {
      results[k] = new Value(g.scope + "/gate", x.type, batch, x.channels() / parts);
      results[k].batched = x.batched;
    }
    Value axis = Value.of(g.scope + "/axis", new int[] {1});
    g.add(new Op("SPLIT", "SplitOptions", Map.of("num_splits", parts), List.of(axis, x), results));
    return List.of(results);
  }

  private static Value logistic(Graph g, Value a, Value b) {
    return g.unary("LOGISTIC", "", g.binary("ADD", a, b));
  }

  private Value after(Graph g, List<Value> input, Value state, float[] recurrent, float[] bias) {
    Value weights = g.constant("recurrent_kernel", recurrent, 3 * units, units);
    Value product = g.dense(state, weights, g.constant("recurrent_bias", bias, 3 * units));
    List<Value> inner = split(g, product, 3);
    Value update = logistic(g, input.get(0), inner.get(0));
    Value reset = logistic(g, input.get(1), inner.get(1));
    Value candidate =
        g.unary("TANH", "", g.binary("ADD", input.get(2), g.binary("MUL", reset, inner.get(2))));
    return mixed(g, update, state, candidate);
  }

  private Value before(Graph g, List<Value> input, Value state, float[] recurrent) {
    int gates = 2 * units * units;
    float[] first = Arrays.copyOf(recurrent, gates);
    float[] last = Arrays.copyOfRange(recurrent, gates, recurrent.length);
    List<Value> inner =
        split(g, g.dense(state, g.constant("recurrent_kernel", first, 2 * units, units), null), 2);
    Value update = logistic(g, input.get(0), inner.get(0));
    Value reset = logistic(g, input.get(1), inner.get(1));
    Value product =
        g.dense(
            g.binary("MUL", reset, state),
            g.constant("candidate_kernel", last, units, units),
            null);
    Value candidate = g.unary("TANH", "", g.binary("ADD", input.get(2), product));
    return mixed(g, update, state, candidate);
  }

  /** update * state + (1 - update) * candidate. */
  private static Value mixed(Graph g, Value update, Value state, Value candidate) {
    return g.binary("ADD", candidate, g.binary("MUL", update, g.binary("SUB", state, candidate)));
  }
}
