package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Weights.Array;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.Map;

/** Dense and Embedding. */
final class DenseLayers {
  static final Map<String, Rule> ROWS =
      Map.of("Dense", one(DenseLayers::dense), "Embedding", one(DenseLayers::embedding));

  private DenseLayers() {}

  private static Value dense(Call call) {
    int units = call.config().integer("units", 0);
    Value x = call.x();
    Array kernel = call.weight("kernel", 0, x.channels(), units);
    Value weights =
        call.graph()
            .constant(
                "kernel", transposed(kernel.values(), x.channels(), units), units, x.channels());
    return call.activated(call.graph().dense(x, weights, call.bias(1, units)));
  }

  private static Value embedding(Call call) {
    Array table =
        call.weight(
            "embeddings",
            0,
            call.config().integer("input_dim", -1),
            call.config().integer("output_dim", -1));
    Graph graph = call.graph();
    Value rows = graph.constant("embeddings", table.values(), table.shape());
    Value numbers = graph.cast(call.x(), TensorType.INT32);
    int[] shape = Arrays.copyOf(numbers.shape, numbers.rank() + 1);
    shape[numbers.rank()] = table.shape()[1];
    return graph.op("GATHER", "GatherOptions", Map.of("axis", 0), shape, rows, numbers);
  }

  /** [rows, columns] as [columns, rows], in blocks that stay in cache. */
  static float[] transposed(float[] matrix, int rows, int columns) {
    float[] result = new float[matrix.length];
    int block = 32;
    for (int top = 0; top < rows; top += block) {
      for (int left = 0; left < columns; left += block) {
        for (int r = top; r < Math.min(rows, top + block); r++) {
          for (int c = left; c < Math.min(columns, left + block); c++) {
            result[c * rows + r] = matrix[r * columns + c];
          }
        }
      }
    }
    return result;
  }
}
