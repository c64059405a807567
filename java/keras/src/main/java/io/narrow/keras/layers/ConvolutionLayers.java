package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Call.UnsupportedException;
import io.narrow.keras.rule.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Convolutions of one, two and three dimensions. */
final class ConvolutionLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          "Conv1D", one(call -> line(call, ConvolutionLayers::conv)),
          "Conv2D", one(call -> call.activated(conv(call, rank(call, 4), 2))),
          "Conv3D", one(call -> call.activated(conv3(call))),
          "DepthwiseConv1D", one(call -> line(call, ConvolutionLayers::depthwise)),
          "DepthwiseConv2D", one(call -> call.activated(depthwise(call, rank(call, 4), 2))),
          "SeparableConv1D", one(call -> line(call, ConvolutionLayers::separable)),
          "SeparableConv2D", one(call -> call.activated(separable(call, rank(call, 4), 2))));

  private ConvolutionLayers() {}

  /** A convolution of one dimension is one of an image with height 1. */
  interface Plane {
    Value build(Call call, Value image, int dimensions);
  }

  private static Value line(Call call, Plane plane) {
    Value x = image(call);
    if (call.config().text("padding", "").equals("causal")) {
      int before = (plane(call, "kernel_size", 1)[1] - 1) * plane(call, "dilation_rate", 1)[1];
      x = call.graph().pad(x, 0, 0, 0, 0, before, 0, 0, 0);
    }
    return call.activated(steps(call, plane.build(call, x, 1)));
  }

  /** Height and width of a kernel, stride or dilation; those of one dimension have height 1. */
  static int[] plane(Call call, String field, int dimensions) {
    int[] sizes = sizes(call, field, dimensions);
    return dimensions == 1 ? new int[] {1, sizes[0]} : sizes;
  }

  static int[] sizes(Call call, String field, int dimensions) {
    int[] sizes = call.config().integers(field, dimensions, 1);
    for (int size : sizes) {
      if (size < 1) {
        throw new IllegalStateException("`" + field + "` is " + size);
      }
    }
    return sizes;
  }

  static int padding(Call call) {
    String padding = call.config().text("padding", "valid");
    return switch (padding) {
      case "same" -> Padding.SAME;
      case "valid", "causal" -> Padding.VALID;
      default -> throw new UnsupportedException("padding " + padding);
    };
  }

  /** [batch, steps, channels] as an image of height 1. */
  static Value image(Call call) {
    Value x = rank(call, 3);
    return call.graph().reshape(x, x.size(0), 1, x.size(1), x.size(2));
  }

  static Value steps(Call call, Value image) {
    return call.graph().reshape(image, image.size(0), image.size(2), image.size(3));
  }

  static Value rank(Call call, int rank) {
    if (call.x().rank() != rank) {
      throw new IllegalStateException("its input " + call.x() + " has not " + rank + " axes");
    }
    return call.x();
  }

  /** The shape of a kernel in the file, which has no height where there is one dimension. */
  private static int[] shape(int dimensions, int[] kernel, int in, int out) {
    return dimensions == 1
        ? new int[] {kernel[1], in, out}
        : new int[] {kernel[0], kernel[1], in, out};
  }

  private static int groups(Call call, int channels, int filters) {
    int groups = call.config().integer("groups", 1);
    if (groups < 1 || channels % groups != 0 || filters % groups != 0) {
      throw new IllegalStateException(groups + " groups of " + channels + " channels");
    }
    return groups;
  }

  private static Value conv(Call call, Value x, int dimensions) {
    int[] kernel = plane(call, "kernel_size", dimensions);
    int filters = call.config().integer("filters", 0);
    int groups = groups(call, x.channels(), filters);
    int channels = x.channels() / groups;
    Floats numbers = call.weight("kernel", 0, shape(dimensions, kernel, channels, filters));
    Value weights = kernel(call, "kernel", numbers, filters, kernel[0], kernel[1], channels);
    Value bias = call.bias(1, filters);
    return Window.of(call, dimensions).conv(call.graph(), x, weights, bias, groups > 1 ? 6 : 1);
  }

  /** Numbers in the order of Keras, in which the first axis of {@code shape} comes last. */
  private static Value kernel(Call call, String name, Floats numbers, int... shape) {
    int rows = numbers.size() / Math.max(1, shape[0]);
    return call.graph().constant(name, numbers.transposed(rows, shape[0]), shape);
  }

  private static Value depthwise(Call call, Value x, int dimensions) {
    // Its name is that of the class or the one of all convolutions, by the version of Keras.
    boolean named = call.optional(call.part(), "depthwise_kernel", 0).isPresent();
    String name = named ? "depthwise_kernel" : "kernel";
    int channels = x.channels() * call.config().integer("depth_multiplier", 1);
    return depthwise(call, x, dimensions, name, call.bias(1, channels));
  }

  private static Value depthwise(Call call, Value x, int dimensions, String name, Value bias) {
    int[] kernel = plane(call, "kernel_size", dimensions);
    int multiplier = call.config().integer("depth_multiplier", 1);
    int channels = Math.multiplyExact(x.channels(), multiplier);
    Floats numbers = call.weight(name, 0, shape(dimensions, kernel, x.channels(), multiplier));
    Value weights = call.graph().constant(name, numbers, 1, kernel[0], kernel[1], channels);
    return Window.of(call, dimensions).depthwise(call.graph(), x, weights, bias, multiplier);
  }

  private static Value separable(Call call, Value x, int dimensions) {
    Value deep = depthwise(call, x, dimensions, "depthwise_kernel", null);
    deep.name = call.graph().scope + "/depthwise";
    int filters = call.config().integer("filters", 0);
    int[] shape = shape(dimensions, new int[] {1, 1}, deep.channels(), filters);
    Floats numbers = call.weight("pointwise_kernel", 1, shape);
    Value weights = kernel(call, "pointwise_kernel", numbers, filters, 1, 1, deep.channels());
    return Window.ONE.conv(call.graph(), deep, weights, call.bias(2, filters), 1);
  }

  private static Value conv3(Call call) {
    Value x = rank(call, 5);
    int filters = call.config().integer("filters", 0);
    int groups = groups(call, x.channels(), filters);
    int[] kernel = sizes(call, "kernel_size", 3);
    int[] sizes = {kernel[0], kernel[1], kernel[2], x.channels() / groups, filters};
    Floats numbers = call.weight("kernel", 0, sizes);
    Value bias = call.bias(1, filters);
    Window window = Window.of(call, 3);
    if (groups == 1) {
      Value weights = call.graph().constant("kernel", numbers, sizes);
      return window.conv3(call.graph(), x, weights, bias);
    }
    // CONV_3D has no groups.
    sizes[4] = filters / groups;
    Floats byFilter = numbers.transposed(numbers.size() / filters, filters);
    int part = numbers.size() / groups;
    List<Value> parts = new ArrayList<>();
    for (int i = 0; i < groups; i++) {
      Value slice = call.graph().slice(x, 4, i * sizes[3], sizes[3]);
      Floats kernels = byFilter.part(i * part, part).transposed(sizes[4], part / sizes[4]);
      Value weights = call.graph().constant("kernel", kernels, sizes);
      parts.add(window.conv3(call.graph(), slice, weights, null));
    }
    Value whole = call.graph().concat(parts, 4);
    return bias == null ? whole : call.graph().binary("ADD", whole, bias);
  }
}
