package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import java.util.Arrays;
import java.util.Map;

/** Pooling over windows and over everything. */
final class PoolingLayers {
  private static final String MAX = "MAX_POOL_2D";
  private static final String AVERAGE = "AVERAGE_POOL_2D";

  static final Map<String, Rule> ROWS =
      Map.ofEntries(
          Map.entry("MaxPooling1D", one(call -> pool1(call, MAX))),
          Map.entry("MaxPooling2D", one(call -> pool2(call, MAX))),
          Map.entry("MaxPooling3D", one(call -> pool3(call, MAX))),
          Map.entry("AveragePooling1D", one(call -> pool1(call, AVERAGE))),
          Map.entry("AveragePooling2D", one(call -> pool2(call, AVERAGE))),
          Map.entry("AveragePooling3D", one(call -> pool3(call, AVERAGE))),
          Map.entry("GlobalMaxPooling1D", one(call -> global(call, "REDUCE_MAX"))),
          Map.entry("GlobalMaxPooling2D", one(call -> global(call, "REDUCE_MAX"))),
          Map.entry("GlobalMaxPooling3D", one(call -> global(call, "REDUCE_MAX"))),
          Map.entry("GlobalAveragePooling1D", one(call -> global(call, "MEAN"))),
          Map.entry("GlobalAveragePooling2D", one(call -> global(call, "MEAN"))),
          Map.entry("GlobalAveragePooling3D", one(call -> global(call, "MEAN"))));

  private PoolingLayers() {}

  private static int[] windows(Call call, int dimensions) {
    return call.config()
        .integers(call.config().has("pool_length") ? "pool_length" : "pool_size", dimensions, 2);
  }

  private static int[] strides(Call call, int dimensions) {
    String field = call.config().has("stride") ? "stride" : "strides";
    return call.config().has(field)
        ? call.config().integers(field, dimensions, 1)
        : windows(call, dimensions);
  }

  private static Value pool1(Call call, String kind) {
    call.channelsLast();
    int window = windows(call, 1)[0];
    Value image = ConvolutionLayers.image(call);
    Value pooled = pool(call, kind, image, 1, window, 1, strides(call, 1)[0]);
    return ConvolutionLayers.steps(call, pooled);
  }

  private static Value pool2(Call call, String kind) {
    call.channelsLast();
    int[] window = windows(call, 2);
    int[] strides = strides(call, 2);
    Value x = ConvolutionLayers.rank(call, 4);
    return pool(call, kind, x, window[0], window[1], strides[0], strides[1]);
  }

  /** A box is a plane times a line, for its mean over the elements inside the input as well. */
  private static Value pool3(Call call, String kind) {
    call.channelsLast();
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
    if (height < 1 || width < 1 || strideH < 1 || strideW < 1) {
      throw new IllegalStateException("its window or stride is not positive");
    }
    int[] shape = {
      x.size(0),
      ConvolutionLayers.size(x.size(1), height, strideH, 1, padding),
      ConvolutionLayers.size(x.size(2), width, strideW, 1, padding),
      x.channels()
    };
    Map<String, Object> fields =
        Map.of(
            "padding", padding,
            "filter_height", height,
            "filter_width", width,
            "stride_h", strideH,
            "stride_w", strideW);
    return call.graph().op(kind, "Pool2DOptions", fields, shape, x);
  }

  private static Value global(Call call, String kind) {
    call.channelsLast();
    int[] axes = new int[call.x().rank() - 2];
    Arrays.setAll(axes, i -> i + 1);
    return call.graph().reduce(kind, call.x(), call.config().flag("keepdims", false), axes);
  }
}
