package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import io.narrow.keras.Weights.Part;
import java.util.List;
import java.util.Map;

/** Attention by scalar products. */
final class AttentionLayers {
  /** Arguments that are no inputs, but change what a layer does. */
  static final List<String> FLAGS = List.of("use_causal_mask", "return_attention_scores");

  static final Map<String, Rule> ROWS =
      Map.of(
          "MultiHeadAttention", one(AttentionLayers::manyHeads),
          "Attention", one(AttentionLayers::oneHead));

  private AttentionLayers() {}

  private static void noMasks(Call call) {
    for (String name : call.named().keySet()) {
      if (name.contains("mask") || FLAGS.contains(name)) {
        throw new UnsupportedException(name);
      }
    }
  }

  private static Value argument(Call call, String name, int place, Value otherwise) {
    if (call.named().containsKey(name)) {
      return call.named().get(name);
    }
    return place < call.inputs().size() ? call.inputs().get(place) : otherwise;
  }

  private static Value manyHeads(Call call) {
    noMasks(call);
    Config config = call.config();
    if (config.has("attention_axes") && config.integers("attention_axes").length != 1) {
      throw new UnsupportedException("attention_axes");
    }
    Value query = ConvolutionLayers.rank(call, 3);
    Value value = argument(call, "value", 1, query);
    Value key = argument(call, "key", 2, value);
    int heads = config.integer("num_heads", 1);
    int size = config.integer("key_dim", 1);
    int valueSize = config.integer("value_dim", size);
    Graph g = call.graph();
    Value q = project(call, "query", query, heads, size);
    Value k = project(call, "key", key, heads, size);
    Value v = project(call, "value", value, heads, valueSize);
    Value scaled = Activations.times(g, q, (float) (1 / Math.sqrt(size)));
    Value scores = MergeLayers.multiply(g, scaled, k, false, true);
    Value mixed = MergeLayers.multiply(g, Activations.softmax(g, scores), v, false, false);
    Value turned = g.transpose(mixed, 0, 2, 1, 3);
    Value joined = g.reshape(turned, query.size(0), query.size(1), heads * valueSize);
    Part part = part(call, "attention_output", "output_dense");
    float[] kernel = call.weight(part, "kernel", 0, heads, valueSize, -1).values();
    int out = kernel.length / (heads * valueSize);
    Value weights =
        g.constant(
            "attention_output/kernel",
            DenseLayers.transposed(kernel, heads * valueSize, out),
            out,
            heads * valueSize);
    Value bias =
        config.flag("use_bias", true)
            ? g.constant("attention_output/bias", call.weight(part, "bias", 1, out).values(), out)
            : null;
    return g.dense(joined, weights, bias);
  }

  private static Part part(Call call, String name, String archive) {
    String inside = call.part().archive();
    return new Part(List.of(name), inside.isEmpty() ? archive : inside + "/" + archive);
  }

  /** [batch, steps, channels] as [batch, heads, steps, size]. */
  private static Value project(Call call, String name, Value x, int heads, int size) {
    Graph g = call.graph();
    Part part = part(call, name, name + "_dense");
    float[] kernel = call.weight(part, "kernel", 0, x.channels(), heads, size).values();
    Value weights =
        g.constant(
            name + "/kernel",
            DenseLayers.transposed(kernel, x.channels(), heads * size),
            heads * size,
            x.channels());
    Value bias =
        call.config().flag("use_bias", true)
            ? g.constant(
                name + "/bias", call.weight(part, "bias", 1, heads, size).values(), heads * size)
            : null;
    Value all = g.dense(x, weights, bias);
    return g.transpose(g.reshape(all, x.size(0), x.size(1), heads, size), 0, 2, 1, 3);
  }

  private static Value oneHead(Call call) {
    noMasks(call);
    if (!call.config().text("score_mode", "dot").equals("dot")) {
      throw new UnsupportedException("score_mode " + call.config().text("score_mode", ""));
    }
    if (call.inputs().size() < 2) {
      throw new IllegalStateException("it needs a query and a value");
    }
    Graph g = call.graph();
    Value value = call.inputs().get(1);
    Value key = call.inputs().size() > 2 ? call.inputs().get(2) : value;
    Value scores = MergeLayers.multiply(g, call.x(), key, false, true);
    if (call.config().flag("use_scale", false)) {
      scores = Activations.times(g, scores, call.weight("scale", 0).values()[0]);
    }
    return MergeLayers.multiply(g, Activations.softmax(g, scores), value, false, false);
  }
}
