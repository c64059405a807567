package io.narrow.keras.layers;

import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Cell;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Network;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Cells that are made of matrix products. */
final class Cells {
  private static final Map<String, BiFunction<Call, Part, Cell>> ROWS =
      Map.of(
          "LSTMCell", Lstm::new,
          "GRUCell", Gru::new,
          "SimpleRNNCell", Simple::new,
          "StackedRNNCells", Stacked::new);

  private Cells() {}

  /**
   * @param call of a layer or cell that has the configuration of the cell
   * @param part where the weights of the cell are
   */
  static Cell of(String kind, Call call, Part part) {
    BiFunction<Call, Part, Cell> row = ROWS.get(kind);
    if (row == null) {
      throw new UnsupportedException("cell class " + kind);
    }
    return row.apply(call, part);
  }

  static Part inside(Part part, String name, String archive) {
    List<String> names = new ArrayList<>(part.names());
    if (!name.isEmpty()) {
      names.add(name);
    }
    return new Part(names, part.archive().isEmpty() ? archive : part.archive() + "/" + archive);
  }

  /** A function of a graph and what it is applied to. */
  interface Activation {
    Value of(Graph g, Value x);
  }

  static Activation activation(Call call, String field, String otherwise) {
    JsonElement given =
        call.config().has(field) ? call.config().get(field) : new JsonPrimitive(otherwise);
    Activations.check(given);
    return (g, x) -> Activations.apply(call.on(g), given, x);
  }

  /** The weights that all these cells have, with {@code gates} matrices side by side. */
  private abstract static class Gated implements Cell {
    final Call call;
    final Part part;
    final int units;
    final int gates;
    final Activation activation;
    final Activation recurrent;

    Gated(Call call, Part part, int gates) {
      this.call = call;
      this.part = part;
      this.gates = gates;
      this.units = call.config().integer("units", 0);
      this.activation = activation(call, "activation", "tanh");
      this.recurrent = activation(call, "recurrent_activation", "sigmoid");
    }

    @Override
    public List<int[]> states(int[] step) {
      return List.of(new int[] {units});
    }

    /** [gates * units, in]. */
    Floats kernel(int in) {
      return call.weight(part, "kernel", 0, in, gates * units)
          .floats()
          .transposed(in, gates * units);
    }

    /** [gates * units, units]. */
    Floats recurrentKernel() {
      return call.weight(part, "recurrent_kernel", 1, units, gates * units)
          .floats()
          .transposed(units, gates * units);
    }

    /** The bias of a row, [gates * units]; null if there is none. */
    Value bias(Graph g, int row, boolean rows) {
      if (!call.config().flag("use_bias", true)) {
        return null;
      }
      int size = gates * units;
      int[] shape = rows ? new int[] {2, size} : new int[] {size};
      Floats all = call.weight(part, "bias", 2, shape).floats();
      return g.constant("bias", rows ? all.part(row * size, size) : all, size);
    }

    @Override
    public Value project(Graph g, Value x) {
      return project(g, x, bias(g, 0, false));
    }

    Value project(Graph g, Value x, Value bias) {
      int in = x.channels();
      return Algebra.dense(g, x, g.constant("kernel", kernel(in), gates * units, in), bias);
    }

    /** Some gates of what the states give. */
    Value recur(Graph g, Value state, int first, int count, Value bias) {
      Floats part = recurrentKernel().part(first * units * units, count * units * units);
      Value weights = g.constant("recurrent_kernel", part, count * units, units);
      return Algebra.dense(g, state, weights, bias);
    }
  }

  private static final class Simple extends Gated {
    Simple(Call call, Part part) {
      super(call, part, 1);
    }

    @Override
    public List<Value> step(Graph g, Value projected, List<Value> states) {
      Value sum = g.binary("ADD", projected, recur(g, states.get(0), 0, 1, null));
      return List.of(activation.of(g, sum));
    }
  }

  private static final class Lstm extends Gated {
    Lstm(Call call, Part part) {
      super(call, part, 4);
    }

