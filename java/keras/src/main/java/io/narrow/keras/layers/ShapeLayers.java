package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Rule;
import java.util.Arrays;
import java.util.Map;

/** Layers that move, repeat, cut or pad. */
final class ShapeLayers {
  static final Map<String, Rule> ROWS =
      Map.ofEntries(
          Map.entry("Flatten", one(ShapeLayers::flatten)),
          Map.entry("Reshape", one(ShapeLayers::reshape)),
          Map.entry("Permute", one(ShapeLayers::permute)),
          Map.entry("RepeatVector", one(ShapeLayers::repeat)),
          Map.entry("ZeroPadding1D", one(call -> pad(call, 1))),
          Map.entry("ZeroPadding2D", one(call -> pad(call, 2))),
          Map.entry("ZeroPadding3D", one(call -> pad(call, 3))),
          Map.entry("Cropping1D", one(call -> crop(call, 1))),
          Map.entry("Cropping2D", one(call -> crop(call, 2))),
          Map.entry("Cropping3D", one(call -> crop(call, 3))));

  private ShapeLayers() {}

  private static Value flatten(Call call) {
    return call.graph().reshape(call.x(), call.x().size(0), call.x().elements(1));
  }

  private static Value reshape(Call call) {
    Value x = call.x();
    int[] target = Shapes.filled(call.config().integers("target_shape"), x.elements(1));
    return call.graph().reshape(x, Shapes.inserted(target, 0, x.size(0)));
  }

  private static Value permute(Call call) {
    int[] dims = call.config().integers("dims");
    int[] order = new int[dims.length + 1];
    System.arraycopy(dims, 0, order, 1, dims.length);
    return call.graph().transpose(call.x(), order);
  }

  private static Value repeat(Call call) {
    Value x = call.x();
    int times = call.config().integer("n", 1);
    Graph g = call.graph();
    Value row = g.reshape(x, x.size(0), 1, x.size(1));
    int[] shape = {x.size(0), times, x.size(1)};
    return g.op("TILE", "TileOptions", Graph.NONE, shape, row, g.constant("times", 1, times, 1));
  }

  /** Amounts before and after each of the axes between batch and channels. */
  private static int[] amounts(Call call, String field, int dimensions) {
    var value = call.config().get(field);
    int[] amounts = new int[2 * dimensions];
    if (value == null || value.isJsonNull()) {
      Arrays.fill(amounts, 1);
    } else if (!value.isJsonArray()) {
      Arrays.fill(amounts, Config.integer(value));
    } else if (dimensions == 1) {
      amounts = call.config().integers(field, 2, 0);
    } else {
      for (int i = 0; i < dimensions; i++) {
        var one = value.getAsJsonArray().get(i);
        amounts[2 * i] =
            one.isJsonArray() ? Config.integer(one.getAsJsonArray().get(0)) : Config.integer(one);
        amounts[2 * i + 1] =
            one.isJsonArray() ? Config.integer(one.getAsJsonArray().get(1)) : Config.integer(one);
      }
    }
    if (Arrays.stream(amounts).anyMatch(amount -> amount < 0)) {
      throw new IllegalStateException("`" + field + "` is " + Arrays.toString(amounts));
    }
    return amounts;
  }

  private static Value pad(Call call, int dimensions) {
    ConvolutionLayers.rank(call, dimensions + 2);
    int[] amounts = amounts(call, "padding", dimensions);
    int[] paddings = new int[2 * (dimensions + 2)];
    System.arraycopy(amounts, 0, paddings, 2, amounts.length);
    return call.graph().pad(call.x(), paddings);
  }

  private static Value crop(Call call, int dimensions) {
    Value x = ConvolutionLayers.rank(call, dimensions + 2);
    int[] amounts = amounts(call, "cropping", dimensions);
    int[] begins = new int[x.rank()];
    int[] ends = x.shape.clone();
    for (int i = 0; i < dimensions; i++) {
      begins[i + 1] = amounts[2 * i];
      ends[i + 1] -= amounts[2 * i + 1];
    }
    return call.graph().slice(x, begins, ends, null);
  }
}
