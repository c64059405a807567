package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Pooling over windows and over everything. */
final class PoolingLayers {
  private static final String MAX = "MAX_POOL_2D";
  private static final String AVERAGE = "AVERAGE_POOL_2D";

  static final Map<String, Rule> ROWS = rows();

  private PoolingLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    Map.of("Max", MAX, "Average", AVERAGE)
        .forEach(
            (name, kind) -> {
              rows.put(name + "Pooling1D", one(call -> pool1(call, kind)));
              rows.put(name + "Pooling2D", one(call -> pool2(call, kind)));
              rows.put(name + "Pooling3D", one(call -> pool3(call, kind)));
              for (int i = 1; i <= 3; i++) {
                int dimensions = i;
                rows.put(
                    "Adaptive" + name + "Pooling" + i + "D",
                    one(call -> adaptive(call, kind, dimensions)));
                rows.put("Global" + name + "Pooling" + i + "D", one(call -> global(call, kind)));
              }
            });
    rows.put("GlobalAveragePooling1D", one(PoolingLayers::steps));
    return rows;
  }

  private static int[] windows(Call call, int dimensions) {
    return call.config().integers("pool_size", dimensions, 2);
  }

  private static int[] strides(Call call, int dimensions) {
    return call.config().has("strides")
        ? call.config().integers("strides", dimensions, 1)
        : windows(call, dimensions);
  }

  private static Value pool1(Call call, String kind) {
    int window = windows(call, 1)[0];
    Value image = ConvolutionLayers.image(call);
    Value pooled = pool(call, kind, image, 1, window, 1, strides(call, 1)[0]);
    return ConvolutionLayers.steps(call, pooled);
  }

  private static Value pool2(Call call, String kind) {
    int[] window = windows(call, 2);
    int[] strides = strides(call, 2);
    Value x = ConvolutionLayers.rank(call, 4);
    return pool(call, kind, x, window[0], window[1], strides[0], strides[1]);
  }

  /** A box is a plane times a line, for its mean over the elements inside the input as well. */
  private static Value pool3(Call call, String kind) {
    Value x = ConvolutionLayers.rank(call, 5);
    int[] window = windows(call, 3);
    int[] strides = strides(call, 3);
    Graph g = call.graph();
    int batch = x.size(0);
    int depth = x.size(1);
    Value planes = g.reshape(x, batch * depth, x.size(2), x.size(3), x.size(4));
    Value plane = pool(call, kind, planes, window[1], window[2], strides[1], strides[2]);
    int area = plane.size(1) * plane.size(2);
    Value lines = g.reshape(plane, batch, depth, area, x.size(4));
    Value line = pool(call, kind, lines, window[0], 1, strides[0], 1);
    return g.reshape(line, batch, line.size(1), plane.size(1), plane.size(2), x.size(4));
  }

  private static Value pool(
      Call call, String kind, Value x, int height, int width, int strideH, int strideW) {
    int padding = ConvolutionLayers.padding(call);
    return pool(call.graph(), kind, x, padding, height, width, strideH, strideW);
  }

  private static Value pool(
      Graph g, String kind, Value x, int padding, int height, int width, int strideH, int strideW) {
    if (height < 1 || width < 1 || strideH < 1 || strideW < 1) {
      throw new IllegalStateException("its window or stride is not positive");
    }
    int[] shape = {
      x.size(0),
      Window.size(x.size(1), height, strideH, 1, padding),
      Window.size(x.size(2), width, strideW, 1, padding),
      x.channels()
    };
    Map<String, Object> fields =
        Map.of(
            "padding", padding,
            "filter_height", height,
            "filter_width", width,
            "stride_h", strideH,
            "stride_w", strideW);
    return g.op(kind, "Pool2DOptions", fields, shape, x);
  }

  private static Value global(Call call, String kind) {
    int[] axes = new int[call.x().rank() - 2];
    Arrays.setAll(axes, i -> i + 1);
    String reduction = kind.equals(MAX) ? "REDUCE_MAX" : "MEAN";
    return call.graph().reduce(reduction, call.x(), call.config().flag("keepdims", false), axes);
  }

  /** The mean over the steps that count. */
  private static Value steps(Call call) {
    Value x = call.x();
    Value mask = x.mask == null ? call.arguments().value(1, "mask") : x.mask;
    if (mask == null) {
      return global(call, AVERAGE);
    }
    Graph g = call.graph();
    boolean keep = call.config().flag("keepdims", false);
    Value counts = g.reshape(mask, x.size(0), x.size(1), 1);
    Value ones = g.cast(g.cast(counts, TensorType.BOOL), TensorType.FLOAT32);
    Value sum = g.reduce("SUM", g.binary("MUL", x, ones), keep, 1);
    return g.binary("DIV", sum, g.reduce("SUM", ones, keep, 1));
  }

  /**
   * Windows of nearly the same size, one for each pixel of the output: along one axis after the
   * other, as the mean of means over windows and the largest of them are those of the whole.
   */
  private static Value adaptive(Call call, String kind, int dimensions) {
    Value x = ConvolutionLayers.rank(call, dimensions + 2);
    int[] sizes = call.config().integers("output_size", dimensions, 1);
    Graph g = call.graph();
    for (int i = 1; i <= dimensions; i++) {
      int before = 1;
      int after = 1;
      for (int k = 1; k <= dimensions; k++) {
        before *= k < i ? x.size(k) : 1;
        after *= k > i ? x.size(k) : 1;
      }
      // [batch, before, axis, after, channels] as an image
      int batch = Math.multiplyExact(x.size(0), before);
      Value image = g.reshape(x, batch, x.size(i), after, x.channels());
      int[] shape = x.shape.clone();
      shape[i] = sizes[i - 1];
      x = g.reshape(adaptive(g, kind, image, sizes[i - 1]), shape);
    }
    return x;
  }

  private static Value adaptive(Graph g, String kind, Value image, int out) {
    int in = image.size(1);
    if (in % out == 0) {
      return pool(g, kind, image, Padding.VALID, in / out, 1, in / out, 1);
    }
    if (kind.equals(AVERAGE)) {
      return ResizeLayers.product(g, image, 1, Resampling.adaptive(in, out));
    }
    List<Value> parts = new ArrayList<>();
    for (int o = 0; o < out; o++) {
      int start = Resampling.start(in, out, o);
      Value part = g.slice(image, 1, start, Resampling.end(in, out, o) - start);
      parts.add(g.reduce("REDUCE_MAX", part, true, 1));
    }
    return g.concat(parts, 1);
  }
}
