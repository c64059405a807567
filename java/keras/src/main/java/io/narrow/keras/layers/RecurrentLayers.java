package io.narrow.keras.layers;

import com.google.gson.JsonPrimitive;
import io.narrow.keras.config.Arguments;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.graph.Cell;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Loop;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.graph.Variable;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Masks;
import io.narrow.keras.rule.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Layers over steps of time: the fused operators where TensorFlow Lite has them, else a loop. */
final class RecurrentLayers {
  private static final Map<String, Integer> FUSED =
      Map.of("linear", 0, "relu", 1, "relu6", 3, "tanh", 4);

  private static final Set<String> LAYERS =
      Set.of("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D");

  static final Map<String, Rule> ROWS = rows();

  private RecurrentLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    rows.put("Bidirectional", RecurrentLayers::bidirectional);
    rows.put("TimeDistributed", RecurrentLayers::timeDistributed);
    LAYERS.forEach(kind -> rows.put(kind, call -> recurrent(call, call.x().mask, initial(call))));
    return rows;
  }

  /** States that the layer is given: by name, or after its input. */
  private static List<Value> initial(Call call) {
    Arguments arguments = call.arguments();
    if (arguments.get(3, "constants") != null || call.config().integer("num_constants", 0) > 0) {
      throw new UnsupportedException("constants");
    }
    List<Value> first = Arguments.values(arguments.get(0, ""));
    List<Value> named = Arguments.values(arguments.get(1, "initial_state"));
    return first.size() > 1 ? first.subList(1, first.size()) : named;
  }

  /** The output, and the last states if they are asked for. */
  private static List<Value> recurrent(Call call, Value implied, List<Value> initial) {
    Config config = call.config();
    Graph g = call.graph();
    Value given = call.arguments().value(2, "mask");
    Value mask = given == null ? implied : given;
    boolean sequences = config.flag("return_sequences", false);
    boolean wantsState = config.flag("return_state", false);
    boolean timeMajor = config.flag("time_major", false);
    if (timeMajor) {
      g.fix();
    }
    if (config.flag("stateful", false) && !g.states.add(g.scope)) {
      throw new UnsupportedException("a state that several calls share");
    }
    Value x = timeMajor ? swapped(g, call.x()) : call.x();
    Value steps = config.flag("go_backwards", false) ? reversed(g, x) : x;
    List<Value> results = new ArrayList<>();
    if (mask == null && initial.isEmpty() && !wantsState && isFused(call)) {
      Value all = call.kind().equals("LSTM") ? lstm(call, steps) : simple(call, steps);
      results.add(sequences ? all : g.pick(all, 1, all.size(1) - 1));
    } else {
      List<Value> all = looped(call, steps, mask, initial);
      results.addAll(wantsState ? all : all.subList(0, 1));
    }
    if (sequences && timeMajor) {
      results.set(0, swapped(g, results.get(0)));
    }
    results.get(0).mask = sequences ? mask : null;
    return results;
  }

  /**
   * The output and the last states of a loop over the steps, which begins with zeros if need be.
   */
  private static List<Value> looped(Call call, Value steps, Value mask, List<Value> initial) {
    Config config = call.config();
    Graph g = call.graph();
    Cell cell = cell(call);
    int[] step = Shapes.removed(steps.shape, 1);
    List<Value> states = new ArrayList<>(initial);
    List<Variable> variables = new ArrayList<>();
    for (int[] shape : initial.isEmpty() ? cell.states(step) : List.<int[]>of()) {
      int[] whole = Shapes.inserted(shape, 0, step[0]);
      if (config.flag("stateful", false)) {
        Variable variable = new Variable(g, "state_" + states.size(), whole);
        variables.add(variable);
        states.add(variable.read());
      } else {
        states.add(g.zeros(steps, whole));
      }
    }
    Value projected = cell.project(g, steps);
    projected.name = g.scope + "/projected";
    boolean backwards = mask != null && config.flag("go_backwards", false);
    boolean sequences = config.flag("return_sequences", false);
    boolean zeros = config.flag("zero_output_for_mask", false);
    Value counts = backwards ? reversed(g, mask) : mask;
    List<Value> all = new Loop(cell, g, projected, counts, sequences, zeros).run(states);
    for (int i = 0; i < variables.size(); i++) {
      variables.get(i).assign(all.get(i + 1));
    }
    return all;
  }

  private static Value swapped(Graph g, Value x) {
    int[] order = new int[x.rank()];
    Arrays.setAll(order, i -> i < 2 ? 1 - i : i);
    return g.transpose(x, order);
  }

  private static Value reversed(Graph g, Value x) {
    return g.op("REVERSE_V2", "ReverseV2Options", Graph.NONE, x.shape, x, g.constant("axis", 1));
  }

  private static Cell cell(Call call) {
    Part part = Cells.inside(call.part(), "", "cell");
    if (call.kind().equals("RNN")) {
      Config cell = call.config().object("cell");
      String kind = call.network().kind(cell);
      return Cells.of(kind, call.inner(kind, cell.object("config"), part, call.inputs()), part);
    }
    return call.kind().startsWith("ConvLSTM")
        ? new ConvLstm(call, part, call.kind().charAt("ConvLSTM".length()) - '0')
        : Cells.of(call.kind() + "Cell", call, part);
  }

  /** Whether TensorFlow Lite has an operator for just this. */
  private static boolean isFused(Call call) {
    String activation = Activations.nameOr(call.config().get("activation"), "tanh");
    if (call.kind().equals("SimpleRNN")) {
      return FUSED.containsKey(activation);
    }
    String recurrent = Activations.nameOr(call.config().get("recurrent_activation"), "sigmoid");
    return call.kind().equals("LSTM") && activation.equals("tanh") && recurrent.equals("sigmoid");
  }

  /** Keras and TensorFlow Lite both have the gates in the order input, forget, cell, output. */
  private static Value lstm(Call call, Value x) {
    Graph g = call.graph();
    Part cell = Cells.inside(call.part(), "", "cell");
    int units = call.config().integer("units", 0);
    int in = x.channels();
    Floats kernel =
        call.weight(cell, "kernel", 0, in, 4 * units).floats().transposed(in, 4 * units);
    Floats recurrent =
        call.weight(cell, "recurrent_kernel", 1, units, 4 * units)
            .floats()
            .transposed(units, 4 * units);
    Floats bias =
        call.config().flag("use_bias", true)
            ? call.weight(cell, "bias", 2, 4 * units).floats()
            : Floats.of(new float[4 * units]);
    Value[] inputs = new Value[24];
    inputs[0] = x;
    String[] names = {"input", "forget", "cell", "output"};
    for (int i = 0; i < 4; i++) {
      Floats gate = kernel.part(i * units * in, units * in);
      inputs[1 + i] = g.constant(names[i] + "_kernel", gate, units, in);
      Floats inner = recurrent.part(i * units * units, units * units);
      inputs[5 + i] = g.constant(names[i] + "_recurrent_kernel", inner, units, units);
      inputs[12 + i] = g.constant(names[i] + "_bias", bias.part(i * units, units), units);
    }
    inputs[18] = state(call, "output_state", x.size(0), units);
    inputs[19] = state(call, "cell_state", x.size(0), units);
    return g.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UnidirectionalSequenceLSTMOptions",
        Map.of("fused_activation_function", FUSED.get("tanh"), "time_major", false),
        new int[] {x.size(0), x.size(1), units},
        inputs);
  }

  private static Value simple(Call call, Value x) {
    Graph g = call.graph();
    Part cell = Cells.inside(call.part(), "", "cell");
    int units = call.config().integer("units", 0);
    int in = x.channels();
    Floats kernel = call.weight(cell, "kernel", 0, in, units).floats();
    Floats recurrent = call.weight(cell, "recurrent_kernel", 1, units, units).floats();
    Floats bias =
        call.config().flag("use_bias", true)
            ? call.weight(cell, "bias", 2, units).floats()
            : Floats.of(new float[units]);
    int activation = FUSED.get(Activations.nameOr(call.config().get("activation"), "tanh"));
    return g.op(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "SequenceRNNOptions",
        Map.of("fused_activation_function", activation, "time_major", false),
        new int[] {x.size(0), x.size(1), units},
        x,
        g.constant("kernel", kernel.transposed(in, units), units, in),
        g.constant("recurrent_kernel", recurrent.transposed(units, units), units, units),
        g.constant("bias", bias, units),
        state(call, "state", x.size(0), units));
  }

  /** The state of a fused operator, which begins with zeros in each run unless it is to be kept. */
  private static Value state(Call call, String suffix, int... shape) {
    Graph g = call.graph();
    Value state = g.variable(suffix, shape);
    if (!call.config().flag("stateful", false)) {
      g.clear(state);
    }
    return state;
  }

  private static List<Value> bidirectional(Call call) {
    Graph g = call.graph();
    Config config = call.config();
    List<Value> initial = initial(call);
    int half = initial.size() / 2;
    List<Value> forward = direction(call, "layer", "forward", false, initial.subList(0, half));
    String back = config.has("backward_layer") ? "backward_layer" : "layer";
    List<Value> backward =
        direction(call, back, "backward", true, initial.subList(half, initial.size()));
    Value a = forward.get(0);
    Value b = backward.get(0);
    if (config.object("layer").object("config").flag("return_sequences", false)) {
      b = reversed(g, b);
      b.mask = a.mask;
    }
    a.name = g.scope + "/forward";
    b.name = g.scope + "/backward";
    String mode = config.text("merge_mode", "");
    List<Value> outputs = new ArrayList<>();
    switch (mode) {
      case "concat" -> outputs.add(g.concat(List.of(a, b), a.rank() - 1));
      case "sum" -> outputs.add(g.binary("ADD", a, b));
      case "mul" -> outputs.add(g.binary("MUL", a, b));
      case "ave" -> outputs.add(Activations.times(g, g.binary("ADD", a, b), 0.5f));
      case "" -> outputs.addAll(List.of(a, b));
      default -> throw new UnsupportedException("merge_mode " + mode);
    }
    outputs.get(0).mask = a.mask;
    outputs.addAll(forward.subList(1, forward.size()));
    outputs.addAll(backward.subList(1, backward.size()));
    return outputs;
  }

  private static List<Value> direction(
      Call call, String field, String name, boolean back, List<Value> initial) {
    Config layer = call.config().object(field);
    String kind = call.network().kind(layer);
    if (!LAYERS.contains(kind)) {
      throw new UnsupportedException(kind + " inside");
    }
    Config config = layer.object("config");
    if (back && field.equals("layer")) {
      boolean forward = config.flag("go_backwards", false);
      config = config.with("go_backwards", new JsonPrimitive(!forward));
    }
    Part part = Cells.inside(call.part(), name + "_", name + "_layer");
    if (call.optional(Cells.inside(part, "", "cell"), "kernel", 0).isEmpty()) {
      // Keras 3 does not rename a layer that it was given for the way back.
      part = Cells.inside(call.part(), config.text("name", ""), name + "_layer");
    }
    Graph g = call.graph();
    String outer = g.scope;
    g.scope = outer + "/" + name;
    try {
      Call inner = call.inner(kind, config, part, List.of(call.x()));
      Value mask = call.arguments().value(2, "mask");
      return recurrent(inner, mask == null ? call.x().mask : mask, initial);
    } finally {
      g.scope = outer;
    }
  }

  /** The layer inside, over all steps at once as if they were samples. */
  private static List<Value> timeDistributed(Call call) {
    Value x = call.x();
    Config layer = call.config().object("layer");
    String kind = call.network().kind(layer);
    if (x.mask != null && Masks.READERS.contains(kind)) {
      throw new UnsupportedException("a mask for " + kind);
    }
    int[] merged = Shapes.removed(x.shape, 0);
    merged[0] = Math.multiplyExact(x.size(0), x.size(1));
    Graph g = call.graph();
    Value steps = g.reshape(x, merged);
    Part part = Cells.inside(call.part(), "", "layer");
    Call inner = call.inner(kind, layer.object("config"), part, Collections.singletonList(steps));
    List<Value> results = new ArrayList<>();
    for (Value out : inner.build()) {
      int[] shape = Shapes.inserted(out.shape, 1, x.size(1));
      shape[0] = x.size(0);
      results.add(g.reshape(out, shape));
    }
    results.get(0).mask = x.mask;
    return results;
  }
}
