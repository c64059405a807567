package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import java.util.Arrays;
import java.util.Map;

/** Layers that move, repeat, cut, pad or resize. */
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
          Map.entry("Cropping3D", one(call -> crop(call, 3))),
          Map.entry("UpSampling1D", one(ShapeLayers::upsample1)),
          Map.entry("UpSampling2D", one(ShapeLayers::upsample2)),
          Map.entry("UpSampling3D", one(ShapeLayers::upsample3)),
          Map.entry("Resizing", one(ShapeLayers::resizing)));

  private ShapeLayers() {}

  private static Value flatten(Call call) {
    call.channelsLast();
    return call.graph().reshape(call.x(), call.x().size(0), call.x().elements(1));
  }

  private static Value reshape(Call call) {
    int[] target = call.config().integers("target_shape");
    int[] shape = new int[target.length + 1];
    shape[0] = call.x().size(0);
    int open = 0;
    int known = 1;
    for (int i = 0; i < target.length; i++) {
      shape[i + 1] = target[i];
      if (target[i] == -1) {
        open = i + 1;
      } else {
        known = Math.multiplyExact(known, target[i]);
      }
    }
    int elements = call.x().elements(1);
    if (open > 0 && known > 0) {
      shape[open] = elements / known;
      known *= shape[open];
    }
    if (known != elements) {
      throw new IllegalStateException(
          "its target " + Arrays.toString(target) + " does not fit its input " + call.x());
    }
    return call.graph().reshape(call.x(), shape);
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
    call.channelsLast();
    ConvolutionLayers.rank(call, dimensions + 2);
    int[] amounts = amounts(call, "padding", dimensions);
    int[] paddings = new int[2 * (dimensions + 2)];
    System.arraycopy(amounts, 0, paddings, 2, amounts.length);
    return call.graph().pad(call.x(), paddings);
  }

  private static Value crop(Call call, int dimensions) {
    call.channelsLast();
    Value x = ConvolutionLayers.rank(call, dimensions + 2);
    int[] amounts = amounts(call, "cropping", dimensions);
    int[] begins = new int[x.rank()];
    int[] ends = new int[x.rank()];
    int[] strides = new int[x.rank()];
    int[] shape = x.shape.clone();
    Arrays.fill(strides, 1);
    int mask = 1 | 1 << x.rank() - 1;
    for (int i = 0; i < dimensions; i++) {
      begins[i + 1] = amounts[2 * i];
      ends[i + 1] = x.size(i + 1) - amounts[2 * i + 1];
      shape[i + 1] = ends[i + 1] - begins[i + 1];
      if (shape[i + 1] < 1) {
        throw new IllegalStateException("it cuts off all of its input " + x);
      }
    }
    Graph g = call.graph();
    return g.op(
        "STRIDED_SLICE",
        "StridedSliceOptions",
        Map.of("begin_mask", mask, "end_mask", mask),
        shape,
        x,
        g.constant("begin", begins),
        g.constant("end", ends),
        g.constant("strides", strides));
  }

  private static Value resize(Graph g, Value x, int height, int width, boolean bilinear) {
    int[] shape = {x.size(0), height, width, x.channels()};
    String kind = bilinear ? "RESIZE_BILINEAR" : "RESIZE_NEAREST_NEIGHBOR";
    String options = bilinear ? "ResizeBilinearOptions" : "ResizeNearestNeighborOptions";
    return g.op(
        3,
        kind,
        options,
        Map.of("half_pixel_centers", true),
        shape,
        x,
        g.constant("size", height, width));
  }

  private static boolean bilinear(Call call, String otherwise) {
    String interpolation = call.config().text("interpolation", otherwise);
    return switch (interpolation) {
      case "bilinear" -> true;
      case "nearest" -> false;
      default -> throw new UnsupportedException("interpolation " + interpolation);
    };
  }

  private static Value upsample1(Call call) {
    int factor = call.config().integer("size", 2);
    Value image = ConvolutionLayers.image(call);
    return ConvolutionLayers.steps(
        call, resize(call.graph(), image, 1, Math.multiplyExact(image.size(2), factor), false));
  }

  private static Value upsample2(Call call) {
    call.channelsLast();
    Value x = ConvolutionLayers.rank(call, 4);
    int[] factors = call.config().integers("size", 2, 2);
    return resize(
        call.graph(),
        x,
        Math.multiplyExact(x.size(1), factors[0]),
        Math.multiplyExact(x.size(2), factors[1]),
        bilinear(call, "nearest"));
  }

  private static Value upsample3(Call call) {
    call.channelsLast();
    Value x = ConvolutionLayers.rank(call, 5);
    int[] factors = call.config().integers("size", 3, 2);
    Graph g = call.graph();
    int[] s = x.shape;
    Value planes = g.reshape(x, s[0] * s[1], s[2], s[3], s[4]);
    Value wide = resize(g, planes, s[2] * factors[1], s[3] * factors[2], false);
    int area = wide.size(1) * wide.size(2);
    Value deep = resize(g, g.reshape(wide, s[0], s[1], area, s[4]), s[1] * factors[0], area, false);
    return g.reshape(deep, s[0], deep.size(1), wide.size(1), wide.size(2), s[4]);
  }

  private static Value resizing(Call call) {
    call.channelsLast();
    Config config = call.config();
    if (config.flag("crop_to_aspect_ratio", false)
        || config.flag("pad_to_aspect_ratio", false)
        || config.flag("antialias", false)) {
      throw new UnsupportedException("cropping, padding or smoothing");
    }
    Value x = ConvolutionLayers.rank(call, 4);
    return resize(
        call.graph(),
        x,
        config.integer("height", 1),
        config.integer("width", 1),
        bilinear(call, "bilinear"));
  }
}
