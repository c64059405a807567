package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Convolutions of one, two and three dimensions. */
final class ConvolutionLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "Conv1D", one(ConvolutionLayers::conv1),
          "Conv2D", one(ConvolutionLayers::conv2),
          "Conv3D", one(ConvolutionLayers::conv3),
          "DepthwiseConv1D", one(ConvolutionLayers::depthwise1),
          "DepthwiseConv2D", one(ConvolutionLayers::depthwise2),
          "SeparableConv1D", one(ConvolutionLayers::separable1),
          "SeparableConv2D", one(ConvolutionLayers::separable2),
          "Conv1DTranspose", one(ConvolutionLayers::transposed1),
          "Conv2DTranspose", one(ConvolutionLayers::transposed2));

  static final int SAME = 0;
  static final int VALID = 1;

  private ConvolutionLayers() {}

  /** Height and width of a kernel, stride or dilation; those of one dimension have height 1. */
  private static int[] plane(Call call, String field, int dimensions) {
    int[] sizes = call.config().integers(field, dimensions, 1);
    for (int size : sizes) {
      if (size < 1) {
        throw new IllegalStateException("`" + field + "` is " + size);
      }
    }
    return dimensions == 1 ? new int[] {1, sizes[0]} : sizes;
  }

  static int padding(Call call) {
    String padding = call.config().text("padding", call.config().text("border_mode", "valid"));
    return switch (padding) {
      case "same" -> SAME;
      case "valid", "causal" -> VALID;
      default -> throw new UnsupportedException("padding " + padding);
    };
  }

  static int size(int in, int kernel, int stride, int dilation, int padding) {
    int size =
        padding == SAME
            ? (in + stride - 1) / stride
            : Math.floorDiv(in - (kernel - 1) * dilation - 1, stride) + 1;
    if (size < 1) {
      throw new IllegalStateException(
          "its window of " + kernel + " is larger than its input of " + in);
    }
    return size;
  }

  /** [batch, steps, channels] as an image of height 1. */
  static Value image(Call call) {
    Value x = call.x();
    if (x.rank() != 3) {
      throw new IllegalStateException("its input " + x + " has not 3 axes");
    }
    return call.graph().reshape(x, x.size(0), 1, x.size(1), x.size(2));
  }

  static Value steps(Call call, Value image) {
    return call.graph().reshape(image, image.size(0), image.size(2), image.size(3));
  }

  private static Value conv1(Call call) {
    call.channelsLast();
    Value x = image(call);
    if (call.config().text("padding", "").equals("causal")) {
      int before = (plane(call, "kernel_size", 1)[1] - 1) * plane(call, "dilation_rate", 1)[1];
      x = call.graph().pad(x, 0, 0, 0, 0, before, 0, 0, 0);
    }
    return call.activated(steps(call, conv(call, x, 1)));
  }

  private static Value conv2(Call call) {
    call.channelsLast();
    return call.activated(conv(call, rank(call, 4), 2));
  }

  static Value rank(Call call, int rank) {
    if (call.x().rank() != rank) {
      throw new IllegalStateException("its input " + call.x() + " has not " + rank + " axes");
    }
    return call.x();
  }

  private static Value conv(Call call, Value x, int dimensions) {
    int[] kernel = plane(call, "kernel_size", dimensions);
    int groups = call.config().integer("groups", 1);
    int filters = call.config().integer("filters", 0);
    if (groups < 1 || x.channels() % groups != 0 || filters % groups != 0) {
      throw new IllegalStateException(groups + " groups of " + x.channels() + " channels");
    }
    int channels = x.channels() / groups;
    int[] shape =
        dimensions == 1
            ? new int[] {kernel[1], channels, filters}
            : new int[] {kernel[0], kernel[1], channels, filters};
    float[] values = call.weight("kernel", 0, shape).values();
    Value weights =
        call.graph()
            .constant(
                "kernel",
                DenseLayers.transposed(values, values.length / Math.max(1, filters), filters),
                filters,
                kernel[0],
                kernel[1],
                channels);
    Value bias = call.bias(1, filters);
    return window(
        call,
        "CONV_2D",
        "Conv2DOptions",
        x,
        weights,
        bias == null ? call.graph().constant("bias", new float[filters], filters) : bias,
        dimensions,
        groups > 1 ? 6 : 1,
        new HashMap<>());
  }

  private static Value window(
      Call call,
      String kind,
      String options,
      Value x,
      Value weights,
      Value bias,
      int dimensions,
      int version,
      Map<String, Object> fields) {
    int[] strides = plane(call, "strides", dimensions);
    int[] dilations = plane(call, "dilation_rate", dimensions);
    int padding = padding(call);
    int channels = bias.channels();
    int[] shape = {
      x.size(0),
      size(x.size(1), weights.size(1), strides[0], dilations[0], padding),
      size(x.size(2), weights.size(2), strides[1], dilations[1], padding),
      channels
    };
    fields.put("padding", padding);
    fields.put("stride_h", strides[0]);
    fields.put("stride_w", strides[1]);
    fields.put("dilation_h_factor", dilations[0]);
    fields.put("dilation_w_factor", dilations[1]);
    boolean dilated = dilations[0] > 1 || dilations[1] > 1;
    int needed = dilated && kind.startsWith("DEPTH") ? Math.max(2, version) : version;
    return call.graph().op(needed, kind, options, fields, shape, x, weights, bias);
  }

  private static Value depthwise1(Call call) {
    call.channelsLast();
    return call.activated(steps(call, depthwise(call, image(call), 1, "depthwise_kernel", true)));
  }

  private static Value depthwise2(Call call) {
    call.channelsLast();
    return call.activated(depthwise(call, rank(call, 4), 2, "depthwise_kernel", true));
  }

  private static Value depthwise(
      Call call, Value x, int dimensions, String name, boolean withBias) {
    int[] kernel = plane(call, "kernel_size", dimensions);
    int multiplier = call.config().integer("depth_multiplier", 1);
    int channels = Math.multiplyExact(x.channels(), multiplier);
    int[] shape =
        dimensions == 1
            ? new int[] {kernel[1], x.channels(), multiplier}
            : new int[] {kernel[0], kernel[1], x.channels(), multiplier};
    // Keras before 3 names it after the class: kernel in some versions, at the same place.
    float[] values =
        (call.optional(call.part(), name, 0).isPresent()
                ? call.weight(name, 0, shape)
                : call.weight("kernel", 0, shape))
            .values();
    Value weights = call.graph().constant(name, values, 1, kernel[0], kernel[1], channels);
    Value bias = withBias ? call.bias(1, channels) : null;
    Map<String, Object> fields = new HashMap<>();
    fields.put("depth_multiplier", multiplier);
    return window(
        call,
        "DEPTHWISE_CONV_2D",
        "DepthwiseConv2DOptions",
        x,
        weights,
        bias == null ? call.graph().constant("bias", new float[channels], channels) : bias,
        dimensions,
        1,
        fields);
  }

  private static Value separable1(Call call) {
    call.channelsLast();
    Value x = image(call);
    if (call.config().text("padding", "").equals("causal")) {
      int before = (plane(call, "kernel_size", 1)[1] - 1) * plane(call, "dilation_rate", 1)[1];
      x = call.graph().pad(x, 0, 0, 0, 0, before, 0, 0, 0);
    }
    return call.activated(steps(call, separable(call, x, 1)));
  }

  private static Value separable2(Call call) {
    call.channelsLast();
    return call.activated(separable(call, rank(call, 4), 2));
  }

  private static Value separable(Call call, Value x, int dimensions) {
    Value deep = depthwise(call, x, dimensions, "depthwise_kernel", false);
    deep.name = call.graph().scope + "/depthwise";
    int filters = call.config().integer("filters", 0);
    int[] shape =
        dimensions == 1
            ? new int[] {1, deep.channels(), filters}
            : new int[] {1, 1, deep.channels(), filters};
    float[] values = call.weight("pointwise_kernel", 1, shape).values();
    Value weights =
        call.graph()
            .constant(
                "pointwise_kernel",
                DenseLayers.transposed(values, deep.channels(), filters),
                filters,
                1,
                1,
                deep.channels());
    Value bias = call.bias(2, filters);
    int[] out = deep.shape.clone();
    out[3] = filters;
    Map<String, Object> fields = Map.of("padding", SAME, "stride_h", 1, "stride_w", 1);
    return call.graph()
        .op(
            "CONV_2D",
            "Conv2DOptions",
            fields,
            out,
            deep,
            weights,
            bias == null ? call.graph().constant("bias", new float[filters], filters) : bias);
  }

  private static Value conv3(Call call) {
    call.channelsLast();
    Value x = rank(call, 5);
    int[] kernel = call.config().integers("kernel_size", 3, 1);
    int[] strides = call.config().integers("strides", 3, 1);
    int[] dilations = call.config().integers("dilation_rate", 3, 1);
    int filters = call.config().integer("filters", 0);
    if (call.config().integer("groups", 1) != 1) {
      throw new UnsupportedException("groups");
    }
    int padding = padding(call);
    int[] shape = new int[5];
    shape[0] = x.size(0);
    shape[4] = filters;
    for (int i = 0; i < 3; i++) {
      shape[i + 1] = size(x.size(i + 1), kernel[i], strides[i], dilations[i], padding);
    }
    int[] sizes = {kernel[0], kernel[1], kernel[2], x.channels(), filters};
    Value weights =
        call.graph().constant("kernel", call.weight("kernel", 0, sizes).values(), sizes);
    Value bias = call.bias(1, filters);
    Map<String, Object> fields = new HashMap<>();
    fields.put("padding", padding);
    String[] names = {"d", "h", "w"};
    for (int i = 0; i < 3; i++) {
      fields.put("stride_" + names[i], strides[i]);
      fields.put("dilation_" + names[i] + "_factor", dilations[i]);
    }
    return call.activated(
        call.graph()
            .op(
                "CONV_3D",
                "Conv3DOptions",
                fields,
                shape,
                x,
                weights,
                bias == null ? call.graph().constant("bias", new float[filters], filters) : bias));
  }

  private static Value transposed1(Call call) {
    call.channelsLast();
    return call.activated(steps(call, transposed(call, image(call), 1)));
  }

  private static Value transposed2(Call call) {
    call.channelsLast();
    return call.activated(transposed(call, rank(call, 4), 2));
  }

  private static Value transposed(Call call, Value x, int dimensions) {
    int[] kernel = plane(call, "kernel_size", dimensions);
    int[] strides = plane(call, "strides", dimensions);
    for (int dilation : plane(call, "dilation_rate", dimensions)) {
      if (dilation != 1) {
        throw new UnsupportedException("dilation of a transposed convolution");
      }
    }
    if (call.config().has("output_padding")) {
      throw new UnsupportedException("output_padding");
    }
    int filters = call.config().integer("filters", 0);
    int padding = padding(call);
    int[] shape = {x.size(0), 0, 0, filters};
    for (int i = 0; i < 2; i++) {
      int more = padding == SAME ? 0 : Math.max(0, kernel[i] - strides[i]);
      shape[i + 1] = Math.addExact(Math.multiplyExact(x.size(i + 1), strides[i]), more);
    }
    int[] sizes =
        dimensions == 1
            ? new int[] {kernel[1], filters, x.channels()}
            : new int[] {kernel[0], kernel[1], filters, x.channels()};
    float[] values = call.weight("kernel", 0, sizes).values();
    Value weights =
        call.graph()
            .constant(
                "kernel",
                channelsFirst(values, kernel[0] * kernel[1], filters, x.channels()),
                filters,
                kernel[0],
                kernel[1],
                x.channels());
    Graph graph = call.graph();
    Map<String, Object> fields =
        Map.of("padding", padding, "stride_h", strides[0], "stride_w", strides[1]);
    Value out = new Value(graph.scope, x.type, shape);
    out.batched = x.batched;
    Value size = graph.shapeOf(x, shape);
    graph.add(
        new Op("TRANSPOSE_CONV", "TransposeConvOptions", fields, List.of(size, weights, x), out));
    Value bias = call.bias(1, filters);
    return bias == null ? out : graph.binary("ADD", out, bias);
  }

  /** [window, out, in] as [out, window, in]. */
  private static float[] channelsFirst(float[] values, int window, int out, int in) {
    float[] result = new float[values.length];
    for (int w = 0; w < window; w++) {
      for (int o = 0; o < out; o++) {
        System.arraycopy(values, (w * out + o) * in, result, (o * window + w) * in, in);
      }
    }
    return result;
  }
}
