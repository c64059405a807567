package io.narrow.keras.rule;

import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Value;
import io.narrow.keras.simplify.Folding;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Which steps of a sequence count, and which layers mind. */
public final class Masks {
  /** What stands for a score that must not count, before a softmax. */
  public static final float NEVER = -1e9f;

  /** Layers whose output has the mask of their first input. */
  private static final Set<String> PASS =
      Set.of(
          "Activation",
          "ActivityRegularization",
          "AlphaDropout",
          "BatchNormalization",
          "Dense",
          "Dropout",
          "ELU",
          "GaussianDropout",
          "GaussianNoise",
          "GroupNormalization",
          "Identity",
          "LayerNormalization",
          "LeakyReLU",
          "Normalization",
          "PReLU",
          "ReLU",
          "Rescaling",
          "Softmax",
          "SpatialDropout1D",
          "SpatialDropout2D",
          "SpatialDropout3D",
          "ThresholdedReLU",
          "UnitNormalization");

  /** Layers whose result depends on a mask. */
  public static final Set<String> READERS =
      Set.of(
          "AdditiveAttention",
          "Attention",
          "Bidirectional",
          "ConvLSTM1D",
          "ConvLSTM2D",
          "ConvLSTM3D",
          "GRU",
          "GlobalAveragePooling1D",
          "GroupQueryAttention",
          "GroupedQueryAttention",
          "LSTM",
          "MultiHeadAttention",
          "RNN",
          "SimpleRNN",
          "Softmax");

  private Masks() {}

  /** Gives the outputs of a layer the masks that its rule has not set. */
  static List<Value> passed(Call call, List<Value> outputs) {
    List<Value> results = new ArrayList<>();
    for (Value output : outputs) {
      boolean same = call.inputs().contains(output);
      Value mask = PASS.contains(call.kind()) ? call.x().mask : same ? null : output.mask;
      results.add(same ? with(call.graph(), output, mask) : output);
      results.get(results.size() - 1).mask = mask;
    }
    return results;
  }

  /** The same value with another mask. */
  public static Value with(Graph g, Value value, Value mask) {
    if (value.mask == mask) {
      return value;
    }
    Value other = g.op(Folding.SAME, "", Graph.NONE, value.shape, value);
    other.mask = mask;
    return other;
  }

  /** Whether any number of the last axis is not {@code nothing}: which steps have something. */
  public static Value steps(Graph g, Value x, float nothing, boolean keep) {
    Value differs = g.compare("NOT_EQUAL", "NotEqualOptions", x, g.scalar(nothing));
    return g.reduce("REDUCE_ANY", differs, keep, x.rank() - 1);
  }

  /** The mask of what is made element by element from several inputs; null if all steps count. */
  public static Value merged(Call call) {
    List<Value> masks = new ArrayList<>();
    call.inputs().stream().filter(x -> x.mask != null).forEach(x -> masks.add(x.mask));
    // A step that counts in one input counts for Keras 3; in Keras 2 it must in all that have
    // masks.
    boolean any = call.network().keras3();
    if (masks.isEmpty() || any && masks.size() < call.inputs().size()) {
      return null;
    }
    Value result = masks.get(0);
    for (Value mask : masks.subList(1, masks.size())) {
      result = mask == result ? result : both(call.graph(), result, mask, any);
    }
    return result;
  }

  public static Value both(Graph g, Value a, Value b, boolean any) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return any
        ? g.compare("LOGICAL_OR", "LogicalOrOptions", a, b)
        : g.compare("LOGICAL_AND", "LogicalAndOptions", a, b);
  }

  /** The mask of inputs that are put one after the other; null if all steps count. */
  public static Value concatenated(Call call, int axis) {
    List<Value> inputs = call.inputs();
    Graph g = call.graph();
    if (inputs.stream().allMatch(x -> x.mask == null)) {
      return null;
    }
    boolean any = call.network().keras3();
    if (axis != 1) {
      if (any && inputs.stream().anyMatch(x -> x.mask == null)) {
        return null; // what has no mask counts
      }
      return inputs.stream().map(x -> x.mask).reduce(null, (a, b) -> both(g, a, b, any));
    }
    List<Value> masks = new ArrayList<>();
    inputs.forEach(x -> masks.add(x.mask != null ? x.mask : all(g, x)));
    return g.concat(masks, 1);
  }

  private static Value all(Graph g, Value x) {
    Value ones = g.zeros(x, x.size(0), x.size(1));
    return g.compare("EQUAL", "EqualOptions", ones, g.scalar(0));
  }

  /**
   * bool [queries, keys]: whether a key is not after the query, and nearer to it than {@code
   * window} if that is positive; null if neither is asked.
   */
  public static Value near(Graph g, int queries, int keys, boolean causal, int window) {
    if (!causal && window <= 0) {
      return null;
    }
    int[] ones = new int[queries * keys];
    Arrays.setAll(
        ones,
        i -> {
          int distance = i / keys - i % keys;
          boolean counts =
              !(causal && distance < 0) && !(window > 0 && Math.abs(distance) >= window);
          return counts ? 1 : 0;
        });
    return Value.of(g.scope + "/near", TensorType.BOOL, ones, queries, keys);
  }
}
