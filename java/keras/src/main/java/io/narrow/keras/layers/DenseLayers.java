package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.file.Weights;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.operations.Einsum;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Masks;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.Map;

/** Dense, its general form by an equation, and Embedding. */
final class DenseLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "Dense", one(DenseLayers::dense),
          "EinsumDense", one(DenseLayers::einsum),
          "Embedding", one(DenseLayers::embedding),
          "Masking", one(DenseLayers::masking));

  private DenseLayers() {}

  private static Value dense(Call call) {
    int units = call.config().integer("units", 0);
    Value x = call.x();
    Floats kernel = call.weight("kernel", 0, x.channels(), units);
    Value weights =
        call.graph()
            .constant("kernel", kernel.transposed(x.channels(), units), units, x.channels());
    return call.activated(Algebra.dense(call.graph(), x, weights, call.bias(1, units)));
  }

  private static Value einsum(Call call) {
    Graph g = call.graph();
    Value x = call.x();
    String equation = call.config().text("equation", "");
    String weights = equation.replaceAll("^.*,|->.*$", "").trim();
    int[] any = new int[weights.length()];
    Arrays.fill(any, -1);
    Weights.Array kernel = call.weight(call.part(), "kernel", 0, any);
    Einsum einsum = new Einsum(equation, x.rank(), any.length);
    Value y = einsum.dense(g, x, kernel.floats(), kernel.shape());
    String axes = call.config().text("bias_axes", "");
    if (!axes.isEmpty()) {
      int first = y.rank();
      int[] shape = new int[y.rank()];
      Arrays.fill(shape, 1);
      for (char axis : axes.toCharArray()) {
        int place = einsum.result().indexOf(axis);
        shape[place] = y.size(place);
        first = Math.min(first, place);
      }
      int[] bias = Arrays.copyOfRange(shape, first, shape.length);
      y = g.binary("ADD", y, g.constant("bias", call.weight("bias", 1, bias), bias));
    }
    return call.activated(y);
  }

  private static Value embedding(Call call) {
    int[] size = {call.config().integer("input_dim", 0), call.config().integer("output_dim", 0)};
    Graph g = call.graph();
    Value rows = g.constant("embeddings", call.weight("embeddings", 0, size), size);
    Value numbers = g.cast(call.x(), TensorType.INT32);
    int[] shape = Shapes.inserted(numbers.shape, numbers.rank(), size[1]);
    Value y = g.op("GATHER", "GatherOptions", Map.of("axis", 0), shape, rows, numbers);
    if (call.config().flag("mask_zero", false)) {
      Value zero = Value.of(g.scope + "/zero", new int[1]);
      y.mask = g.compare("NOT_EQUAL", "NotEqualOptions", numbers, zero);
    }
    return y;
  }

  /** Steps of which all channels are a number count for nothing, and become zeros. */
  private static Value masking(Call call) {
    Graph g = call.graph();
    float nothing = (float) call.config().number("mask_value", 0);
    Value counts = Masks.steps(g, call.x(), nothing, true);
    Value mask = g.reshape(counts, Shapes.removed(counts.shape, counts.rank() - 1));
    if (nothing == 0) {
      return Masks.with(g, call.x(), mask);
    }
    Value y = g.select(counts, call.x(), g.scalar(0));
    y.mask = mask;
    return y;
  }
}