    @Override
    public List<int[]> states(int[] step) {
      return List.of(new int[] {units}, new int[] {units});
    }

    @Override
    public List<Value> step(Graph g, Value projected, List<Value> states) {
      Value sum = g.binary("ADD", projected, recur(g, states.get(0), 0, 4, null));
      return lstm(g, g.split(sum, 1, 4), states.get(1), activation, recurrent);
    }
  }

  /** The new output and cell state; gates are those of input, forget, cell, output. */
  static List<Value> lstm(
      Graph g, List<Value> gates, Value state, Activation activation, Activation recurrent) {
    Value in = recurrent.of(g, gates.get(0));
    Value forget = recurrent.of(g, gates.get(1));
    Value candidate = activation.of(g, gates.get(2));
    Value out = recurrent.of(g, gates.get(3));
    Value next = g.binary("ADD", g.binary("MUL", forget, state), g.binary("MUL", in, candidate));
    return List.of(g.binary("MUL", out, activation.of(g, next)), next);
  }

  /** Gates are those of update, reset and candidate. */
  private static final class Gru extends Gated {
    private final boolean after;

    Gru(Call call, Part part) {
      super(call, part, 3);
      this.after = call.config().flag("reset_after", call.network().keras3());
    }

    @Override
    public Value project(Graph g, Value x) {
      return project(g, x, bias(g, 0, after));
    }

    @Override
    public List<Value> step(Graph g, Value projected, List<Value> states) {
      Value state = states.get(0);
      List<Value> in = g.split(projected, 1, 3);
      List<Value> inner =
          after
              ? g.split(recur(g, state, 0, 3, bias(g, 1, true)), 1, 3)
              : g.split(recur(g, state, 0, 2, null), 1, 2);
      Value update = recurrent.of(g, g.binary("ADD", in.get(0), inner.get(0)));
      Value reset = recurrent.of(g, g.binary("ADD", in.get(1), inner.get(1)));
      Value product =
          after
              ? g.binary("MUL", reset, inner.get(2))
              : recur(g, g.binary("MUL", reset, state), 2, 1, null);
      Value candidate = activation.of(g, g.binary("ADD", in.get(2), product));
      // update * state + (1 - update) * candidate
      Value change = g.binary("MUL", update, g.binary("SUB", state, candidate));
      return List.of(g.binary("ADD", candidate, change));
    }
  }

  /** Cells one after the other; their states follow each other too. */
  private static final class Stacked implements Cell {
    private final List<Cell> cells = new ArrayList<>();

    Stacked(Call call, Part part) {
      Network.Path counts = Network.Path.root();
      for (JsonElement element : call.config().list("cells")) {
        Config json = new Config(element.getAsJsonObject());
        String kind = call.network().kind(json);
        Config config = json.object("config");
        String name = config.text("name", "");
        Part inner = inside(part, name, "cells/" + counts.next(kind));
        cells.add(Cells.of(kind, call.inner(kind, config, inner, call.inputs()), inner));
      }
    }

    @Override
    public List<int[]> states(int[] step) {
      List<int[]> states = new ArrayList<>();
      cells.forEach(cell -> states.addAll(cell.states(step)));
      return states;
    }

    @Override
    public int output() {
      int before = 0;
      for (Cell cell : cells.subList(0, cells.size() - 1)) {
        before += cell.states(new int[0]).size();
      }
      return before + cells.get(cells.size() - 1).output();
    }

    @Override
    public Value project(Graph g, Value x) {
      return cells.get(0).project(g, x);
    }

    @Override
    public List<Value> step(Graph g, Value projected, List<Value> states) {
      List<Value> next = new ArrayList<>();
      Value x = projected;
      int from = 0;
      for (int i = 0; i < cells.size(); i++) {
        Cell cell = cells.get(i);
        int count = cell.states(new int[0]).size();
        List<Value> own =
            cell.step(g, i == 0 ? x : cell.project(g, x), states.subList(from, from + count));
        next.addAll(own);
        x = own.get(cell.output());
        from += count;
      }
      return next;
    }
  }
}
