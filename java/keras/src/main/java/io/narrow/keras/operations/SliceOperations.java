package io.narrow.keras.operations;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Functions that a model calls on tensors, which choose some of their elements or say where. */
public final class SliceOperations {
  public static final Map<String, Rule> ROWS = rows();

  private SliceOperations() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    Rule.put(rows, SliceOperations::item, "ops.GetItem", "tf.__operators__.getitem");
    Rule.put(rows, SliceOperations::slice, "ops.Slice", "tf.slice");
    Rule.put(rows, SliceOperations::take, "ops.Take", "tf.compat.v1.gather", "tf.gather");
    Rule.put(rows, call -> extreme(call, "ARG_MAX"), "ops.Argmax", "tf.math.argmax");
    Rule.put(rows, call -> extreme(call, "ARG_MIN"), "ops.Argmin", "tf.math.argmin");
    Rule.put(rows, SliceOperations::oneHot, "ops.OneHot", "tf.one_hot");
    rows.put("ops.Split", SliceOperations::split);
    rows.put("tf.split", SliceOperations::split);
    rows.put("ops.Unstack", SliceOperations::unstack);
    rows.put("tf.unstack", SliceOperations::unstack);
    return rows;
  }

  /** x[key], with numbers, slices, an ellipsis, and new axes. */
  private static Value item(Call call) {
    Object key = call.arguments().get(1, call.kind().startsWith("tf.") ? "slice_spec" : "key");
    List<?> keys = key instanceof List<?> list ? list : key == null ? List.of() : List.of(key);
    Value x = call.x();
    int rank = x.rank();
    long taken = keys.stream().filter(k -> !isNew(k) && !isEllipsis(k)).count();
    int[] begins = new int[rank];
    int[] ends = x.shape.clone();
    int[] strides = new int[rank];
    Arrays.fill(strides, 1);
    List<Integer> shape = new ArrayList<>();
    int axis = 0;
    for (Object k : keys) {
      if (isNew(k)) {
        shape.add(1);
      } else if (isEllipsis(k)) {
        for (long rest = rank - taken; rest > 0; rest--) {
          shape.add(x.size(axis++));
        }
      } else if (k instanceof JsonElement json && json.isJsonPrimitive()) {
        begins[axis] = Shapes.axis(x.size(axis), json.getAsInt());
        ends[axis] = begins[axis] + 1;
        axis++;
      } else {
        Config c = slice(k);
        strides[axis] = c.integer("step", 1);
        if (strides[axis] < 1) {
          throw new UnsupportedException("a step of " + strides[axis]);
        }
        begins[axis] = bound(c.integer("start", 0), x.size(axis));
        ends[axis] = bound(c.integer("stop", x.size(axis)), x.size(axis));
        int size = Math.max(0, ends[axis] - begins[axis] + strides[axis] - 1) / strides[axis];
        shape.add(size);
        axis++;
      }
    }
    while (axis < rank) {
      shape.add(x.size(axis++));
    }
    return cut(call, begins, ends, strides, Shapes.ints(shape));
  }

  private static int bound(int place, int size) {
    return Math.max(0, Math.min(size, place < 0 ? place + size : place));
  }

  private static boolean isNew(Object key) {
    return key instanceof JsonElement json
        && (json.isJsonNull() || json.isJsonObject() && json.toString().contains("newaxis"));
  }

  private static boolean isEllipsis(Object key) {
    return key instanceof JsonElement json
        && json.toString().toLowerCase(Locale.ROOT).contains("ellipsis");
  }

  /** Keras 3 has an object of a class around the bounds, Keras 2 has not. */
  private static Config slice(Object key) {
    if (key instanceof Map<?, ?> table) {
      JsonObject bounds = new JsonObject();
      table.forEach(
          (name, value) -> {
            if (value instanceof Value size && size.ints != null) {
              bounds.addProperty((String) name, size.ints[0]);
            } else if (value instanceof JsonElement json) {
              bounds.add((String) name, json);
            } else {
              throw new UnsupportedException("a slice that depends on the input");
            }
          });
      return new Config(bounds);
    }
    if (key instanceof JsonElement json && json.isJsonObject()) {
      return new Config(json.getAsJsonObject()).object("config");
    }
    throw new UnsupportedException("elements that the input chooses");
  }

  private static Value cut(Call call, int[] begins, int[] ends, int[] strides, int[] shape) {
    Value x = call.x();
    Graph g = call.graph();
    if (x.ints != null && x.rank() == 1) {
      int[] part = new int[Math.max(1, shape.length == 0 ? 1 : shape[0])];
      Arrays.setAll(part, i -> x.ints[begins[0] + i * strides[0]]);
      return Value.of(g.scope, part, shape);
    }
    if (x.batched && (begins[0] != 0 || ends[0] != x.size(0) || strides[0] != 1)) {
      g.fix();
    }
    Value part = g.slice(x, begins, ends, strides);
    if (x.batched && (shape.length == 0 || shape[0] != x.size(0))) {
      g.fix();
    }
    return g.reshape(part, shape);
  }

  private static Value slice(Call call) {
    Config c = Operands.parameters(call);
    Object start = call.arguments().get(1, "start_indices");
    int[] begins =
        start instanceof List<?> list
            ? list.stream().mapToInt(e -> ((JsonElement) e).getAsInt()).toArray()
            : c.integers("begin");
    int[] sizes = c.integers(c.has("shape") ? "shape" : "size");
    int[] ends = new int[begins.length];
    int[] strides = new int[begins.length];
    Arrays.fill(strides, 1);
    Arrays.setAll(ends, i -> sizes[i] < 0 ? call.x().size(i) : begins[i] + sizes[i]);
    int[] shape = new int[begins.length];
    Arrays.setAll(shape, i -> ends[i] - begins[i]);
    return cut(call, begins, ends, strides, shape);
  }

  private static Value take(Call call) {
    Config c = Operands.parameters(call);
    Graph g = call.graph();
    Value x = Operands.operand(call, 0, "x", "params");
    Value places = g.cast(Operands.operand(call, 1, "indices"), TensorType.INT32);
    if (!c.has("axis") && call.kind().startsWith("ops.") || c.integer("batch_dims", 0) != 0) {
      throw new UnsupportedException("elements without an axis, or of each sample");
    }
    int axis = Shapes.axis(x.rank(), c.integer("axis", 0));
    if (axis == 0 && x.batched) {
      g.fix();
    }
    int[] shape = new int[x.rank() - 1 + places.rank()];
    System.arraycopy(x.shape, 0, shape, 0, axis);
    System.arraycopy(places.shape, 0, shape, axis, places.rank());
    System.arraycopy(x.shape, axis + 1, shape, axis + places.rank(), x.rank() - axis - 1);
    return g.op("GATHER", "GatherOptions", Map.of("axis", axis), shape, x, places);
  }

  private static Value extreme(Call call, String kind) {
    Config c = Operands.parameters(call);
    Graph g = call.graph();
    if (!c.has("axis") && call.kind().startsWith("ops.")) {
      throw new UnsupportedException("a place without an axis");
    }
    int axis = Shapes.axis(call.x().rank(), c.integer("axis", 0));
    Value out =
        new Value(g.scope + "/place", TensorType.INT32, Shapes.removed(call.x().shape, axis));
    out.batched = call.x().batched && axis > 0;
    String options = kind.equals("ARG_MAX") ? "ArgMaxOptions" : "ArgMinOptions";
    Map<String, Object> fields = Map.of("output_type", TensorType.INT32.code());
    Value where = Value.of(g.scope + "/axis", new int[] {axis});
    g.add(new Op(kind, options, fields, List.of(call.x(), where), out));
    return c.flag("keepdims", false) ? g.reshape(out, Shapes.inserted(out.shape, axis, 1)) : out;
  }

  private static Value oneHot(Call call) {
    Config c = Operands.parameters(call);
    Graph g = call.graph();
    int classes = c.integer("num_classes", c.integer("depth", 0));
    if (c.integer("axis", -1) != -1) {
      throw new UnsupportedException("an axis other than the last");
    }
    Value x = g.cast(call.x(), TensorType.INT32);
    Value out = new Value(g.scope, TensorType.FLOAT32, Shapes.inserted(x.shape, x.rank(), classes));
    out.batched = x.batched;
    Value depth = Value.of(g.scope + "/depth", new int[] {classes});
    List<Value> inputs =
        List.of(
            x,
            depth,
            g.scalar((float) c.number("on_value", 1)),
            g.scalar((float) c.number("off_value", 0)));
    g.add(new Op("ONE_HOT", "OneHotOptions", Map.of("axis", -1), inputs, out));
    return out;
  }

  private static List<Value> split(Call call) {
    Config c = Operands.parameters(call);
    Graph g = call.graph();
    Value x = call.x();
    int axis = Shapes.axis(x.rank(), c.integer("axis", 0));
    JsonElement given =
        c.get(c.has("indices_or_sections") ? "indices_or_sections" : "num_or_size_splits");
    if (!given.isJsonArray()) {
      return g.split(x, axis, Config.integer(given));
    }
    int[] numbers = Config.integers(given, "sections");
    List<Value> parts = new ArrayList<>();
    int from = 0;
    boolean places = c.has("indices_or_sections");
    for (int i = 0; i < numbers.length + (places ? 1 : 0); i++) {
      int to = !places ? from + numbers[i] : i < numbers.length ? numbers[i] : x.size(axis);
      parts.add(g.slice(x, axis, from, to - from));
      from = to;
    }
    return parts;
  }

  private static List<Value> unstack(Call call) {
    Graph g = call.graph();
    Value x = call.x();
    int axis = Shapes.axis(x.rank(), Operands.parameters(call).integer("axis", 0));
    List<Value> parts = new ArrayList<>();
    for (int i = 0; i < x.size(axis); i++) {
      parts.add(g.pick(x, axis, i));
    }
    return parts;
  }
}
