package io.narrow.keras.simplify;

import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Encoding;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a graph smaller as TensorFlow's converter does: scales and offsets by channel go into the
 * weights and biases of the operator before or after them, activations into the operator before
 * them. Constants belong to one operator, so they are changed where they are.
 */
public final class Folding {
  /** Stands for a value that is another one with another mask; no operator of TensorFlow Lite. */
  public static final String SAME = "SAME";

  /**
   * An operator with weights, which come second.
   *
   * @param channels axis of the output channels of the weights
   * @param bias place of the bias
   */
  private record Linear(int channels, int bias) {}

  private static final Map<String, Linear> LINEAR =
      Map.of(
          "CONV_2D", new Linear(0, 2),
          "FULLY_CONNECTED", new Linear(0, 2),
          "DEPTHWISE_CONV_2D", new Linear(3, 2),
          "CONV_3D", new Linear(4, 2),
          "TRANSPOSE_CONV", new Linear(0, 3),
          "CONV_3D_TRANSPOSE", new Linear(3, 3));

  private static final Map<String, Integer> ACTIVATIONS =
      Map.of("RELU", 1, "RELU_N1_TO_1", 2, "RELU6", 3);

  private static final Set<String> WITH_ACTIVATION =
      Set.of(
          "CONV_2D",
          "DEPTHWISE_CONV_2D",
          "FULLY_CONNECTED",
          "CONV_3D",
          "TRANSPOSE_CONV",
          "CONV_3D_TRANSPOSE",
          "ADD",
          "SUB",
          "MUL",
          "DIV",
          "AVERAGE_POOL_2D",
          "MAX_POOL_2D");

  private static final Set<String> FACTORS = Set.of("ADD", "MUL");

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

  public static void run(Graph graph) {
    dropSame(graph);
    graph.bodies.forEach(Folding::dropSame);
    Layout.run(graph);
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

  private static void dropSame(Graph graph) {
    Map<Value, Value> originals = new IdentityHashMap<>();
    graph.ops.removeIf(
        op -> {
          op.inputs.replaceAll(value -> originals.getOrDefault(value, value));
          if (op.kind.equals(SAME)) {
            originals.put(op.output(), op.input(0));
          }
          return op.kind.equals(SAME);
        });
    graph.outputs.replaceAll(value -> originals.getOrDefault(value, value));
  }

  private static void dropUnread(Graph graph) {
    Set<Value> needed = Collections.newSetFromMap(new IdentityHashMap<>());
    needed.addAll(graph.outputs);
    List<Op> kept = new ArrayList<>();
    for (int i = graph.ops.size() - 1; i >= 0; i--) {
      Op op = graph.ops.get(i);
      if (op.outputs.isEmpty() || op.outputs.stream().anyMatch(needed::contains)) {
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
    if (FACTORS.contains(op.kind) && op.output().type == TensorType.FLOAT32) {
      for (int i = 1; i >= 0; i--) {
        Value value = op.input(i);
        Value other = op.input(1 - i);
        boolean perChannel =
            value.floats != null
                && other.floats == null
                && other.rank() > 0
                && value.rank() <= other.rank()
                && (value.floats.size() == 1
                    || value.floats.size() == value.channels()
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
    if (place < 0) {
      return;
    }
    Op before = sole(op.input(1 - place));
    if (before == null || !plain(before)) {
      return;
    }
    float[] factors = op.input(place).floats.values();
    Linear linear = LINEAR.get(before.kind);
    if (linear != null && before.input(1).floats != null) {
      int channels = before.output().channels();
      Value bias = before.input(linear.bias());
      if (bias == null && !scale) {
        bias = addBias(before, linear.bias(), channels);
      }
      Encoding encoding = before.input(1).encoding;
      boolean keepsCodes = encoding == null || encoding.isSymmetric();
      if (bias != null && bias.floats == null || scale && !keepsCodes) {
        return;
      }
      if (scale) {
        Value weights = before.input(1);
        if (encoding != null) {
          weights.encoding = encoding.times(factors, linear.channels());
        }
        weights.floats = weights.floats.times(factors, weights.elements(linear.channels() + 1));
      }
      if (bias != null) {
        bias.floats = Floats.of(combined(bias.floats.values(), factors, scale));
      }
    } else if (before.kind.equals(op.kind) && factors(before) >= 0) {
      int other = factors(before);
      float[] earlier = before.input(other).floats.values();
      boolean wider = earlier.length >= factors.length;
      float[] both = combined(wider ? earlier : factors, wider ? factors : earlier, scale);
      int[] shape = wider ? before.input(other).shape : op.input(place).shape;
      before.inputs.set(other, Value.of(before.input(other).name, Floats.of(both), shape));
    } else {
      return;
    }
    replace(op, op.input(1 - place));
  }

  /** A PAD of just what SAME would add becomes the padding of the convolution after it. */
  private void padding(Op op) {
    boolean window = op.kind.equals("CONV_2D") || op.kind.equals("DEPTHWISE_CONV_2D");
    if (!window || !op.fields.get("padding").equals(Padding.VALID)) {
      return;
    }
    Op pad = producers.get(op.input(0));
    if (pad == null || !pad.kind.equals("PAD")) {
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
    if (amounts[0] + amounts[1] + amounts[6] + amounts[7] > 0) {
      return;
    }
    Value padded = pad.output();
    op.fields.put("padding", Padding.SAME);
    op.inputs.set(0, pad.input(0));
    readers.get(pad.input(0)).add(op);
    readers.get(padded).remove(op);
    if (readers.get(padded).isEmpty() && !graph.outputs.contains(padded)) {
      readers.get(pad.input(0)).remove(pad);
      gone.add(pad);
    }
  }

  private static Value addBias(Op op, int place, int channels) {
    Value bias = Value.of(op.input(1).name + "/bias", Floats.of(new float[channels]), channels);
    while (op.inputs.size() <= place) {
      op.inputs.add(null);
    }
    op.inputs.set(place, bias);
    if (op.kind.equals("FULLY_CONNECTED")) {
      op.version = Algebra.denseVersion(op.output().rank(), true);
    }
    return bias;
  }

  private static float[] combined(float[] values, float[] factors, boolean scale) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float factor = factors[i % factors.length];
      result[i] = scale ? values[i] * factor : values[i] + factor;
    }
    return result;
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
    if (gone.contains(op) || place < 0 || !plain(op)) {
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
        || scale && weights.encoding != null // which has no scale for each of these channels
        || weights.channels() != out.channels()) {
      return;
    }
    float[] factors = op.input(place).floats.values();
    if (scale) {
      weights.floats = weights.floats.times(factors, 1);
    } else {
      // Padding adds zeros after the offset, which no bias can make up for.
      boolean padded = reader.kind.equals("CONV_2D") && reader.fields.get("padding").equals(0);
      if (padded || reader.input(2) == null || reader.input(2).floats == null) {
        return;
      }
      Value bias = reader.input(2);
      bias.floats = Floats.of(offset(weights.floats.values(), factors, bias.floats.values()));
    }
    replace(op, in);
  }

  private static float[] offset(float[] weights, float[] offsets, float[] bias) {
    float[] result = new float[bias.length];
    int inner = weights.length / bias.length;
    for (int o = 0; o < bias.length; o++) {
      double sum = bias[o];
      for (int i = 0; i < inner; i++) {
        sum += (double) weights[o * inner + i] * offsets[i % offsets.length];
      }
      result[o] = (float) sum;
    }
    return result;
  }
}
