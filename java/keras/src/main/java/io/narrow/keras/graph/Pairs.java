package io.narrow.keras.graph;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * QUANTIZE and DEQUANTIZE one after the other, as TensorFlow's converter writes fake quantization
 * where it is not asked to quantize.
 */
public final class Pairs {
  private Pairs() {}

  /** Appends a pair to what a graph computes. */
  public static Value of(Graph graph, Value x, Encoding encoding) {
    Value codes = new Value(graph.scope + "/quantized", TensorType.UINT8, x.shape);
    Value result = new Value(graph.scope + "/dequantized", TensorType.FLOAT32, x.shape);
    codes.encoding = encoding;
    for (Value value : List.of(codes, result)) {
      value.batched = x.batched;
    }
    boolean byChannel = encoding.scales().length > 1;
    graph.add(
        new Op("QUANTIZE", "QuantizeOptions", Graph.NONE, List.of(x), codes)
            .version(byChannel ? 3 : 1));
    graph.add(
        new Op("DEQUANTIZE", "DequantizeOptions", Graph.NONE, List.of(codes), result)
            .version(byChannel ? 5 : 1));
    result.mask = x.mask;
    return result;
  }

  /** Puts a pair behind each constant that has an encoding. */
  public static void put(Graph graph) {
    List<Op> ops = List.copyOf(graph.ops);
    graph.ops.clear();
    Map<Value, Value> known = new IdentityHashMap<>();
    for (Op op : ops) {
      for (Value value : new ArrayList<>(op.inputs)) {
        if (value != null && value.floats != null && value.encoding != null) {
          graph.scope = value.name;
          Value behind = known.computeIfAbsent(value, v -> of(graph, v, v.encoding));
          op.inputs.replaceAll(input -> input == value ? behind : input);
        }
      }
      graph.add(op);
    }
  }
}
