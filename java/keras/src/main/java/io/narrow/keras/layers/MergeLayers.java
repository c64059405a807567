package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.operations.Operands;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Masks;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Layers of several inputs. */
final class MergeLayers {
  static final Map<String, Rule> ROWS = rows();

  private MergeLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    Map.of(
            "Add", "ADD",
            "Subtract", "SUB",
            "Multiply", "MUL",
            "Maximum", "MAXIMUM",
            "Minimum", "MINIMUM")
        .forEach((layer, kind) -> rows.put(layer, one(call -> fold(call, kind))));
    rows.put("Average", one(MergeLayers::average));
    // Of keras.applications.InceptionResNetV2, which defines it beside its model.
    rows.put("CustomScaleLayer", one(MergeLayers::scaled));
    rows.put("Concatenate", one(MergeLayers::concatenate));
    rows.put("Dot", one(MergeLayers::dot));
    return rows;
  }

  private static Value fold(Call call, String kind) {
    if (call.inputs().size() < 2) {
      throw new IllegalStateException("it has only one input");
    }
    List<Value> inputs = aligned(call);
    TensorType type = inputs.get(0).type;
    if (inputs.stream().anyMatch(input -> input.type != type)) {
      inputs.replaceAll(input -> Operands.floats(call.graph(), input));
    }
    Value result = inputs.get(0);
    for (Value other : inputs.subList(1, inputs.size())) {
      result = call.graph().binary(kind, result, other);
    }
    result.mask = Masks.merged(call);
    return result;
  }

  /** These layers put missing axes after the batch, where operators put them first. */
  private static List<Value> aligned(Call call) {
    int rank = call.inputs().stream().mapToInt(Value::rank).max().orElse(0);
    List<Value> inputs = new ArrayList<>();
    for (Value value : call.inputs()) {
      boolean fewer = !value.isConstant() && value.rank() < rank && value.rank() > 0;
      if (fewer) {
        List<Integer> shape = new ArrayList<>(Collections.nCopies(rank, 1));
        shape.set(0, value.size(0));
        for (int i = 1; i < value.rank(); i++) {
          shape.set(rank - value.rank() + i, value.size(i));
        }
        inputs.add(call.graph().reshape(value, Shapes.ints(shape)));
      } else {
        inputs.add(value);
      }
    }
    return inputs;
  }

  private static Value average(Call call) {
    Value sum = fold(call, "ADD");
    Value result = Activations.times(call.graph(), sum, 1f / call.inputs().size());
    result.mask = sum.mask;
    return result;
  }

  /** The first input plus the second times a number. */
  private static Value scaled(Call call) {
    float scale = (float) call.config().number("scale", 1);
    Graph g = call.graph();
    return g.binary("ADD", call.x(), Activations.times(g, call.inputs().get(1), scale));
  }

  private static Value concatenate(Call call) {
    int axis = Shapes.axis(call.x().rank(), call.config().integer("axis", -1));
    if (call.inputs().size() == 1) {
      return call.x();
    }
    Value result = call.graph().concat(call.inputs(), axis);
    result.mask = Masks.concatenated(call, axis);
    return result;
  }

  /**
   * Sums over one axis of each input: the other axes of the first come before those of the second.
   */
  private static Value dot(Call call) {
    Graph g = call.graph();
    int[] axes = call.config().integers("axes", 2, -1);
    boolean normalize = call.config().flag("normalize", false);
    Value left = call.inputs().get(0);
    Value right = call.inputs().get(1);
    if (left.rank() == 3 && right.rank() == 3 && !normalize) {
      boolean turnLeft = Shapes.axis(3, axes[0]) == 1;
      boolean turnRight = Shapes.axis(3, axes[1]) == 2;
      return Algebra.multiply(g, left, right, turnLeft, turnRight);
    }
    Value a = summedLast(g, left, axes[0], normalize);
    Value b = summedLast(g, right, axes[1], normalize);
    int batch = a.size(0);
    Value x = g.reshape(a, batch, a.elements(1) / a.channels(), a.channels());
    Value y = g.reshape(b, batch, b.elements(1) / b.channels(), b.channels());
    Value product = Algebra.multiply(g, x, y, false, true);
    List<Integer> shape = new ArrayList<>(List.of(batch));
    for (Value value : List.of(a, b)) {
      for (int i = 1; i < value.rank() - 1; i++) {
        shape.add(value.size(i));
      }
    }
    if (shape.size() == 1) {
      shape.add(1);
    }
    return g.reshape(product, Shapes.ints(shape));
  }

  private static Value summedLast(Graph g, Value x, int place, boolean normalize) {
    int axis = Shapes.axis(x.rank(), place);
    if (axis == 0) {
      throw new UnsupportedException("a sum over the batch");
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      order.add(i);
    }
    order.add(order.remove(axis));
    Value turned = axis == x.rank() - 1 ? x : g.transpose(x, Shapes.ints(order));
    return normalize ? Algebra.unit(g, turned, turned.rank() - 1) : turned;
  }
}
