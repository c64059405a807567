package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import io.narrow.keras.Weights.Part;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Layers over steps of time: the fused operators where TensorFlow Lite has them, else a loop. */
final class RecurrentLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "LSTM", one(call -> recurrent(call, "LSTM")),
          "GRU", one(call -> recurrent(call, "GRU")),
          "SimpleRNN", one(call -> recurrent(call, "SimpleRNN")),
          "Bidirectional", one(RecurrentLayers::bidirectional),
          "TimeDistributed", Rule.one(RecurrentLayers::timeDistributed));

  /** Layers whose result depends on a mask. */
  static final Set<String> MASK_READERS =
      Set.of(
          "LSTM",
          "GRU",
          "SimpleRNN",
          "Bidirectional",
          "TimeDistributed",
          "GlobalAveragePooling1D",
          "MultiHeadAttention",
          "Attention",
          "AdditiveAttention",
          "Softmax",
          "Concatenate");

  private static final Map<String, Integer> FUSED =
      Map.of("linear", 0, "relu", 1, "relu6", 3, "tanh", 4);

  private RecurrentLayers() {}

  private static Value recurrent(Call call, String kind) {
    Config config = call.config();
    if (call.inputs().size() > 1) {
      throw new UnsupportedException("an initial state");
    }
    if (config.flag("return_state", false) || config.flag("stateful", false)) {
      throw new UnsupportedException("return_state or stateful");
    }
    Value x = ConvolutionLayers.rank(call, 3);
    Graph g = call.graph();
    if (config.flag("go_backwards", false)) {
      x = reversed(g, x);
    }
    int units = config.integer("units", 0);
    boolean sequences = config.flag("return_sequences", false);
    if (kind.equals("GRU")) {
      return gru(call, x, units, sequences);
    }
    Value all = kind.equals("LSTM") ? lstm(call, x, units) : simple(call, x, units);
    return sequences ? all : g.reshape(g.slice(all, 1, all.size(1) - 1, 1), x.size(0), units);
  }

  private static Value reversed(Graph g, Value x) {
    return g.op("REVERSE_V2", "ReverseV2Options", Graph.NONE, x.shape, x, g.constant("axis", 1));
  }

  private static Part cell(Call call) {
    String inside = call.part().archive();
    return new Part(call.part().names(), inside.isEmpty() ? "cell" : inside + "/cell");
  }

  /** One gate of a matrix [in, gates * units] as [units, in]. */
  private static float[] gate(float[] matrix, int gates, int gate, int units) {
    int in = matrix.length / (gates * units);
    float[] result = new float[units * in];
    for (int u = 0; u < units; u++) {
      for (int i = 0; i < in; i++) {
        result[u * in + i] = matrix[i * gates * units + gate * units + u];
      }
    }
    return result;
  }

  /** Keras and TensorFlow Lite both have the gates in the order input, forget, cell, output. */
  private static Value lstm(Call call, Value x, int units) {
    activations(call, "sigmoid", call.network().keras3() ? "sigmoid" : "hard_sigmoid");
    Graph g = call.graph();
    Part cell = cell(call);
    int in = x.channels();
    float[] kernel = call.weight(cell, "kernel", 0, in, 4 * units).values();
    float[] recurrent = call.weight(cell, "recurrent_kernel", 1, units, 4 * units).values();
    float[] bias =
        call.config().flag("use_bias", true)
            ? call.weight(cell, "bias", 2, 4 * units).values()
            : new float[4 * units];
    Value[] inputs = new Value[24];
    inputs[0] = x;
    String[] names = {"input", "forget", "cell", "output"};
    for (int i = 0; i < 4; i++) {
      inputs[1 + i] = g.constant(names[i] + "_kernel", gate(kernel, 4, i, units), units, in);
      inputs[5 + i] =
          g.constant(names[i] + "_recurrent_kernel", gate(recurrent, 4, i, units), units, units);
      inputs[12 + i] =
          g.constant(
              names[i] + "_bias", Arrays.copyOfRange(bias, i * units, (i + 1) * units), units);
    }
    inputs[18] = state(g, "output_state", x.size(0), units);
    inputs[19] = state(g, "cell_state", x.size(0), units);
    return g.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UnidirectionalSequenceLSTMOptions",
        Map.of("fused_activation_function", FUSED.get("tanh"), "time_major", false),
        new int[] {x.size(0), x.size(1), units},
        inputs);
  }

  private static void activations(Call call, String recurrent, String otherwise) {
    String activation = Activations.nameOr(call.config().get("activation"), "tanh");
    String given = Activations.nameOr(call.config().get("recurrent_activation"), otherwise);
    if (!activation.equals("tanh") || !given.equals(recurrent)) {
      throw new UnsupportedException(
          "activations " + activation + " and " + given + ", only tanh and " + recurrent + " are");
    }
  }

  private static Value state(Graph g, String name, int batch, int units) {
    Value state = new Value(g.scope + "/" + name, TensorType.FLOAT32, batch, units);
    state.variable = true;
    return state;
  }

  private static Value simple(Call call, Value x, int units) {
    String activation = Activations.nameOr(call.config().get("activation"), "tanh");
    if (!FUSED.containsKey(activation)) {
      throw new UnsupportedException("activation " + activation);
    }
    Graph g = call.graph();
    Part cell = cell(call);
    int in = x.channels();
    float[] kernel = call.weight(cell, "kernel", 0, in, units).values();
    float[] recurrent = call.weight(cell, "recurrent_kernel", 1, units, units).values();
    float[] bias =
        call.config().flag("use_bias", true)
            ? call.weight(cell, "bias", 2, units).values()
            : new float[units];
    return g.op(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "SequenceRNNOptions",
        Map.of("fused_activation_function", FUSED.get(activation), "time_major", false),
        new int[] {x.size(0), x.size(1), units},
        x,
        g.constant("kernel", DenseLayers.transposed(kernel, in, units), units, in),
        g.constant(
            "recurrent_kernel", DenseLayers.transposed(recurrent, units, units), units, units),
        g.constant("bias", bias, units),
        state(g, "state", x.size(0), units));
  }

  private static Value gru(Call call, Value x, int units, boolean sequences) {
    activations(call, "sigmoid", call.network().keras3() ? "sigmoid" : "hard_sigmoid");
    Graph g = call.graph();
    Part cell = cell(call);
    int in = x.channels();
    boolean after = call.config().flag("reset_after", call.network().keras3());
    float[] kernel = call.weight(cell, "kernel", 0, in, 3 * units).values();
    float[] recurrent = call.weight(cell, "recurrent_kernel", 1, units, 3 * units).values();
    float[] inputBias = new float[3 * units];
    float[] innerBias = new float[3 * units];
    if (call.config().flag("use_bias", true)) {
      int[] shape = after ? new int[] {2, 3 * units} : new int[] {3 * units};
      float[] bias = call.weight(cell, "bias", 2, shape).values();
      System.arraycopy(bias, 0, inputBias, 0, 3 * units);
      System.arraycopy(bias, bias.length - 3 * units, innerBias, 0, after ? 3 * units : 0);
    }
    Value weights =
        g.constant("kernel", DenseLayers.transposed(kernel, in, 3 * units), 3 * units, in);
    Value projected = g.dense(x, weights, g.constant("bias", inputBias, 3 * units));
    projected.name = g.scope + "/projected";
    return new GatedLoop(g, projected, units, after)
        .run(DenseLayers.transposed(recurrent, units, 3 * units), innerBias, sequences);
  }

  private static Value bidirectional(Call call) {
    Value forward = direction(call, "layer", "forward", false);
    Value backward =
        direction(
            call,
            call.config().has("backward_layer") ? "backward_layer" : "layer",
            "backward",
            true);
    forward.name = call.graph().scope + "/forward";
    backward.name = call.graph().scope + "/backward";
    String mode = call.config().text("merge_mode", "");
    Graph g = call.graph();
    return switch (mode) {
      case "concat" -> g.concat(List.of(forward, backward), forward.rank() - 1);
      case "sum" -> g.binary("ADD", forward, backward);
      case "mul" -> g.binary("MUL", forward, backward);
      case "ave" -> Activations.times(g, g.binary("ADD", forward, backward), 0.5f);
      default -> throw new UnsupportedException("merge_mode " + mode);
    };
  }

  private static Value direction(Call call, String field, String name, boolean back) {
    Config layer = call.config().object(field);
    Config inner = new Config(layer.object("config").json().deepCopy());
    inner.json().addProperty("go_backwards", back);
    String kind = layer.text("class_name", "");
    if (!Set.of("LSTM", "GRU", "SimpleRNN").contains(kind)) {
      throw new UnsupportedException(kind + " inside");
    }
    Part part = new Part(List.of(name + "_"), name + "_layer");
    Value out = call.inner(kind, inner, part, call.inputs()).build().get(0);
    return back && out.rank() == 3 ? reversed(call.graph(), out) : out;
  }

  /** The layer inside, over all steps at once as if they were samples. */
  private static Value timeDistributed(Call call) {
    Value x = call.x();
    Config layer = call.config().object("layer");
    String kind = layer.text("class_name", "");
    if (ModelConfig.isModel(kind)) {
      throw new UnsupportedException("a model inside");
    }
    List<Integer> merged = new ArrayList<>(List.of(x.size(0) * x.size(1)));
    for (int i = 2; i < x.rank(); i++) {
      merged.add(x.size(i));
    }
    Graph g = call.graph();
    Value steps = g.reshape(x, Graph.ints(merged));
    Value out =
        call.inner(
                kind,
                layer.object("config"),
                Part.of("", "layer"),
                Collections.singletonList(steps))
            .build()
            .get(0);
    int[] shape = new int[out.rank() + 1];
    shape[0] = x.size(0);
    shape[1] = x.size(1);
    System.arraycopy(out.shape, 1, shape, 2, out.rank() - 1);
    return g.reshape(out, shape);
  }
}
