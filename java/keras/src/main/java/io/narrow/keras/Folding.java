package io.narrow.keras;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a graph smaller as TensorFlow's converter does: scales and offsets by channel go into the
 * weights and biases of the operator before or after them, activations into the operator before
 * them. Constants belong to one operator, so they are changed where they are.
 */
final class Folding {
  /** Axis of the output channels of the weights; all have weights second and the bias third. */
  private static final Map<String, Integer> CHANNELS =
      Map.of("CONV_2D", 0, "FULLY_CONNECTED", 0, "DEPTHWISE_CONV_2D", 3, "CONV_3D", 4);

  private static final Map<String, Integer> ACTIVATIONS =
      Map.of("RELU", 1, "RELU_N1_TO_1", 2, "RELU6", 3);

  private static final Set<String> WITH_ACTIVATION =
      Set.of(
          "CONV_2D",
          "DEPTHWISE_CONV_2D",
          "FULLY_CONNECTED",
          "CONV_3D",
          "ADD",
          "SUB",
          "MUL",
          "DIV",
          "AVERAGE_POOL_2D",
          "MAX_POOL_2D");

  static final String ACTIVATION = "fused_activation_function";

  private final Graph graph;
  private final Map<Value, Op> producers = new IdentityHashMap<>();
  private final Map<Value, List<Op>> readers = new IdentityHashMap<>();
  private final Set<Op> gone = Collections.newSetFromMap(new IdentityHashMap<>());

  private Folding(Graph graph) {
    this.graph = graph;
    for (Op op : graph.ops) {
      op.outputs.forEach(value -> producers.put(value, op));
      for (Value value : op.inputs) {
        if (value != null) {
          readers.computeIfAbsent(value, v -> new ArrayList<>()).add(op);
        }
      }
    }
  }

  static void run(Graph graph) {
    Duplicates.drop(graph);
    dropUnread(graph);
    Folding folding = new Folding(graph);
    for (Op op : graph.ops) {
      folding.intoBefore(op);
    }
    for (Op op : graph.ops) {
      folding.padding(op);
    }
    for (Op op : graph.ops) {
      folding.activation(op);
    }
    for (int i = graph.ops.size() - 1; i >= 0; i--) {
      folding.intoAfter(graph.ops.get(i));
    }
    graph.ops.removeIf(folding.gone::contains);
  }

  private static void dropUnread(Graph graph) {
    Set<Value> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    needed.addAll(graph.outputs);
    List<Op> kept = new ArrayList<>();
    for (int i = graph.ops.size() - 1; i >= 0; i--) {
      Op op = graph.ops.get(i);
      if (op.outputs.stream().anyMatch(needed::contains)) {
        needed.addAll(op.inputs);
        kept.add(op);
      }
    }
    Collections.reverse(kept);
    graph.ops.clear();
    graph.ops.addAll(kept);
  }

  /** The operator that computes this value for one reader only, seen through reshapes. */
  private Op sole(Value value) {
    Op op = producers.get(value);
    if (op == null || readers.get(value).size() != 1 || graph.outputs.contains(value)) {
      return null;
    }
    boolean sameChannels =
        op.kind.equals("RESHAPE")
            && value.rank() > 0
            && op.input(0).rank() > 1
            && value.rank() > 1
            && op.input(0).channels() == value.channels();
    return sameChannels ? sole(op.input(0)) : op;
  }

  private static boolean plain(Op op) {
    return op.fields.getOrDefault(ACTIVATION, 0).equals(0);
  }

  /** Place of the input that holds a float constant per channel, or one for all; -1 if none. */
  private static int factors(Op op) {
    if (op.inputs.size() == 2 && op.output().type == TensorType.FLOAT32) {
      for (int i = 1; i >= 0; i--) {
        Value value = op.input(i);
        Value other = op.input(1 - i);
        boolean perChannel =
            value.floats != null
                && other.floats == null
                && other.rank() > 0
                && value.rank() <= other.rank()
                && (value.floats.length == 1
                    || value.floats.length == value.channels()
                        && value.channels() == other.channels());
        if (perChannel) {
          return i;
        }
      }
    }
    return -1;
  }

  /** Folds MUL and ADD into the operator that computes what they change. */
  private void intoBefore(Op op) {
    boolean scale = op.kind.equals("MUL");
    int place = factors(op);
    if (!scale && !op.kind.equals("ADD") || place < 0) {
      return;
    }
    Op before = sole(op.input(1 - place));
    if (before == null || !plain(before)) {
      return;
    }
    float[] factors = op.input(place).floats;
    if (CHANNELS.containsKey(before.kind) && before.input(1).floats != null) {
      int channels = before.output().channels();
      if (before.input(2) == null && !scale) {
        Value bias = Value.of(before.input(1).name + "/bias", new float[channels], channels);
        while (before.inputs.size() < 3) {
          before.inputs.add(null);
        }
        before.inputs.set(2, bias);
        before.version = before.version == 6 ? 1 : before.version;
        if (Boolean.TRUE.equals(before.fields.get("keep_num_dims"))) {
          before.version = 5;
        }
      }
      if (before.input(2) != null && before.input(2).floats == null) {
        return;
      }
      if (scale) {
        int axis = CHANNELS.get(before.kind);
        multiply(before.input(1).floats, factors, before.input(1).elements(axis + 1));
      }
      if (before.input(2) != null) {
        combine(before.input(2).floats, factors, scale);
      }
    } else if (before.kind.equals(op.kind) && factors(before) >= 0) {
      int other = factors(before);
      Value constant = before.input(other);
      float[] wide = constant.floats.length >= factors.length ? constant.floats : factors.clone();
      combine(wide, wide == constant.floats ? factors : constant.floats, scale);
      before.inputs.set(
          other, wide == constant.floats ? constant : Value.of(constant.name, wide, wide.length));
    } else {
      return;
    }
    replace(op, op.input(1 - place));
  }

