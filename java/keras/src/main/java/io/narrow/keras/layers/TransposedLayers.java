package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Rule;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Transposed convolutions of one, two and three dimensions. */
final class TransposedLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "Conv1DTranspose", one(TransposedLayers::line),
          "Conv2DTranspose", one(call -> call.activated(plane(call, call.x(), 2))),
          "Conv3DTranspose", one(call -> call.activated(box(call))));

  private TransposedLayers() {}

  private static Value line(Call call) {
    Value image = ConvolutionLayers.image(call);
    return call.activated(ConvolutionLayers.steps(call, plane(call, image, 1)));
  }

  /** A window of a transposed convolution, and what comes out of it. */
  private record Spread(int[] kernel, int[] strides, int[] dilations, int[] out) {
    /** The kernel with the gaps that dilation makes. */
    int wide(int axis) {
      return (kernel[axis] - 1) * dilations[axis] + 1;
    }
  }

  /**
   * @param in sizes of the input, of which the last {@code dimensions} are the configuration's
   */
  private static Spread window(Call call, int[] in, int dimensions) {
    Spread window =
        new Spread(
            sizes(call, "kernel_size", dimensions, in.length),
            sizes(call, "strides", dimensions, in.length),
            sizes(call, "dilation_rate", dimensions, in.length),
            in.clone());
    boolean same = ConvolutionLayers.padding(call) == Padding.SAME;
    boolean more = call.config().has("output_padding");
    int[] added = call.config().integers("output_padding", dimensions, 0);
    for (int i = in.length - dimensions; i < in.length; i++) {
      int kernel = window.wide(i);
      int stride = window.strides()[i];
      int extra = more ? added[i - in.length + dimensions] : Math.max(0, stride - kernel);
      window.out()[i] =
          same && !more
              ? Math.multiplyExact(in[i], stride)
              : (in[i] - 1) * stride + (same ? kernel % 2 : kernel) + extra;
    }
    return window;
  }

  private static int[] sizes(Call call, String field, int dimensions, int axes) {
    int[] given = ConvolutionLayers.sizes(call, field, dimensions);
    int[] sizes = new int[axes];
    Arrays.fill(sizes, 1);
    System.arraycopy(given, 0, sizes, axes - dimensions, dimensions);
    return sizes;
  }

  private static Value plane(Call call, Value x, int dimensions) {
    if (x.rank() != 4) {
      throw new IllegalStateException("its input " + x + " has not " + (dimensions + 2) + " axes");
    }
    Spread window = window(call, new int[] {x.size(1), x.size(2)}, dimensions);
    int filters = call.config().integer("filters", 0);
    int[] kernel = window.kernel();
    int[] inFile =
        dimensions == 1
            ? new int[] {kernel[1], filters, x.channels()}
            : new int[] {kernel[0], kernel[1], filters, x.channels()};
    Floats numbers = dilated(call.weight("kernel", 0, inFile), window, filters * x.channels());
    int[] wide = {window.wide(0), window.wide(1)};
    Value weights =
        call.graph()
            .constant(
                "kernel",
                numbers.transposed(wide[0] * wide[1], filters, x.channels()),
                filters,
                wide[0],
                wide[1],
                x.channels());
    Map<String, Object> fields = new HashMap<>();
    fields.put("padding", ConvolutionLayers.padding(call));
    fields.put("stride_h", window.strides()[0]);
    fields.put("stride_w", window.strides()[1]);
    int[] shape = {x.size(0), window.out()[0], window.out()[1], filters};
    return append(call, "TRANSPOSE_CONV", "TransposeConvOptions", fields, shape, weights, x);
  }

  /** TensorFlow Lite does not dilate here, so the gaps go into the kernel. */
  private static Floats dilated(Floats kernel, Spread window, int inner) {
    if (Arrays.stream(window.dilations()).allMatch(dilation -> dilation == 1)) {
      return kernel;
    }
    float[] narrow = kernel.values();
    int axes = window.kernel().length;
    int places = 1;
    for (int i = 0; i < axes; i++) {
      places = Math.multiplyExact(places, window.wide(i));
    }
    float[] wide = new float[Math.multiplyExact(places, inner)];
    for (int from = 0; from < narrow.length / inner; from++) {
      int rest = from;
      int to = 0;
      int stride = 1;
      for (int i = axes - 1; i >= 0; i--) {
        to += rest % window.kernel()[i] * window.dilations()[i] * stride;
        rest /= window.kernel()[i];
        stride *= window.wide(i);
      }
      System.arraycopy(narrow, from * inner, wide, to * inner, inner);
    }
    return Floats.of(wide);
  }

  private static Value append(
      Call call,
      String kind,
      String options,
      Map<String, Object> fields,
      int[] shape,
      Value weights,
      Value x) {
    Graph graph = call.graph();
    int filters = shape[shape.length - 1];
    Value bias = call.bias(1, filters);
    Value out = new Value(graph.scope, x.type, shape);
    out.batched = x.batched;
    List<Value> inputs =
        bias == null
            ? List.of(graph.shapeOf(x, shape), weights, x)
            : List.of(graph.shapeOf(x, shape), weights, x, bias);
    int version = kind.equals("TRANSPOSE_CONV") && bias != null ? 3 : 1;
    graph.add(new Op(kind, options, fields, inputs, out).version(version));
    return out;
  }

  private static Value box(Call call) {
    Value x = ConvolutionLayers.rank(call, 5);
    Spread window = window(call, new int[] {x.size(1), x.size(2), x.size(3)}, 3);
    int filters = call.config().integer("filters", 0);
    int[] kernel = window.kernel();
    int[] inFile = {kernel[0], kernel[1], kernel[2], filters, x.channels()};
    Floats numbers = dilated(call.weight("kernel", 0, inFile), window, filters * x.channels());
    int[] wide = {window.wide(0), window.wide(1), window.wide(2), filters, x.channels()};
    Value weights = call.graph().constant("kernel", numbers, wide);
    Map<String, Object> fields = new HashMap<>();
    fields.put("padding", ConvolutionLayers.padding(call));
    fields.put("stride_d", window.strides()[0]);
    fields.put("stride_h", window.strides()[1]);
    fields.put("stride_w", window.strides()[2]);
    for (String side : List.of("d", "h", "w")) {
      fields.put("dilation_" + side + "_factor", 1);
    }
    int[] out = window.out();
    int[] shape = {x.size(0), out[0], out[1], out[2], filters};
    return append(call, "CONV_3D_TRANSPOSE", "Conv3DOptions", fields, shape, weights, x);
  }
}
