package io.narrow.keras.operations;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Functions that a model calls on tensors, which move elements, choose or multiply them. */
public final class ShapeOperations {
  public static final Map<String, Rule> ROWS = rows();

  private ShapeOperations() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    Rule.put(rows, ShapeOperations::reshape, "ops.Reshape", "tf.reshape");
    Rule.put(rows, ShapeOperations::flat, "ops.Ravel");
    Rule.put(
        rows,
        ShapeOperations::transpose,
        "ops.Transpose",
        "tf.transpose",
        "tf.compat.v1.transpose");
    Rule.put(rows, ShapeOperations::swap, "ops.Swapaxes");
    Rule.put(rows, ShapeOperations::move, "ops.Moveaxis");
    Rule.put(rows, ShapeOperations::expand, "ops.ExpandDims", "tf.expand_dims");
    Rule.put(rows, ShapeOperations::squeeze, "ops.Squeeze", "tf.squeeze", "tf.compat.v1.squeeze");
    Rule.put(rows, ShapeOperations::concatenate, "ops.Concatenate", "tf.concat");
    Rule.put(rows, ShapeOperations::stack, "ops.Stack", "tf.stack");
    Rule.put(rows, ShapeOperations::tile, "ops.Tile", "tf.tile");
    Rule.put(rows, ShapeOperations::repeat, "ops.Repeat", "tf.repeat");
    Rule.put(rows, ShapeOperations::flip, "ops.Flip", "tf.reverse");
    Rule.put(rows, ShapeOperations::roll, "ops.Roll", "tf.roll");
    Rule.put(rows, ShapeOperations::pad, "ops.Pad", "tf.compat.v1.pad", "tf.pad");
    Rule.put(rows, ShapeOperations::shape, "tf.shape", "tf.compat.v1.shape");
    Rule.put(rows, ShapeOperations::matmul, "ops.Matmul", "tf.linalg.matmul");
    Rule.put(rows, ShapeOperations::einsum, "ops.Einsum", "tf.einsum");
    Rule.put(
        rows, call -> fill(call, 0), "ops.ZerosLike", "tf.zeros_like", "tf.compat.v1.zeros_like");
    Rule.put(rows, call -> fill(call, 1), "ops.OnesLike", "tf.ones_like", "tf.compat.v1.ones_like");
    Rule.put(rows, ShapeOperations::deeper, "ops.SpaceToDepth", "tf.nn.space_to_depth");
    Rule.put(rows, ShapeOperations::wider, "ops.DepthToSpace", "tf.nn.depth_to_space");
    Rule.put(rows, ShapeOperations::resize, "ops.Resize", "tf.image.resize");
    Rule.put(rows, call -> pool(call, "Max"), "ops.MaxPool");
    Rule.put(rows, call -> pool(call, "Average"), "ops.AveragePool");
    return rows;
  }

  private static Value reshape(Call call) {
    Config c = Operands.parameters(call);
    Value x = call.x();
    List<Integer> sizes = new ArrayList<>();
    for (JsonElement size : c.list(c.has("newshape") ? "newshape" : "shape")) {
      sizes.add(size.isJsonNull() ? -1 : Config.integer(size));
    }
    int[] target = Shapes.filled(Shapes.ints(sizes), x.elements(0));
    if (x.batched && (target.length == 0 || sizes.get(0) != -1)) {
      call.graph().fix();
    }
    return call.graph().reshape(x, target);
  }

  private static Value flat(Call call) {
    return call.graph().reshape(call.x(), call.x().elements(0));
  }

  private static Value transpose(Call call) {
    Config c = Operands.parameters(call);
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
    int a = Shapes.axis(rank, call.config().integer("axis1", 0));
    int b = Shapes.axis(rank, call.config().integer("axis2", 0));
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
      int axis = Shapes.axis(rank, from[i]);
      places[Shapes.axis(rank, to[i])] = axis;
      rest.remove((Integer) axis);
    }
    int[] order = new int[rank];
    for (int i = 0; i < rank; i++) {
      order[i] = places[i] == null ? rest.remove(0) : places[i];
    }
    return ordered(call, order);
  }

  private static Value expand(Call call) {
    int[] axes = Operands.parameters(call).integers("axis");
    int[] shape = call.x().shape;
    for (int axis : axes) {
      shape = Shapes.inserted(shape, Shapes.axis(shape.length + 1, axis), 1);
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
    Config c = Operands.parameters(call);
    int rank = call.x().rank();
    int[] axes = Shapes.axes(rank, c.integers("axis"));
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
    return reshaped(call, Shapes.ints(shape));
  }

  private static Value concatenate(Call call) {
    List<Value> values = new ArrayList<>(call.inputs());
    int axis = Operands.parameters(call).integer("axis", 0);
    return call.graph().concat(values, Shapes.axis(values.get(0).rank(), axis));
  }

  private static Value stack(Call call) {
    Graph g = call.graph();
    int axis = Operands.parameters(call).integer("axis", 0);
    List<Value> parts = new ArrayList<>();
    for (Value value : call.inputs()) {
      int place = Shapes.axis(value.rank() + 1, axis);
      if (place == 0 && value.batched) {
        g.fix();
      }
      parts.add(g.reshape(value, Shapes.inserted(value.shape, place, 1)));
    }
    return g.concat(parts, Shapes.axis(parts.get(0).rank(), axis));
  }

  private static Value tile(Call call) {
    Config c = Operands.parameters(call);
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
    Config c = Operands.parameters(call);
    int[] times = c.integers("repeats");
    if (!c.has("axis") || times.length != 1) {
      throw new UnsupportedException("repeats without an axis or of different number");
    }
    Value x = call.x();
    int axis = Shapes.axis(x.rank(), c.integer("axis", 0));
    int[] all = new int[x.rank() + 1];
    Arrays.fill(all, 1);
    all[axis + 1] = times[0];
    Value apart = call.graph().reshape(x, Shapes.inserted(x.shape, axis + 1, 1));
    int[] shape = x.shape.clone();
    shape[axis] *= times[0];
    if (axis == 0 && x.batched) {
      call.graph().fix();
    }
    return call.graph().reshape(tiled(call, apart, all), shape);
  }

  private static Value flip(Call call) {
    Config c = Operands.parameters(call);
    Value x = call.x();
    int[] axes = new int[x.rank()];
    Arrays.setAll(axes, i -> i);
    axes = c.has("axis") ? Shapes.axes(x.rank(), c.integers("axis")) : axes;
    Graph g = call.graph();
    return g.op("REVERSE_V2", "ReverseV2Options", Graph.NONE, x.shape, x, g.constant("axes", axes));
  }

  private static Value roll(Call call) {
    Config c = Operands.parameters(call);
    int[] shifts = c.integers("shift");
    int[] axes = c.integers("axis");
    if (axes.length != shifts.length) {
      throw new UnsupportedException("a shift without an axis");
    }
    Graph g = call.graph();
    Value x = call.x();
    for (int i = 0; i < axes.length; i++) {
      int axis = Shapes.axis(x.rank(), axes[i]);
      int shift = Math.floorMod(shifts[i], x.size(axis));
      if (shift > 0) {
        int kept = x.size(axis) - shift;
        x = g.concat(List.of(g.slice(x, axis, kept, shift), g.slice(x, axis, 0, kept)), axis);
      }
    }
    return x;
  }

  private static Value pad(Call call) {
    Config c = Operands.parameters(call);
    String mode = c.text("mode", "constant").toLowerCase(Locale.ROOT);
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

  /** Sizes, which hold only for the batch of now. */
  private static Value shape(Call call) {
    if (call.x().batched) {
      call.graph().fix();
    }
    return Value.of(call.graph().scope, call.x().shape.clone(), call.x().rank());
  }

  private static Value matmul(Call call) {
    Config c = Operands.parameters(call);
    Value a = Operands.operand(call, 0, "x1", "a");
    Value b = Operands.operand(call, 1, "x2", "b");
    return Algebra.multiply(
        call.graph(), a, b, c.flag("transpose_a", false), c.flag("transpose_b", false));
  }

  private static Value einsum(Call call) {
    Config c = Operands.parameters(call);
    String equation = c.text("subscripts", "");
    if (call.inputs().size() != 2 || equation.isEmpty()) {
      throw new UnsupportedException("an equation of other than two operands");
    }
    return new Einsum(equation, call.inputs().get(0).rank(), call.inputs().get(1).rank())
        .product(call.graph(), call.inputs().get(0), call.inputs().get(1));
  }

  private static Value fill(Call call, float number) {
    Graph g = call.graph();
    Value zeros = g.zeros(call.x(), call.x().shape);
    Value filled = number == 0 ? zeros : Activations.plus(g, zeros, number);
    String type = Operands.parameters(call).text("dtype", "");
    return g.cast(filled, type.isEmpty() ? call.x().type : Config.type(type));
  }

  private static Value deeper(Call call) {
    int block = Operands.parameters(call).integer("block_size", 1);
    int[] s = call.x().shape;
    int[] shape = {s[0], s[1] / block, s[2] / block, s[3] * block * block};
    return blocks(call, "SPACE_TO_DEPTH", "SpaceToDepthOptions", block, shape);
  }

  private static Value wider(Call call) {
    int block = Operands.parameters(call).integer("block_size", 1);
    int[] s = call.x().shape;
    int[] shape = {s[0], s[1] * block, s[2] * block, s[3] / (block * block)};
    return blocks(call, "DEPTH_TO_SPACE", "DepthToSpaceOptions", block, shape);
  }

  private static Value blocks(Call call, String kind, String options, int block, int... shape) {
    if (Operands.parameters(call).text("data_format", "").startsWith("NC")) {
      throw new UnsupportedException("channels first");
    }
    return call.graph().op(kind, options, Map.of("block_size", block), shape, call.x());
  }

  private static Value resize(Call call) {
    Config c = Operands.parameters(call);
    if (c.flag("preserve_aspect_ratio", false)) {
      throw new UnsupportedException("preserve_aspect_ratio");
    }
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
}