  /** A PAD of just what SAME would add becomes the padding of the convolution after it. */
  private void padding(Op op) {
    boolean window = op.kind.equals("CONV_2D") || op.kind.equals("DEPTHWISE_CONV_2D");
    if (!window || !op.fields.get("padding").equals(ConvolutionLayers.VALID)) {
      return;
    }
    Op pad = producers.get(op.input(0));
    if (pad == null || !pad.kind.equals("PAD") || sole(op.input(0)) != pad) {
      return;
    }
    int[] amounts = pad.input(1).ints;
    String[] sides = {"h", "w"};
    for (int i = 0; i < 2; i++) {
      int in = pad.input(0).size(i + 1);
      int stride = (Integer) op.fields.get("stride_" + sides[i]);
      int dilation = (Integer) op.fields.getOrDefault("dilation_" + sides[i] + "_factor", 1);
      int reach = (op.input(1).size(i + 1) - 1) * dilation + 1;
      int total = Math.max(0, ((in + stride - 1) / stride - 1) * stride + reach - in);
      if (amounts[2 * i + 2] != total / 2 || amounts[2 * i + 3] != total - total / 2) {
        return;
      }
    }
    if (amounts[0] + amounts[1] + amounts[6] + amounts[7] == 0) {
      op.fields.put("padding", ConvolutionLayers.SAME);
      String name = pad.input(0).name;
      replace(pad, pad.input(0));
      pad.input(0).name = name;
    }
  }

  /** Element k belongs to channel k / inner, modulo the number of channels. */
  private static void multiply(float[] weights, float[] factors, int inner) {
    for (int i = 0; i < weights.length; i++) {
      weights[i] *= factors[i / inner % factors.length];
    }
  }

  private static void combine(float[] values, float[] factors, boolean scale) {
    for (int i = 0; i < values.length; i++) {
      float factor = factors[i % factors.length];
      values[i] = scale ? values[i] * factor : values[i] + factor;
    }
  }

  /** Lets {@code by} stand for the output of an operator that is no longer needed. */
  private void replace(Op op, Value by) {
    Value old = op.output();
    gone.add(op);
    Op producer = producers.get(by);
    if (readers.get(by).size() == 1) {
      // The name of the last layer is the one that users look for.
      by.name = old.name;
    }
    readers.get(by).remove(op);
    for (Op reader : readers.getOrDefault(old, List.of())) {
      reader.inputs.replaceAll(value -> value == old ? by : value);
      readers.get(by).add(reader);
    }
    graph.outputs.replaceAll(value -> value == old ? by : value);
    producers.put(by, producer);
  }

  private void activation(Op op) {
    Integer code = ACTIVATIONS.get(op.kind);
    if (code == null) {
      return;
    }
    Op before = sole(op.input(0));
    if (before != null && WITH_ACTIVATION.contains(before.kind) && plain(before)) {
      before.fields.put(ACTIVATION, code);
      replace(op, op.input(0));
    }
  }

  /** Folds MUL and ADD into the only operator that reads what they give. */
  private void intoAfter(Op op) {
    boolean scale = op.kind.equals("MUL");
    int place = factors(op);
    if (gone.contains(op) || !scale && !op.kind.equals("ADD") || place < 0 || !plain(op)) {
      return;
    }
    Value out = op.output();
    Value in = op.input(1 - place);
    List<Op> after = readers.getOrDefault(out, List.of());
    if (after.size() != 1 || graph.outputs.contains(out) || in.rank() != out.rank()) {
      return;
    }
    Op reader = after.get(0);
    boolean linear = reader.kind.equals("CONV_2D") || reader.kind.equals("FULLY_CONNECTED");
    Value weights = reader.input(1);
    if (!linear
        || reader.input(0) != out
        || weights.floats == null
        || weights.channels() != out.channels()) {
      return;
    }
    float[] factors = op.input(place).floats;
    if (scale) {
      multiply(weights.floats, factors, 1);
    } else {
      // Padding adds zeros after the offset, which no bias can make up for.
      boolean padded = reader.kind.equals("CONV_2D") && reader.fields.get("padding").equals(0);
      if (padded || reader.input(2) == null || reader.input(2).floats == null) {
        return;
      }
      offset(weights.floats, factors, reader.input(2).floats);
    }
    replace(op, in);
  }

  private static void offset(float[] weights, float[] offsets, float[] bias) {
    int inner = weights.length / bias.length;
    for (int o = 0; o < bias.length; o++) {
      double sum = bias[o];
      for (int i = 0; i < inner; i++) {
        sum += (double) weights[o * inner + i] * offsets[i % offsets.length];
      }
      bias[o] = (float) sum;
    }
  }

  /** The values that operators read and write, each once. */
  static Set<Value> values(Graph graph) {
    Set<Value> values = new LinkedHashSet<>(graph.inputs);
    for (Op op : graph.ops) {
      op.inputs.stream().filter(value -> value != null).forEach(values::add);
      values.addAll(op.outputs);
    }
    values.addAll(graph.outputs);
    return values;
  }
}
