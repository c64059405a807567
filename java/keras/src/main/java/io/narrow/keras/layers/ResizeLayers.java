package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.Map;

/** Layers that make pictures larger or smaller. */
final class ResizeLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "CenterCrop", one(ResizeLayers::center),
          "RandomCrop", one(ResizeLayers::filled),
          "Resizing", one(ResizeLayers::resizing),
          "UpSampling1D", one(ResizeLayers::upsample1),
          "UpSampling2D", one(ResizeLayers::upsample2),
          "UpSampling3D", one(ResizeLayers::upsample3));

  private ResizeLayers() {}

  private static Value resize(
      Graph g, Value x, int height, int width, String interpolation, boolean antialias) {
    boolean nearest = interpolation.equals("nearest");
    if (nearest || interpolation.equals("bilinear") && !antialias) {
      int[] shape = {x.size(0), height, width, x.channels()};
      String kind = nearest ? "RESIZE_NEAREST_NEIGHBOR" : "RESIZE_BILINEAR";
      String options = nearest ? "ResizeNearestNeighborOptions" : "ResizeBilinearOptions";
      Map<String, Object> fields = Map.of("half_pixel_centers", true);
      return g.op(3, kind, options, fields, shape, x, g.constant("size", height, width));
    }
    if (!Resampling.has(interpolation)) {
      throw new UnsupportedException("interpolation " + interpolation);
    }
    Value wide = product(g, x, 2, Resampling.matrix(interpolation, x.size(2), width, antialias));
    return product(g, wide, 1, Resampling.matrix(interpolation, x.size(1), height, antialias));
  }

  /** A matrix [out, in] times an axis of height or width. */
  static Value product(Graph g, Value x, int axis, float[] matrix) {
    int in = x.size(axis);
    Value weights = g.constant("weights", matrix, matrix.length / in, in);
    int[] order = axis == 2 ? new int[] {0, 1, 3, 2} : new int[] {0, 3, 2, 1};
    return g.transpose(Algebra.dense(g, g.transpose(x, order), weights, null), order);
  }

  private static Value upsample1(Call call) {
    int factor = call.config().integer("size", 2);
    Value image = ConvolutionLayers.image(call);
    int width = Math.multiplyExact(image.size(2), factor);
    return ConvolutionLayers.steps(call, resize(call.graph(), image, 1, width, "nearest", false));
  }

  private static Value upsample2(Call call) {
    Value x = ConvolutionLayers.rank(call, 4);
    int[] factors = call.config().integers("size", 2, 2);
    return resize(
        call.graph(),
        x,
        Math.multiplyExact(x.size(1), factors[0]),
        Math.multiplyExact(x.size(2), factors[1]),
        call.config().text("interpolation", "nearest"),
        false);
  }

  private static Value upsample3(Call call) {
    Value x = ConvolutionLayers.rank(call, 5);
    int[] factors = call.config().integers("size", 3, 2);
    Graph g = call.graph();
    int[] s = x.shape;
    Value planes = g.reshape(x, Math.multiplyExact(s[0], s[1]), s[2], s[3], s[4]);
    Value wide = resize(g, planes, s[2] * factors[1], s[3] * factors[2], "nearest", false);
    int area = wide.size(1) * wide.size(2);
    Value lines = g.reshape(wide, s[0], s[1], area, s[4]);
    Value deep = resize(g, lines, s[1] * factors[0], area, "nearest", false);
    return g.reshape(deep, s[0], deep.size(1), wide.size(1), wide.size(2), s[4]);
  }

  private static Value resizing(Call call) {
    Config config = call.config();
    Graph g = call.graph();
    int height = config.integer("height", 1);
    int width = config.integer("width", 1);
    Value x = g.cast(ConvolutionLayers.rank(call, 4), TensorType.FLOAT32);
    if (config.flag("crop_to_aspect_ratio", false)) {
      x = aspect(g, x, height, width);
    } else if (config.flag("pad_to_aspect_ratio", false)) {
      if (!config.text("fill_mode", "constant").equals("constant")) {
        throw new UnsupportedException("fill_mode " + config.text("fill_mode", ""));
      }
      int high = Math.max(x.size(1), fitting(x.size(2), height, width));
      int broad = Math.max(x.size(2), fitting(x.size(1), width, height));
      int h = (high - x.size(1)) / 2;
      int w = (broad - x.size(2)) / 2;
      x = g.pad(x, (float) config.number("fill_value", 0), 0, 0, h, h, w, w, 0, 0);
    }
    boolean antialias = config.flag("antialias", false);
    return resize(g, x, height, width, config.text("interpolation", "bilinear"), antialias);
  }

  /** The height that a picture of this width has in the proportion of height to width. */
  private static int fitting(int size, int height, int width) {
    return (int) ((float) Math.multiplyExact(size, height) / width);
  }

  /** The largest part in the middle that has the proportion of height to width. */
  private static Value aspect(Graph g, Value x, int height, int width) {
    int high = Math.max(1, Math.min(x.size(1), fitting(x.size(2), height, width)));
    int broad = Math.max(1, Math.min(x.size(2), fitting(x.size(1), width, height)));
    return middle(g, x, high, broad);
  }

  private static Value middle(Graph g, Value x, int height, int width) {
    int top = (x.size(1) - height) / 2;
    int left = (x.size(2) - width) / 2;
    int[] begins = {0, top, left, 0};
    int[] ends = {x.size(0), top + height, left + width, x.channels()};
    return g.slice(x, begins, ends, null);
  }

  private static Value center(Call call) {
    Graph g = call.graph();
    int height = call.config().integer("height", 1);
    int width = call.config().integer("width", 1);
    Value x = g.cast(ConvolutionLayers.rank(call, 4), TensorType.FLOAT32);
    return x.size(1) >= height && x.size(2) >= width ? middle(g, x, height, width) : filled(call);
  }

  /** Where nothing is cropped at random, the middle of the picture is resized. */
  private static Value filled(Call call) {
    Graph g = call.graph();
    int height = call.config().integer("height", 1);
    int width = call.config().integer("width", 1);
    Value x = g.cast(ConvolutionLayers.rank(call, 4), TensorType.FLOAT32);
    return resize(g, aspect(g, x, height, width), height, width, "bilinear", false);
  }
}
