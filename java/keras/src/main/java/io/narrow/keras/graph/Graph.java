package io.narrow.keras.graph;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Operators in the order in which they run, and the means to append to them. */
public final class Graph {
  public static final Map<String, Object> NONE = Map.of();

  public final List<Op> ops = new ArrayList<>();
  public final List<Value> inputs = new ArrayList<>();
  public final List<Value> outputs = new ArrayList<>();
  final String name;
  public final List<Graph> bodies;

  /** Name of the layer that is being built, which its values are named after. */
  public String scope = "";

  /** Names of the layers that keep a state of their own. */
  public final Set<String> states = new LinkedHashSet<>();

  private boolean fixed;

  public Graph(String name) {
    this.name = name;
    this.bodies = new ArrayList<>();
  }

  /** Says that the graph holds only for the size that the batch has now. */
  public void fix() {
    fixed = true;
  }

  public boolean fixed() {
    return fixed || bodies.stream().anyMatch(body -> body.fixed);
  }

  /** A value that the runtime keeps from one run to the next, zero at first. */
  public Value variable(String suffix, int... shape) {
    fix();
    Value value = new Value(scope + "/" + suffix, TensorType.FLOAT32, shape);
    value.variable = true;
    return value;
  }

  /**
   * Sets a variable to zero in each run, before the operators that come after.
   *
   * <p>With SPLIT into one part, since every runtime has it for float32, int8 and int16 and copies
   * a constant anew each time; RESHAPE, CONCATENATION, STRIDED_SLICE and others do so once only,
   * when tensors are allocated.
   */
  public void clear(Value variable) {
    Floats zeros = Floats.of(new float[variable.elements(0)]);
    Value axis = Value.of(scope + "/axis", new int[] {0});
    Value constant = Value.of(variable.name + "_zeros", zeros, variable.shape);
    add(
        new Op(
            "SPLIT", "SplitOptions", Map.of("num_splits", 1), List.of(axis, constant), variable));
  }

  private Graph(String name, Graph root) {
    this.name = name;
    this.bodies = root.bodies;
    this.scope = root.scope;
  }

  /** A new subgraph, which operators refer to by number; this graph is number 0. */
  Graph body(String suffix) {
    Graph body = new Graph(scope + "/" + suffix, this);
    bodies.add(body);
    return body;
  }

  public Value input(String valueName, TensorType type, int... shape) {
    Value value = new Value(valueName, type, shape);
    inputs.add(value);
    return value;
  }

  public Value constant(String suffix, Floats contents, int... shape) {
    return Value.of(scope + "/" + suffix, contents, shape);
  }

  public Value constant(String suffix, float[] contents, int... shape) {
    return constant(suffix, Floats.of(contents), shape);
  }

  public Value constant(String suffix, int... contents) {
    return Value.of(scope + "/" + suffix, contents, contents.length);
  }

  public Value scalar(float value) {
    return constant("constant", Floats.of(value));
  }

  public Op add(Op op) {
    ops.add(op);
    return op;
  }

  /** Appends an operator with one float32 output; it is batched if its first input is. */
  public Value op(String kind, String options, Map<String, ?> fields, int[] shape, Value... in) {
    return op(1, kind, options, fields, shape, in);
  }

  public Value op(
      int version, String kind, String options, Map<String, ?> fields, int[] shape, Value... in) {
    Value out =
        new Value(
            scope + "/" + kind.toLowerCase(Locale.ROOT),
            in[0] == null ? TensorType.FLOAT32 : in[0].type,
            shape);
    for (Value value : in) {
      out.batched |= value != null && value.batched;
    }
    add(new Op(kind, options, fields, Arrays.asList(in), out).version(version));
    return out;
  }

  /** An operator without options whose output looks like its input. */
  public Value unary(String kind, String options, Value x) {
    return op(kind, options, NONE, x.shape, x);
  }

  /** ADD, SUB, MUL, DIV, MAXIMUM ..., with numpy's broadcasting. */
  public Value binary(String kind, Value a, Value b) {
    int[] shape = Shapes.broadcast(a.shape, b.shape);
    return op(kind, BINARY_OPTIONS.get(kind), NONE, shape, a, b);
  }

  private static final Map<String, String> BINARY_OPTIONS =
      Map.ofEntries(
          Map.entry("ADD", "AddOptions"),
          Map.entry("SUB", "SubOptions"),
          Map.entry("MUL", "MulOptions"),
          Map.entry("DIV", "DivOptions"),
          Map.entry("POW", "PowOptions"),
          Map.entry("FLOOR_DIV", "FloorDivOptions"),
          Map.entry("FLOOR_MOD", "FloorModOptions"),
          Map.entry("MAXIMUM", "MaximumMinimumOptions"),
          Map.entry("MINIMUM", "MaximumMinimumOptions"),
          Map.entry("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"));

