package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Layers of several inputs, and the operators that Keras writes for arithmetic on tensors. */
final class MergeLayers {
  static final Map<String, Rule> ROWS = rows();

  private MergeLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    // Names of the layers and of Keras 3's operations are the same; those of Keras 2 follow.
    String[][] binaries = {
      {"ADD", "Add", "tf.math.add", "tf.__operators__.add"},
      {"SUB", "Subtract", "tf.math.subtract", "tf.__operators__.sub"},
      {"MUL", "Multiply", "tf.math.multiply", "tf.__operators__.mul"},
      {
        "DIV",
        "Divide",
        "TrueDivide",
        "tf.math.divide",
        "tf.math.truediv",
        "tf.__operators__.truediv"
      },
      {"MAXIMUM", "Maximum", "tf.math.maximum"},
      {"MINIMUM", "Minimum", "tf.math.minimum"},
    };
    for (String[] row : binaries) {
      for (int i = 1; i < row.length; i++) {
        rows.put(row[i], one(call -> fold(call, row[0])));
      }
    }
    Map<String, String> functions =
        Map.of(
            "tf.nn.relu",
            "relu",
            "tf.nn.relu6",
            "relu6",
            "tf.nn.silu",
            "swish",
            "tf.math.sigmoid",
            "sigmoid",
            "tf.nn.softmax",
            "softmax",
            "tf.math.tanh",
            "tanh",
            "Relu",
            "relu",
            "Relu6",
            "relu6",
            "Sigmoid",
            "sigmoid");
    functions.forEach(
        (kind, name) -> rows.put(kind, one(call -> Activations.named(call, name, call.x()))));
    rows.put("Average", one(MergeLayers::average));
    // Of keras.applications.InceptionResNetV2, which defines it beside its model.
    rows.put("CustomScaleLayer", one(MergeLayers::scaled));
    rows.put("Concatenate", one(MergeLayers::concatenate));
    rows.put("Dot", one(MergeLayers::dot));
    return rows;
  }

  private static Value fold(Call call, String kind) {
    Value result = call.x();
    if (call.inputs().size() < 2) {
      throw new IllegalStateException("it has only one input");
    }
    List<Value> inputs = aligned(call);
    result = inputs.get(0);
    for (Value other : inputs.subList(1, inputs.size())) {
      result = call.graph().binary(kind, result, other);
    }
    return result;
  }

  /** Keras puts missing axes after the batch, where numpy puts them first. */
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
        inputs.add(call.graph().reshape(value, Graph.ints(shape)));
      } else {
        inputs.add(value);
      }
    }
    return inputs;
  }

  private static Value average(Call call) {
    return Activations.times(call.graph(), fold(call, "ADD"), 1f / call.inputs().size());
  }

  /** The first input plus the second times a number. */
  private static Value scaled(Call call) {
    float scale = (float) call.config().number("scale", 1);
    Graph g = call.graph();
    return g.binary("ADD", call.x(), Activations.times(g, call.inputs().get(1), scale));
  }

  private static Value concatenate(Call call) {
    int axis = call.config().integer("axis", -1);
    return call.inputs().size() == 1
        ? call.x()
        : call.graph().concat(call.inputs(), axis < 0 ? axis + call.x().rank() : axis);
  }

  private static Value dot(Call call) {
    Value a = call.inputs().get(0);
    Value b = call.inputs().get(1);
    int[] axes = call.config().integers("axes", 2, -1);
    int left = axes[0] < 0 ? axes[0] + a.rank() : axes[0];
    int right = axes[1] < 0 ? axes[1] + b.rank() : axes[1];
    if (a.rank() > 3 || b.rank() > 3 || call.config().flag("normalize", false)) {
      throw new UnsupportedException("more than 3 axes, or normalize");
    }
    Graph g = call.graph();
    Value x = a.rank() == 2 ? g.reshape(a, a.size(0), 1, a.size(1)) : a;
    Value y = b.rank() == 2 ? g.reshape(b, b.size(0), b.size(1), 1) : b;
    boolean turnX = a.rank() == 3 && left == 1;
    boolean turnY = b.rank() == 3 && right == 2;
    Value product = multiply(g, x, y, turnX, turnY);
    if (a.rank() == 3 && b.rank() == 3) {
      return product;
    }
    return a.rank() == 2 && b.rank() == 2
        ? g.reshape(product, product.size(0), 1)
        : g.reshape(product, product.size(0), product.size(1) * product.size(2));
  }

  /** Products of matrices: the last two axes, each turned if asked for. */
  static Value multiply(Graph g, Value x, Value y, boolean turnX, boolean turnY) {
    int[] shape = x.shape.clone();
    int rank = shape.length;
    shape[rank - 2] = x.size(turnX ? -1 : -2);
    shape[rank - 1] = y.size(turnY ? -2 : -1);
    if (x.size(turnX ? -2 : -1) != y.size(turnY ? -1 : -2)) {
      throw new IllegalStateException("matrices " + x + " and " + y + " do not go together");
    }
    return g.op(
        "BATCH_MATMUL", "BatchMatMulOptions", Map.of("adj_x", turnX, "adj_y", turnY), shape, x, y);
  }
}
