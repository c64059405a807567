package io.narrow.keras.simplify;

import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Moves TRANSPOSE behind the operators that work in any order of the axes, until it meets another
 * that undoes it: models with channels first then compute with channels last throughout.
 */
final class Layout {
  private static final Set<String> UNARY =
      Set.of(
          "ABS",
          "CEIL",
          "COS",
          "DEQUANTIZE",
          "ELU",
          "EXP",
          "FLOOR",
          "GELU",
          "HARD_SWISH",
          "LEAKY_RELU",
          "LOG",
          "LOGISTIC",
          "NEG",
          "QUANTIZE",
          "RELU",
          "RELU6",
          "RELU_N1_TO_1",
          "ROUND",
          "RSQRT",
          "SIGN",
          "SIN",
          "SQRT",
          "SQUARE",
          "TANH");

  private static final Set<String> BINARY =
      Set.of("ADD", "DIV", "MAXIMUM", "MINIMUM", "MUL", "SQUARED_DIFFERENCE", "SUB");

  /** A value that is another one with its axes in this order. */
  private record Turned(Value source, int[] order) {
    int[] back() {
      int[] back = new int[order.length];
      for (int i = 0; i < back.length; i++) {
        back[order[i]] = i;
      }
      return back;
    }
  }

  private final Graph graph;
  private final List<Op> ops = new ArrayList<>();
  private final Map<Value, Turned> turned = new IdentityHashMap<>();
  private final Map<Value, Value> same = new IdentityHashMap<>();

  private Layout(Graph graph) {
    this.graph = graph;
  }

  static void run(Graph graph) {
    if (graph.ops.stream().anyMatch(op -> op.kind.equals("TRANSPOSE"))) {
      new Layout(graph).run();
    }
  }

  private void run() {
    for (Op op : graph.ops) {
      op.inputs.replaceAll(value -> same.getOrDefault(value, value));
      if (op.kind.equals("TRANSPOSE")) {
        transpose(op);
      } else if (!moved(op)) {
        op.inputs.forEach(this::made);
        ops.add(op);
      }
    }
    graph.outputs.replaceAll(value -> same.getOrDefault(value, value));
    graph.outputs.forEach(this::made);
    graph.ops.clear();
    graph.ops.addAll(ops);
  }

  private void transpose(Op op) {
    Value x = op.input(0);
    int[] order = op.input(1).ints;
    Turned before = turned.get(x);
    if (before == null) {
      turned.put(op.output(), new Turned(x, order));
      return;
    }
    int[] both = new int[order.length];
    Arrays.setAll(both, i -> before.order()[order[i]]);
    boolean none = true;
    for (int i = 0; i < both.length; i++) {
      none &= both[i] == i;
    }
    if (none) {
      same.put(op.output(), before.source());
    } else {
      turned.put(op.output(), new Turned(before.source(), both));
    }
  }

  /** Appends the TRANSPOSE that makes a value, for an operator that needs its order. */
  private void made(Value value) {
    Turned from = turned.remove(value);
    if (from != null) {
      Value order = Value.of(value.name + "/permutation", from.order(), from.order().length);
      ops.add(
          new Op(
              "TRANSPOSE", "TransposeOptions", Graph.NONE, List.of(from.source(), order), value));
    }
  }

  /** Lets an operator work on what its inputs are made of; returns whether that is possible. */
  private boolean moved(Op op) {
    Turned first =
        op.inputs.stream().map(turned::get).filter(t -> t != null).findFirst().orElse(null);
    boolean concatenation = op.kind.equals("CONCATENATION");
    boolean pad = op.kind.equals("PAD");
    if (first == null
        || !(UNARY.contains(op.kind) || BINARY.contains(op.kind) || concatenation || pad)
        || op.output().rank() != first.order().length) {
      return false;
    }
    List<Value> inputs = new ArrayList<>();
    for (Value input : op.inputs) {
      Turned from = turned.get(input);
      if (from != null && Arrays.equals(from.order(), first.order())) {
        inputs.add(from.source());
      } else if (pad && input.ints != null) {
        inputs.add(pairs(input, first.back()));
      } else if (BINARY.contains(op.kind) && input.floats != null) {
        inputs.add(constant(input, first.back()));
      } else {
        return false;
      }
    }
    int[] back = first.back();
    int[] shape = new int[back.length];
    Arrays.setAll(shape, i -> op.output().shape[back[i]]);
    Value out = new Value(op.output().name, op.output().type, shape);
    out.batched = op.output().batched;
    out.encoding = op.output().encoding;
    Op other = new Op(op.kind, op.options, op.fields, inputs, out).version(op.version);
    if (concatenation) {
      other.fields.put("axis", first.order()[(Integer) op.fields.get("axis")]);
    }
    ops.add(other);
    turned.put(op.output(), new Turned(out, first.order()));
    return true;
  }

  /** Paddings of axes in another order. */
  private static Value pairs(Value paddings, int[] order) {
    int[] amounts = new int[paddings.ints.length];
    for (int i = 0; i < order.length; i++) {
      amounts[2 * i] = paddings.ints[2 * order[i]];
      amounts[2 * i + 1] = paddings.ints[2 * order[i] + 1];
    }
    return Value.of(paddings.name, amounts, paddings.shape);
  }

  /** A constant that broadcasts, with its axes in another order and no leading axes of size 1. */
  private static Value constant(Value value, int[] order) {
    int rank = order.length;
    int[] shape = new int[rank];
    Arrays.setAll(
        shape,
        i -> {
          int axis = order[i] - (rank - value.rank());
          return axis < 0 ? 1 : value.shape[axis];
        });
    int kept = 0;
    while (kept < rank && shape[kept] == 1) {
      kept++;
    }
    if (Arrays.stream(value.shape).filter(size -> size > 1).count() > 1) {
      return Value.of(value.name, turnedNumbers(value, order), shape);
    }
    return Value.of(value.name, value.floats, Arrays.copyOfRange(shape, kept, rank));
  }

  private static Floats turnedNumbers(Value value, int[] order) {
    int rank = order.length;
    int[] whole = new int[rank];
    Arrays.fill(whole, 1);
    System.arraycopy(value.shape, 0, whole, rank - value.rank(), value.rank());
    return value.floats.permuted(whole, order);
  }
}
