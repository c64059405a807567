package io.narrow.keras;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.Call.UnsupportedException;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Functions that a model calls on tensors, which move elements, choose or multiply them. */
final class ShapeOperations {
  static final Map<String, Rule> ROWS = rows();

  private ShapeOperations() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    one(rows, ShapeOperations::reshape, "ops.Reshape", "tf.reshape");
    one(rows, ShapeOperations::flat, "ops.Ravel");
    one(
        rows,
        ShapeOperations::transpose,
        "ops.Transpose",
        "tf.transpose",
        "tf.compat.v1.transpose");
    one(rows, ShapeOperations::swap, "ops.Swapaxes");
    one(rows, ShapeOperations::move, "ops.Moveaxis");
    one(rows, ShapeOperations::expand, "ops.ExpandDims", "tf.expand_dims");
    one(rows, ShapeOperations::squeeze, "ops.Squeeze", "tf.squeeze", "tf.compat.v1.squeeze");
    one(rows, ShapeOperations::concatenate, "ops.Concatenate", "tf.concat");
    one(rows, ShapeOperations::stack, "ops.Stack", "tf.stack");
    one(rows, ShapeOperations::tile, "ops.Tile", "tf.tile");
    one(rows, ShapeOperations::repeat, "ops.Repeat", "tf.repeat");
    one(rows, ShapeOperations::flip, "ops.Flip", "tf.reverse");
    one(rows, ShapeOperations::roll, "ops.Roll", "tf.roll");
    one(rows, ShapeOperations::pad, "ops.Pad", "tf.compat.v1.pad", "tf.pad");
    one(rows, ShapeOperations::item, "ops.GetItem", "tf.__operators__.getitem");
    one(rows, ShapeOperations::slice, "ops.Slice", "tf.slice");
    one(rows, ShapeOperations::shape, "tf.shape", "tf.compat.v1.shape");
    one(rows, ShapeOperations::matmul, "ops.Matmul", "tf.linalg.matmul");
    one(rows, ShapeOperations::einsum, "ops.Einsum", "tf.einsum");
    one(rows, ShapeOperations::take, "ops.Take", "tf.compat.v1.gather", "tf.gather");
    one(rows, call -> extreme(call, "ARG_MAX"), "ops.Argmax", "tf.math.argmax");
    one(rows, call -> extreme(call, "ARG_MIN"), "ops.Argmin", "tf.math.argmin");
    one(rows, ShapeOperations::oneHot, "ops.OneHot", "tf.one_hot");
    one(rows, call -> fill(call, 0), "ops.ZerosLike", "tf.zeros_like", "tf.compat.v1.zeros_like");
    one(rows, call -> fill(call, 1), "ops.OnesLike", "tf.ones_like", "tf.compat.v1.ones_like");
    one(rows, ShapeOperations::deeper, "ops.SpaceToDepth", "tf.nn.space_to_depth");
    one(rows, ShapeOperations::wider, "ops.DepthToSpace", "tf.nn.depth_to_space");
    one(rows, ShapeOperations::resize, "ops.Resize", "tf.image.resize");
    one(rows, call -> pool(call, "Max"), "ops.MaxPool");
    one(rows, call -> pool(call, "Average"), "ops.AveragePool");
    rows.put("ops.Split", ShapeOperations::split);
    rows.put("tf.split", ShapeOperations::split);
    rows.put("ops.Unstack", ShapeOperations::unstack);
    rows.put("tf.unstack", ShapeOperations::unstack);
    return rows;
  }

  private static void one(
      Map<String, Rule> rows, java.util.function.Function<Call, Value> function, String... names) {
    Operations.add(rows, names, 0, function);
  }

  private static Value reshape(Call call) {
    Config c = Operations.parameters(call);
    int[] target = c.integers(c.has("newshape") ? "newshape" : "shape");
    Value x = call.x();
    int known = 1;
    int open = -1;
    int whole = x.elements(0);
    for (int i = 0; i < target.length; i++) {
      // The batch is open in the file; here it has the size it has now.
      if (target[i] == -1) {
        open = open < 0 ? i : open;
      } else {
        known = Math.multiplyExact(known, target[i]);
      }
    }
    if (open >= 0 && known > 0) {
      target[open] = whole / known;
    }
    if (Arrays.stream(target).reduce(1, Math::multiplyExact) != whole) {
      throw new IllegalStateException(Arrays.toString(target) + " does not fit its input " + x);
    }
    return call.graph().reshape(x, target);
  }

  private static Value flat(Call call) {
    return call.graph().reshape(call.x(), call.x().elements(0));
  }

  private static Value transpose(Call call) {
    Config c = Operations.parameters(call);
    int rank = call.x().rank();
    int[] order = new int[rank];
    Arrays.setAll(order, i -> rank - 1 - i);
    String field = c.has("axes") ? "axes" : "perm";
    return ordered(call, c.has(field) ? c.integers(field) : order);
  }

  private static Value ordered(Call call, int... order) {
    if (call.x().batched && order[0] != 0) {
      call.graph().fix();
    }
    return call.graph().transpose(call.x(), order);
  }

  private static Value swap(Call call) {
    int rank = call.x().rank();
    int a = Graph.axis(rank, call.config().integer("axis1", 0));
    int b = Graph.axis(rank, call.config().integer("axis2", 0));
    int[] order = new int[rank];
    Arrays.setAll(order, i -> i == a ? b : i == b ? a : i);
    return ordered(call, order);
  }

  private static Value move(Call call) {
    int rank = call.x().rank();
    int[] from = call.config().integers("source");
    int[] to = call.config().integers("destination");
    Integer[] places = new Integer[rank];
    List<Integer> rest = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      rest.add(i);
    }
    for (int i = 0; i < from.length; i++) {
      int axis = Graph.axis(rank, from[i]);
      places[Graph.axis(rank, to[i])] = axis;
      rest.remove((Integer) axis);
    }
    int[] order = new int[rank];
    for (int i = 0; i < rank; i++) {
      order[i] = places[i] == null ? rest.remove(0) : places[i];
    }
    return ordered(call, order);
  }

  private static Value expand(Call call) {
    int[] axes = Operations.parameters(call).integers("axis");
    int[] shape = call.x().shape;
    for (int axis : axes) {
      shape = Graph.inserted(shape, Graph.axis(shape.length + 1, axis), 1);
    }
    return reshaped(call, shape);
  }

  private static Value reshaped(Call call, int... shape) {
    Value x = call.x();
    if (x.ints != null) {
      return Value.of(x.name, x.ints, shape);
    }
    if (x.batched && (shape.length == 0 || shape[0] != x.size(0))) {
      call.graph().fix();
    }
    return call.graph().reshape(x, shape);
  }

  private static Value squeeze(Call call) {
    Config c = Operations.parameters(call);
    int rank = call.x().rank();
    int[] axes = Graph.axes(rank, c.integers("axis"));
    List<Integer> shape = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      int axis = i;
      boolean gone =
          axes.length == 0
              ? i > 0 && call.x().size(i) == 1
              : Arrays.stream(axes).anyMatch(a -> a == axis);
      if (!gone) {
        shape.add(call.x().size(i));
      } else if (call.x().size(i) != 1) {
        throw new IllegalStateException("axis " + i + " of its input " + call.x() + " is not 1");
      }
    }
    return reshaped(call, Graph.ints(shape));
  }

  private static Value concatenate(Call call) {
    List<Value> values = new ArrayList<>(call.inputs());
    int axis = Operations.parameters(call).integer("axis", 0);
    return call.graph().concat(values, Graph.axis(values.get(0).rank(), axis));
  }

  private static Value stack(Call call) {
    Graph g = call.graph();
    int axis = Operations.parameters(call).integer("axis", 0);
    List<Value> parts = new ArrayList<>();
    for (Value value : call.inputs()) {
      int place = Graph.axis(value.rank() + 1, axis);
      if (place == 0 && value.batched) {
        g.fix();
      }
      parts.add(g.reshape(value, Graph.inserted(value.shape, place, 1)));
    }
    return g.concat(parts, Graph.axis(parts.get(0).rank(), axis));
  }

  private static Value tile(Call call) {
    Config c = Operations.parameters(call);
    int[] times = c.integers(c.has("repeats") ? "repeats" : "multiples");
    Value x = call.x();
    int[] all = new int[Math.max(times.length, x.rank())];
    Arrays.fill(all, 1);
    System.arraycopy(times, 0, all, all.length - times.length, times.length);
    int[] shape = new int[all.length];
    Arrays.fill(shape, 1);
    System.arraycopy(x.shape, 0, shape, all.length - x.rank(), x.rank());
    return tiled(call, reshaped(call, shape), all);
  }

  private static Value tiled(Call call, Value x, int... times) {
    if (times[0] != 1 && x.batched) {
      call.graph().fix();
    }
    int[] shape = x.shape.clone();
    Arrays.setAll(shape, i -> x.shape[i] * times[i]);
    Graph g = call.graph();
    return g.op("TILE", "TileOptions", Graph.NONE, shape, x, g.constant("times", times));
  }

  private static Value repeat(Call call) {
    Config c = Operations.parameters(call);
    int[] times = c.integers("repeats");
    if (!c.has("axis") || times.length != 1) {
      throw new UnsupportedException("repeats without an axis or of different number");
    }
    Value x = call.x();
    int axis = Graph.axis(x.rank(), c.integer("axis", 0));
    int[] all = new int[x.rank() + 1];
    Arrays.fill(all, 1);
    all[axis + 1] = times[0];
    Value apart = call.graph().reshape(x, Graph.inserted(x.shape, axis + 1, 1));
    int[] shape = x.shape.clone();
    shape[axis] *= times[0];
    if (axis == 0 && x.batched) {
      call.graph().fix();
    }
    return call.graph().reshape(tiled(call, apart, all), shape);
  }

  private static Value flip(Call call) {
    Config c = Operations.parameters(call);
    Value x = call.x();
    int[] axes = new int[x.rank()];
    Arrays.setAll(axes, i -> i);
    axes = c.has("axis") ? Graph.axes(x.rank(), c.integers("axis")) : axes;
    Graph g = call.graph();
    return g.op("REVERSE_V2", "ReverseV2Options", Graph.NONE, x.shape, x, g.constant("axes", axes));
  }

  private static Value roll(Call call) {
    Config c = Operations.parameters(call);
    int[] shifts = c.integers("shift");
    int[] axes = c.integers("axis");
    if (axes.length != shifts.length) {
      throw new UnsupportedException("a shift without an axis");
    }
    Graph g = call.graph();
    Value x = call.x();
    for (int i = 0; i < axes.length; i++) {
      int axis = Graph.axis(x.rank(), axes[i]);
      int shift = Math.floorMod(shifts[i], x.size(axis));
      if (shift > 0) {
        int kept = x.size(axis) - shift;
        x = g.concat(List.of(g.slice(x, axis, kept, shift), g.slice(x, axis, 0, kept)), axis);
      }
    }
    return x;
  }

  private static Value pad(Call call) {
    Config c = Operations.parameters(call);
    String mode = c.text("mode", "constant").toLowerCase(java.util.Locale.ROOT);
    int[] amounts = new int[2 * call.x().rank()];
    float[] given = c.numbers(c.has("pad_width") ? "pad_width" : "paddings");
    for (int i = 0; i < amounts.length; i++) {
      amounts[i] = (int) given[given.length == amounts.length ? i : i % given.length];
    }
    Graph g = call.graph();
    if (mode.equals("constant")) {
      return g.pad(call.x(), (float) c.number("constant_values", 0), amounts);
    }
    if (!mode.equals("reflect") && !mode.equals("symmetric")) {
      throw new UnsupportedException("mode " + mode);
    }
    int[] shape = call.x().shape.clone();
    Arrays.setAll(shape, i -> shape[i] + amounts[2 * i] + amounts[2 * i + 1]);
    Value paddings = Value.of(g.scope + "/paddings", amounts, shape.length, 2);
    Map<String, Object> fields = Map.of("mode", mode.equals("reflect") ? 0 : 1);
    return g.op("MIRROR_PAD", "MirrorPadOptions", fields, shape, call.x(), paddings);
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
        begins[axis] = Graph.axis(x.size(axis), json.getAsInt());
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
    return cut(call, begins, ends, strides, Graph.ints(shape));
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
        && json.toString().toLowerCase(java.util.Locale.ROOT).contains("ellipsis");
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
    int mask = 0;
    int[] kept = x.shape.clone();
    for (int i = 0; i < x.rank(); i++) {
      boolean whole = begins[i] == 0 && ends[i] == x.size(i) && strides[i] == 1;
      mask |= whole ? 1 << i : 0;
      kept[i] = (ends[i] - begins[i] + strides[i] - 1) / strides[i];
    }
    if ((mask & 1) == 0 && x.batched) {
      g.fix();
    }
    Map<String, Object> fields = Map.of("begin_mask", mask, "end_mask", mask);
    Value part =
        mask == (1 << x.rank()) - 1
            ? x
            : g.op(
                "STRIDED_SLICE",
                "StridedSliceOptions",
                fields,
                kept,
                x,
                g.constant("begin", begins),
                g.constant("end", ends),
                g.constant("strides", strides));
    if (x.batched && (shape.length == 0 || shape[0] != x.size(0))) {
      g.fix();
    }
    return g.reshape(part, shape);
  }

  private static Value slice(Call call) {
    Config c = Operations.parameters(call);
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

  /** Sizes, which hold only for the batch of now. */
  private static Value shape(Call call) {
    if (call.x().batched) {
      call.graph().fix();
    }
    return Value.of(call.graph().scope, call.x().shape.clone(), call.x().rank());
  }

  private static Value matmul(Call call) {
    Config c = Operations.parameters(call);
    Value a = Operations.operand(call, 0, "x1", "a");
    Value b = Operations.operand(call, 1, "x2", "b");
    return MergeLayers.multiply(
        call.graph(), a, b, c.flag("transpose_a", false), c.flag("transpose_b", false));
  }

  private static Value einsum(Call call) {
    Config c = Operations.parameters(call);
    String equation = c.text("subscripts", "");
    if (call.inputs().size() != 2 || equation.isEmpty()) {
      throw new UnsupportedException("an equation of other than two operands");
    }
    return new Einsum(equation, call.inputs().get(0).rank(), call.inputs().get(1).rank())
        .product(call.graph(), call.inputs().get(0), call.inputs().get(1));
  }

  private static Value take(Call call) {
    Config c = Operations.parameters(call);
    Graph g = call.graph();
    Value x = Operations.operand(call, 0, "x", "params");
    Value places = g.cast(Operations.operand(call, 1, "indices"), TensorType.INT32);
    if (!c.has("axis") && call.kind().startsWith("ops.")) {
      throw new UnsupportedException("elements without an axis");
    }
    int axis = Graph.axis(x.rank(), c.integer("axis", 0));
    int[] shape = new int[x.rank() - 1 + places.rank()];
    System.arraycopy(x.shape, 0, shape, 0, axis);
    System.arraycopy(places.shape, 0, shape, axis, places.rank());
    System.arraycopy(x.shape, axis + 1, shape, axis + places.rank(), x.rank() - axis - 1);
    return g.op("GATHER", "GatherOptions", Map.of("axis", axis), shape, x, places);
  }

  private static Value extreme(Call call, String kind) {
    Config c = Operations.parameters(call);
    Graph g = call.graph();
    if (!c.has("axis") && call.kind().startsWith("ops.")) {
      throw new UnsupportedException("a place without an axis");
    }
    int axis = Graph.axis(call.x().rank(), c.integer("axis", 0));
    Value out =
        new Value(g.scope + "/place", TensorType.INT32, Graph.removed(call.x().shape, axis));
    out.batched = call.x().batched && axis > 0;
    String options = kind.equals("ARG_MAX") ? "ArgMaxOptions" : "ArgMinOptions";
    Map<String, Object> fields = Map.of("output_type", TensorType.INT32.code());
    Value where = Value.of(g.scope + "/axis", new int[] {axis});
    g.add(new Op(kind, options, fields, List.of(call.x(), where), out));
    return c.flag("keepdims", false) ? g.reshape(out, Graph.inserted(out.shape, axis, 1)) : out;
  }

  private static Value oneHot(Call call) {
    Config c = Operations.parameters(call);
    Graph g = call.graph();
    int classes = c.integer("num_classes", c.integer("depth", 0));
    if (c.integer("axis", -1) != -1) {
      throw new UnsupportedException("an axis other than the last");
    }
    Value x = g.cast(call.x(), TensorType.INT32);
    Value out = new Value(g.scope, TensorType.FLOAT32, Graph.inserted(x.shape, x.rank(), classes));
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

  private static Value fill(Call call, float number) {
    Graph g = call.graph();
    Value zeros = g.zeros(call.x(), call.x().shape);
    Value filled = number == 0 ? zeros : Activations.plus(g, zeros, number);
    String type = Operations.parameters(call).text("dtype", "");
    return g.cast(filled, type.isEmpty() ? call.x().type : InputShapes.type(type));
  }

  private static Value deeper(Call call) {
    int block = Operations.parameters(call).integer("block_size", 1);
    int[] s = call.x().shape;
    int[] shape = {s[0], s[1] / block, s[2] / block, s[3] * block * block};
    return blocks(call, "SPACE_TO_DEPTH", "SpaceToDepthOptions", block, shape);
  }

  private static Value wider(Call call) {
    int block = Operations.parameters(call).integer("block_size", 1);
    int[] s = call.x().shape;
    int[] shape = {s[0], s[1] * block, s[2] * block, s[3] / (block * block)};
    return blocks(call, "DEPTH_TO_SPACE", "DepthToSpaceOptions", block, shape);
  }

  private static Value blocks(Call call, String kind, String options, int block, int... shape) {
    return call.graph().op(kind, options, Map.of("block_size", block), shape, call.x());
  }

  private static Value resize(Call call) {
    Config c = Operations.parameters(call);
    int[] size = c.integers("size", 2, 1);
    JsonObject layer = new JsonObject();
    c.json().entrySet().forEach(e -> layer.add(e.getKey(), e.getValue()));
    layer.addProperty("height", size[0]);
    layer.addProperty("width", size[1]);
    if (c.has("method")) {
      layer.add("interpolation", c.get("method"));
    }
    return call.inner("Resizing", new Config(layer), call.part(), List.of(call.x())).build().get(0);
  }

  private static Value pool(Call call, String name) {
    String kind = name + "Pooling" + (call.x().rank() - 2) + "D";
    return call.inner(kind, call.config(), call.part(), List.of(call.x())).build().get(0);
  }

  private static List<Value> split(Call call) {
    Config c = Operations.parameters(call);
    Graph g = call.graph();
    Value x = call.x();
    int axis = Graph.axis(x.rank(), c.integer("axis", 0));
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
    int axis = Graph.axis(x.rank(), Operations.parameters(call).integer("axis", 0));
    List<Value> parts = new ArrayList<>();
    for (int i = 0; i < x.size(axis); i++) {
      Value part = g.slice(x, axis, i, 1);
      parts.add(g.reshape(part, Graph.removed(x.shape, axis)));
    }
    return parts;
  }
}
