package io.narrow.keras.layers;

import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How a window moves over its input: two sizes in each list for an image, three for a volume.
 *
 * @param padding {@link Padding#SAME} or {@link Padding#VALID}
 */
public record Window(int[] strides, int[] dilations, int padding) {
  /** One step at a time. */
  static final Window ONE = new Window(new int[] {1, 1}, new int[] {1, 1}, Padding.SAME);

  /** Sides by their names in the options of operators. */
  private static final List<String> SIDES = List.of("d", "h", "w");

  /**
   * The window of a configuration with this many dimensions, of which one is taken for an image.
   */
  static Window of(Call call, int dimensions) {
    return new Window(
        ConvolutionLayers.plane(call, "strides", dimensions),
        ConvolutionLayers.plane(call, "dilation_rate", dimensions),
        ConvolutionLayers.padding(call));
  }

  /** Size of the output of a window along one axis. */
  static int size(int in, int kernel, int stride, int dilation, int padding) {
    int size =
        padding == Padding.SAME
            ? (in + stride - 1) / stride
            : Math.floorDiv(in - (kernel - 1) * dilation - 1, stride) + 1;
    if (size < 1) {
      throw new IllegalStateException(
          "its window of " + kernel + " is larger than its input of " + in);
    }
    return size;
  }

  private int size(Value x, int axis, Value weights, int side, int number) {
    return size(x.size(axis), weights.size(side), strides[number], dilations[number], padding);
  }

  /** Convolutions of TensorFlow Lite have a bias. */
  private static Value orZeros(Graph g, Value bias, int channels) {
    return bias == null ? g.constant("bias", new float[channels], channels) : bias;
  }

  /**
   * @param x [batch, height, width, channels]
   * @param weights [filters, height, width, channels of a group]
   * @param bias null for none
   */
  public Value conv(Graph g, Value x, Value weights, Value bias, int version) {
    return image(g, version, "CONV_2D", "Conv2DOptions", x, weights, weights.size(0), bias, 0);
  }

  /**
   * @param weights [1, height, width, channels * multiplier]
   */
  public Value depthwise(Graph g, Value x, Value weights, Value bias, int multiplier) {
    boolean dilated = dilations[0] > 1 || dilations[1] > 1;
    return image(
        g,
        dilated ? 2 : 1,
        "DEPTHWISE_CONV_2D",
        "DepthwiseConv2DOptions",
        x,
        weights,
        weights.size(3),
        bias,
        multiplier);
  }

  private Value image(
      Graph g,
      int version,
      String kind,
      String options,
      Value x,
      Value weights,
      int channels,
      Value bias,
      int multiplier) {
    int[] shape = {x.size(0), size(x, 1, weights, 1, 0), size(x, 2, weights, 2, 1), channels};
    Map<String, Object> fields = new HashMap<>();
    fields.put("padding", padding);
    fields.put("stride_h", strides[0]);
    fields.put("stride_w", strides[1]);
    fields.put("dilation_h_factor", dilations[0]);
    fields.put("dilation_w_factor", dilations[1]);
    if (multiplier > 0) {
      fields.put("depth_multiplier", multiplier);
    }
    return g.op(version, kind, options, fields, shape, x, weights, orZeros(g, bias, channels));
  }

  /**
   * @param x [batch, depth, height, width, channels]
   * @param weights [depth, height, width, channels, filters]
   */
  Value conv3(Graph g, Value x, Value weights, Value bias) {
    int[] shape = x.shape.clone();
    shape[4] = weights.size(4);
    Map<String, Object> fields = new HashMap<>(Map.of("padding", padding));
    for (int i = 0; i < 3; i++) {
      shape[i + 1] = size(x, i + 1, weights, i, i);
      fields.put("stride_" + SIDES.get(i), strides[i]);
      fields.put("dilation_" + SIDES.get(i) + "_factor", dilations[i]);
    }
    Value offsets = orZeros(g, bias, weights.size(4));
    return g.op("CONV_3D", "Conv3DOptions", fields, shape, x, weights, offsets);
  }
}
