package io.narrow.keras.layers;

import io.narrow.keras.config.Arguments;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Masks;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Attention by scalar products, of one head or of many. */
final class AttentionLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "AdditiveAttention", AttentionLayers::oneHead,
          "Attention", AttentionLayers::oneHead,
          "GroupQueryAttention", AttentionLayers::manyHeads,
          "GroupedQueryAttention", AttentionLayers::manyHeads,
          "MultiHeadAttention", AttentionLayers::manyHeads);

  private AttentionLayers() {}

  /** What both kinds can be asked for when they are called. */
  private record Asked(boolean causal, boolean scores) {
    static Asked of(Call call, int causalPlace, int scoresPlace) {
      return new Asked(
          call.arguments().flag(causalPlace, "use_causal_mask"),
          call.arguments().flag(scoresPlace, "return_attention_scores"));
    }
  }

  /**
   * @param heads of the queries
   * @param groups heads of keys and values, of which each serves several of the queries
   */
  private record Heads(int heads, int groups, int size, int valueSize) {
    static Heads of(Config config) {
      if (config.has("num_query_heads")) {
        int size = config.integer("head_dim", 1);
        int heads = config.integer("num_query_heads", 1);
        return new Heads(heads, config.integer("num_key_value_heads", 1), size, size);
      }
      int heads = config.integer("num_heads", 1);
      int size = config.integer("key_dim", 1);
      return new Heads(heads, heads, size, config.integer("value_dim", size));
    }
  }

  private static List<Value> manyHeads(Call call) {
    Config config = call.config();
    Graph g = call.graph();
    Arguments arguments = call.arguments();
    Value query = arguments.value(0, "query");
    Value value = arguments.value(1, "value");
    if (query == null || value == null) {
      throw new IllegalStateException("it needs a query and a value");
    }
    Value key = arguments.value(2, "key");
    key = key == null ? value : key;
    Heads heads = Heads.of(config);
    Asked asked = Asked.of(call, 9, 7);
    int[] axes = attended(config, query.rank());
    Value mask = mask(call, query, value, key, asked.causal());
    if (query.rank() != 3 && (mask != null || asked.scores())) {
      throw new UnsupportedException("a mask or scores for more than one axis");
    }
    Value q = grouped(g, project(call, "query", query, heads.heads(), heads.size()), axes, heads);
    Value k = grouped(g, project(call, "key", key, heads.groups(), heads.size()), axes, heads);
    Value v =
        grouped(g, project(call, "value", value, heads.groups(), heads.valueSize()), axes, heads);
    Value scaled = Activations.times(g, q, (float) (1 / Math.sqrt(heads.size())));
    Value scores = Algebra.multiply(g, scaled, k, false, true);
    // A query for which no key counts: the layer Softmax makes zeros of its scores.
    boolean layer = asked.scores() || config.number("dropout", 0) > 0;
    Value weights = masked(g, scores, mask, heads, layer);
    Value mixed = Algebra.multiply(g, weights, v, false, false);
    Value joined = joined(g, mixed, query, axes, heads);
    if (config.flag("use_gate", false)) {
      Value gate = project(call, "gate", query, heads.heads(), heads.valueSize());
      Value open = g.unary("LOGISTIC", "", g.reshape(gate, joined.shape));
      joined = g.binary("MUL", joined, open);
    }
    Value output = output(call, joined, heads);
    output.mask = query.mask;
    if (!asked.scores()) {
      return List.of(output);
    }
    int[] shape = {query.size(0), heads.heads(), query.size(1), key.size(1)};
    return List.of(output, g.reshape(weights, shape));
  }

  /** The axes that are attended to, all between batch and channels if none are named. */
  private static int[] attended(Config config, int rank) {
    if (config.has("attention_axes")) {
      int[] axes = config.integers("attention_axes");
      Arrays.setAll(axes, i -> axes[i] < 0 ? axes[i] + rank : axes[i]);
      return axes;
    }
    int[] axes = new int[rank - 2];
    Arrays.setAll(axes, i -> i + 1);
    return axes;
  }

  /** bool [batch, queries, keys] or what broadcasts to it, null if everything counts. */
  private static Value mask(Call call, Value query, Value value, Value key, boolean causal) {
    Graph g = call.graph();
    Arguments arguments = call.arguments();
    Value near =
        Masks.near(
            g, query.size(1), value.size(1), causal, call.config().integer("sliding_window", 0));
    Value mask = near;
    if (query.mask != null) {
      Value rows = g.reshape(query.mask, query.size(0), query.size(1), 1);
      mask = Masks.both(g, rows, mask, false);
    }
    for (Value columns :
        key == value ? new Value[] {value.mask} : new Value[] {value.mask, key.mask}) {
      if (columns != null) {
        Value all = g.reshape(columns, columns.size(0), 1, columns.size(1));
        mask = Masks.both(g, mask, all, false);
      }
    }
    Value given = arguments.value(6, "attention_mask");
    return given == null ? mask : Masks.both(g, mask, g.cast(given, TensorType.BOOL), false);
  }

  private static Value masked(Graph g, Value scores, Value mask, Heads heads, boolean layer) {
    if (mask == null) {
      return Activations.softmax(g, scores);
    }
    int queries = mask.rank() > 1 ? scores.size(2) * heads.groups() / heads.heads() : 1;
    int[] shape = {scores.size(0), heads.heads(), queries, scores.size(3)};
    Value counts =
        mask.rank() == 3 ? g.reshape(mask, mask.size(0), 1, mask.size(1), mask.size(2)) : mask;
    Value all = g.select(counts, g.reshape(scores, shape), g.scalar(Masks.NEVER));
    Value weights = Activations.softmax(g, all);
    return g.reshape(layer ? g.select(counts, weights, g.scalar(0)) : weights, scores.shape);
  }

  /**
   * [batch, axes, heads, size] as [batch, other axes times groups, attended axes, size]; queries
   * that share a key follow each other in the axis before the last.
   */
  private static Value grouped(Graph g, Value x, int[] axes, Heads heads) {
    int[] order = order(x.rank(), axes);
    Value turned = g.transpose(x, order);
    int others = 1;
    for (int i = 1; i < x.rank() - 2 - axes.length; i++) {
      others *= turned.size(i);
    }
    int groups = others * heads.groups();
    return g.reshape(
        turned, x.size(0), groups, x.elements(1) / groups / x.channels(), x.channels());
  }

  /** Batch, axes that are not attended, heads, attended axes, size. */
  private static int[] order(int rank, int[] axes) {
    List<Integer> order = new ArrayList<>(List.of(0));
    for (int i = 1; i < rank - 2; i++) {
      int axis = i;
      if (Arrays.stream(axes).noneMatch(a -> a == axis)) {
        order.add(i);
      }
    }
    order.add(rank - 2);
    Arrays.stream(axes).forEach(order::add);
    order.add(rank - 1);
    return Shapes.ints(order);
  }

  /** Back to [batch, axes, heads * size]. */
  private static Value joined(Graph g, Value mixed, Value query, int[] axes, Heads heads) {
    int rank = query.rank() + 1;
    int[] order = order(rank, axes);
    int[] whole = Shapes.inserted(query.shape, rank - 2, heads.heads());
    whole[rank - 1] = heads.valueSize();
    int[] turned = new int[rank];
    int[] back = new int[rank];
    for (int i = 0; i < rank; i++) {
      turned[i] = whole[order[i]];
      back[order[i]] = i;
    }
    Value apart = g.transpose(g.reshape(mixed, turned), back);
    int[] shape = query.shape.clone();
    shape[rank - 2] = heads.heads() * heads.valueSize();
    return g.reshape(apart, shape);
  }

  private static Part part(Call call, String name, String archive) {
    return Cells.inside(call.part(), name, archive);
  }

  /** [batch, axes, channels] as [batch, axes, heads, size]. */
  private static Value project(Call call, String name, Value x, int heads, int size) {
    Part part = part(call, name, name + "_dense");
    Floats kernel = call.weight(part, "kernel", 0, x.channels(), heads, size).floats();
    Value all = dense(call, part, name, x, kernel, heads * size, heads, size);
    int[] shape = Shapes.inserted(x.shape, x.rank() - 1, heads);
    shape[x.rank()] = size;
    return call.graph().reshape(all, shape);
  }

  private static Value dense(
      Call call, Part part, String name, Value x, Floats kernel, int out, int... biasShape) {
    Graph g = call.graph();
    Value weights =
        g.constant(name + "/kernel", kernel.transposed(x.channels(), out), out, x.channels());
    Value bias =
        call.config().flag("use_bias", true)
            ? g.constant(name + "/bias", call.weight(part, "bias", 1, biasShape).floats(), out)
            : null;
    return Algebra.dense(g, x, weights, bias);
  }

  private static Value output(Call call, Value joined, Heads heads) {
    Part part = part(call, "attention_output", "output_dense");
    int[] asked = call.config().integers("output_shape");
    int[] shape = new int[2 + Math.max(1, asked.length)];
    Arrays.fill(shape, -1);
    shape[0] = heads.heads();
    shape[1] = heads.valueSize();
    Floats kernel = call.weight(part, "kernel", 0, shape).floats();
    int out = kernel.size() / joined.channels();
    int[] biasShape = asked.length == 0 ? new int[] {out} : asked;
    Value y = dense(call, part, "attention_output", joined, kernel, out, biasShape);
    if (asked.length < 2) {
      return y;
    }
    int[] whole = Arrays.copyOf(y.shape, y.rank() - 1 + asked.length);
    System.arraycopy(asked, 0, whole, y.rank() - 1, asked.length);
    return call.graph().reshape(y, whole);
  }

  private static List<Value> oneHead(Call call) {
    List<Value> inputs = Arguments.values(call.arguments().get(0, "inputs"));
    if (inputs.size() < 2) {
      throw new IllegalStateException("it needs a query and a value");
    }
    Graph g = call.graph();
    Value query = inputs.get(0);
    Value value = inputs.get(1);
    Value key = inputs.size() > 2 ? inputs.get(2) : value;
    Asked asked = Asked.of(call, 4, 3);
    List<Value> given = Arguments.values(call.arguments().get(1, "mask"));
    Value queryMask = given.isEmpty() ? query.mask : given.get(0);
    Value valueMask = given.size() < 2 ? value.mask : given.get(1);
    Value scores =
        call.kind().equals("Attention") ? scores(call, query, key) : sums(call, query, key);
    Value mask = Masks.near(g, query.size(1), value.size(1), asked.causal(), 0);
    if (valueMask != null) {
      Value columns = g.reshape(valueMask, value.size(0), 1, value.size(1));
      mask = Masks.both(g, mask, columns, false);
    }
    if (mask != null) {
      scores = g.select(mask, scores, Activations.plus(g, scores, Masks.NEVER));
    }
    Value weights = Activations.softmax(g, scores);
    Value output = Algebra.multiply(g, weights, value, false, false);
    if (queryMask != null) {
      Value rows = g.reshape(queryMask, query.size(0), query.size(1), 1);
      output = g.select(rows, output, g.scalar(0));
    }
    output.mask = queryMask;
    return asked.scores() ? List.of(output, weights) : List.of(output);
  }

  private static Value scores(Call call, Value query, Value key) {
    Graph g = call.graph();
    String mode = call.config().text("score_mode", "dot");
    boolean scaled = call.config().flag("use_scale", false);
    Value scale = scaled ? g.constant("scale", call.weight("scale", 0)) : null;
    if (mode.equals("dot")) {
      Value scores = Algebra.multiply(g, query, key, false, true);
      return scaled ? g.binary("MUL", scores, scale) : scores;
    }
    if (!mode.equals("concat")) {
      throw new UnsupportedException("score_mode " + mode);
    }
    Value pairs = pairs(g, query, key);
    Value curved = g.unary("TANH", "", scaled ? g.binary("MUL", pairs, scale) : pairs);
    Value weight =
        g.constant("concat_score_weight", call.weight("concat_score_weight", scaled ? 1 : 0));
    return g.binary("MUL", g.reduce("SUM", curved, false, 3), weight);
  }

  /** Of AdditiveAttention. */
  private static Value sums(Call call, Value query, Value key) {
    Graph g = call.graph();
    Value curved = g.unary("TANH", "", pairs(g, query, key));
    if (call.config().flag("use_scale", true)) {
      int size = query.channels();
      curved = g.binary("MUL", curved, g.constant("scale", call.weight("scale", 0, size), size));
    }
    return g.reduce("SUM", curved, false, 3);
  }

  /** Sums of every query with every key: [batch, queries, keys, size]. */
  private static Value pairs(Graph g, Value query, Value key) {
    Value rows = g.reshape(query, query.size(0), query.size(1), 1, query.channels());
    Value columns = g.reshape(key, key.size(0), 1, key.size(1), key.channels());
    return g.binary("ADD", rows, columns);
  }
}