  public Value reshape(Value x, int... shape) {
    if (Arrays.equals(x.shape, shape)) {
      return x;
    }
    int[] target = shape.clone();
    if (x.batched) {
      target[0] = -1;
    }
    Map<String, Object> fields = Map.of("new_shape", target);
    return op("RESHAPE", "ReshapeOptions", fields, shape, x, constant("shape", target));
  }

  public Value transpose(Value x, int... order) {
    boolean same = true;
    for (int i = 0; i < order.length; i++) {
      same &= order[i] == i;
    }
    if (same) {
      return x;
    }
    int[] shape = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      shape[i] = x.shape[order[i]];
    }
    return op("TRANSPOSE", "TransposeOptions", NONE, shape, x, constant("permutation", order));
  }

  /** MEAN, SUM, REDUCE_MAX ... over axes. */
  public Value reduce(String kind, Value x, boolean keep, int... axes) {
    List<Integer> shape = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      int axis = i;
      if (Arrays.stream(axes).noneMatch(a -> a == axis)) {
        shape.add(x.shape[i]);
      } else if (keep) {
        shape.add(1);
      }
    }
    Map<String, Object> fields = Map.of("keep_dims", keep);
    Value over = constant("axes", axes);
    Value out = op(kind, "ReducerOptions", fields, Shapes.ints(shape), x, over);
    out.batched &= Arrays.stream(axes).noneMatch(axis -> axis == 0);
    return out;
  }

  /**
   * Pads with zeros.
   *
   * @param paddings before and after for every axis
   */
  public Value pad(Value x, int... paddings) {
    return pad(x, 0, paddings);
  }

  /** Pads with a number. */
  public Value pad(Value x, float number, int... paddings) {
    int[] shape = x.shape.clone();
    for (int i = 0; i < shape.length; i++) {
      shape[i] += paddings[2 * i] + paddings[2 * i + 1];
    }
    if (Arrays.stream(paddings).allMatch(padding -> padding == 0)) {
      return x;
    }
    Value amounts = Value.of(scope + "/paddings", paddings, shape.length, 2);
    return number == 0
        ? op("PAD", "PadOptions", NONE, shape, x, amounts)
        : op("PADV2", "PadV2Options", NONE, shape, x, amounts, scalar(number));
  }

  /** Cuts {@code size} elements of an axis from {@code begin} on. */
  public Value slice(Value x, int axis, int begin, int size) {
    int[] begins = new int[x.rank()];
    int[] ends = x.shape.clone();
    begins[axis] = begin;
    ends[axis] = begin + size;
    return slice(x, begins, ends, null);
  }

  /** One place of an axis, without that axis. */
  public Value pick(Value x, int axis, int place) {
    int[] begins = new int[x.rank()];
    int[] ends = x.shape.clone();
    int[] strides = new int[x.rank()];
    Arrays.fill(strides, 1);
    begins[axis] = place;
    ends[axis] = place + 1;
    int mask = (1 << x.rank()) - 1 & ~(1 << axis);
    Map<String, Object> fields =
        Map.of("begin_mask", mask, "end_mask", mask, "shrink_axis_mask", 1 << axis);
    return strided(x, fields, Shapes.removed(x.shape, axis), begins, ends, strides);
  }

  /**
   * Cuts from {@code begins} to {@code ends}.
   *
   * @param steps null for all 1
   */
  public Value slice(Value x, int[] begins, int[] ends, int[] steps) {
    int[] shape = new int[x.rank()];
    int[] strides = steps == null ? new int[x.rank()] : steps;
    int mask = 0;
    for (int i = 0; i < shape.length; i++) {
      strides[i] = steps == null ? 1 : steps[i];
      shape[i] = (ends[i] - begins[i] + strides[i] - 1) / strides[i];
      boolean whole = begins[i] == 0 && ends[i] == x.size(i) && strides[i] == 1;
      mask |= whole ? 1 << i : 0;
      if (shape[i] < 1 || begins[i] < 0 || ends[i] > x.size(i)) {
        throw new IllegalStateException("it cuts off all of its input " + x);
      }
    }
    if (mask == (1 << x.rank()) - 1) {
      return x;
    }
    Map<String, Object> fields = Map.of("begin_mask", mask, "end_mask", mask);
    return strided(x, fields, shape, begins, ends, strides);
  }

  private Value strided(
      Value x, Map<String, ?> fields, int[] shape, int[] begins, int[] ends, int[] strides) {
    Value begin = constant("begin", begins);
    Value end = constant("end", ends);
    Value stride = constant("strides", strides);
    return op("STRIDED_SLICE", "StridedSliceOptions", fields, shape, x, begin, end, stride);
  }

  /** Equal parts along an axis. */
  public List<Value> split(Value x, int axis, int parts) {
    int[] shape = x.shape.clone();
    shape[axis] /= parts;
    Value[] results = new Value[parts];
    for (int i = 0; i < parts; i++) {
      results[i] = new Value(scope + "/split", x.type, shape);
      results[i].batched = x.batched;
    }
    List<Value> inputs = List.of(Value.of(scope + "/axis", new int[] {axis}), x);
    add(new Op("SPLIT", "SplitOptions", Map.of("num_splits", parts), inputs, results));
    return List.of(results);
  }

  /** {@code yes} where a condition holds, else {@code no}, with numpy's broadcasting. */
  public Value select(Value condition, Value yes, Value no) {
    int[] shape = Shapes.broadcast(condition.shape, Shapes.broadcast(yes.shape, no.shape));
    Value out = new Value(scope + "/select", yes.type, shape);
    out.batched = condition.batched || yes.batched || no.batched;
    add(new Op("SELECT_V2", "SelectV2Options", NONE, List.of(condition, yes, no), out));
    return out;
  }

  /** EQUAL, LESS ..., with numpy's broadcasting; the result is bool. */
  public Value compare(String kind, String options, Value a, Value b) {
    Value out = new Value(scope + "/compare", TensorType.BOOL, Shapes.broadcast(a.shape, b.shape));
    out.batched = a.batched || b.batched;
    add(new Op(kind, options, NONE, List.of(a, b), out));
    return out;
  }

  public Value concat(List<Value> values, int axis) {
    int[] shape = values.get(0).shape.clone();
    shape[axis] = 0;
    for (Value value : values) {
      for (int i = 0; i < shape.length; i++) {
        if (value.rank() != shape.length || i != axis && value.shape[i] != shape[i]) {
          throw new IllegalStateException("inputs " + values + " cannot be concatenated");
        }
      }
      shape[axis] += value.shape[axis];
    }
    return op(
        "CONCATENATION",
        "ConcatenationOptions",
        Map.of("axis", axis),
        shape,
        values.toArray(new Value[0]));
  }

  /** A shape whose first size is that of the batch of {@code like}, as an int32 vector. */
  public Value shapeOf(Value like, int... shape) {
    if (!like.batched) {
      return constant("shape", shape);
    }
    Value sizes = new Value(scope + "/shape", TensorType.INT32, like.rank());
    add(
        new Op(
            "SHAPE",
            "ShapeOptions",
            Map.of("out_type", TensorType.INT32.code()),
            List.of(like),
            sizes));
    Value batch = new Value(scope + "/batch", TensorType.INT32);
    add(
        new Op(
            "STRIDED_SLICE",
            "StridedSliceOptions",
            Map.of("shrink_axis_mask", 1),
            List.of(sizes, constant("begin", 0), constant("end", 1), constant("strides", 1)),
            batch));
    List<Value> parts = new ArrayList<>(List.of(batch));
    for (int i = 1; i < shape.length; i++) {
      parts.add(Value.of(scope + "/size", new int[] {shape[i]}));
    }
    Value packed = new Value(scope + "/shape", TensorType.INT32, shape.length);
    add(new Op("PACK", "PackOptions", Map.of("values_count", shape.length), parts, packed));
    return packed;
  }

  /** Zeros of this shape, whose first axis is the batch of {@code like}. */
  public Value zeros(Value like, int... shape) {
    if (!like.batched) {
      return constant(
          "zeros", new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)], shape);
    }
    Value out = new Value(scope + "/zeros", TensorType.FLOAT32, shape);
    out.batched = true;
    add(new Op("FILL", "FillOptions", NONE, List.of(shapeOf(like, shape), scalar(0)), out));
    return out;
  }

  public Value cast(Value x, TensorType type) {
    if (x.type == type) {
      return x;
    }
    Value out = new Value(scope, type, x.shape);
    out.batched = x.batched;
    add(
        new Op(
            "CAST",
            "CastOptions",
            Map.of("in_data_type", x.type.code(), "out_data_type", type.code()),
            List.of(x),
            out));
    return out;
  }

  /** The values that operators read and write, each once. */
  Set<Value> values() {
    Set<Value> values = new LinkedHashSet<>(inputs);
    for (Op op : ops) {
      op.inputs.stream().filter(value -> value != null).forEach(values::add);
      values.addAll(op.outputs);
    }
    values.addAll(outputs);
    return values;
  }
}
