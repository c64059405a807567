package io.narrow.tflite.correction;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.ops.Products;
import io.narrow.tflite.schema.Schema;
import java.util.Arrays;
import java.util.Optional;

/**
 * What the weights of an operator are multiplied with: for each position of its output a patch of
 * its input. Weights fall into groups; the channels of a group share its part of a patch.
 *
 * @param kind how patches are cut out
 * @param in height, width and channels of the input
 * @param out the same of the output
 * @param kernel height and width of the kernel
 * @param stride steps down and to the right
 * @param dilation distance of what a kernel looks at
 * @param padding rows above and columns to the left of the input
 * @param groups how many groups
 * @param depth how many values of a patch belong to a group
 * @param channels output channels of a group
 */
record Patches(
    Products kind,
    int[] in,
    int[] out,
    int[] kernel,
    int[] stride,
    int[] dilation,
    int[] padding,
    int groups,
    int depth,
    int channels) {

  /** Those of an operator with constant weights; empty if their shapes do not say. */
  static Optional<Patches> of(Subgraph graph, Operator operator) {
    OpRule rule = OpRules.of(operator.name());
    Products kind = rule.products();
    if (kind == Products.NONE) {
      return Optional.empty();
    }
    Tensor weights = graph.tensor(operator.input(rule.weights().get(0)));
    int[] shape = weights.shape();
    int channels = shape[kind == Products.CHANNELS ? shape.length - 1 : 0];
    if (kind == Products.ROWS) {
      int[] one = {1, 1};
      int[] none = {0, 0};
      return Optional.of(
          new Patches(
              kind,
              new int[] {1, 1, shape[1]},
              new int[] {1, 1, channels},
              one,
              one,
              one,
              none,
              1,
              shape[1],
              channels));
    }
    Tensor input = graph.tensor(operator.input(activations(operator)));
    Tensor output = graph.tensor(operator.outputs()[0]);
    if (shape.length != 4 || input.rank() != 4 || output.rank() != 4) {
      return Optional.empty();
    }
    int[] in = Arrays.copyOfRange(input.shape(), 1, 4);
    int[] out = Arrays.copyOfRange(output.shape(), 1, 4);
    int[] kernel = {shape[1], shape[2]};
    int[] stride = {(int) operator.option("stride_h"), (int) operator.option("stride_w")};
    int[] dilation = {
      Math.max(1, (int) operator.option("dilation_h_factor")),
      Math.max(1, (int) operator.option("dilation_w_factor"))
    };
    boolean same = operator.option("padding") == Schema.value("Padding", "SAME");
    boolean spread = kind == Products.SPREAD;
    int[] padding = new int[2];
    for (int axis = 0; axis < 2; axis++) {
      int steps = (spread ? in : out)[axis] - 1;
      int reach = steps * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
      padding[axis] = same ? Math.max(0, reach - (spread ? out : in)[axis]) / 2 : 0;
    }
    int read = kind == Products.CHANNELS ? 1 : shape[3];
    if (in[2] <= 0 || read <= 0 || in[2] % read != 0) {
      return Optional.empty();
    }
    int groups = in[2] / read;
    int depth = kernel[0] * kernel[1] * read;
    return channels % groups != 0 || channels != out[2] || Arrays.stream(out).anyMatch(n -> n <= 0)
        ? Optional.empty()
        : Optional.of(
            new Patches(
                kind,
                in,
                out,
                kernel,
                stride,
                dilation,
                padding,
                groups,
                depth,
                channels / groups));
  }

  /** Place of the operand that an operator's weights are multiplied with. */
  static int activations(Operator operator) {
    return OpRules.of(operator.name()).integer().orElseThrow().inputs().iterator().next();
  }

  /** Channels of the output. */
  int outputs() {
    return groups * channels;
  }

  /** How many positions an output has, all elements of a batch taken together. */
  long positions(long elements) {
    return elements / outputs();
  }

  /** Whether an input has the size that goes with so many positions. */
  boolean fits(int elements, int positions) {
    long batch = (long) positions / ((long) out[0] * out[1]);
    return batch * out[0] * out[1] == positions
        && batch * in[0] * in[1] * in[2] == elements
        && positions > 0;
  }

  /**
   * Copies the patch of a position: for each tap of the kernel all channels of the input.
   *
   * @param patch receives the values, from {@code at} on
   */
  void copy(float[] input, int position, double[] patch, int at) {
    int x = position % out[1];
    int y = position / out[1] % out[0];
    int plane = position / (out[1] * out[0]) * in[0];
    int channel = in[2];
    for (int ky = 0; ky < kernel[0]; ky++) {
      int row = read(0, y, ky);
      for (int kx = 0; kx < kernel[1]; kx++) {
        int column = row < 0 ? -1 : read(1, x, kx);
        if (column < 0) {
          Arrays.fill(patch, at, at + channel, 0);
        } else {
          int from = ((plane + row) * in[1] + column) * channel;
          for (int c = 0; c < channel; c++) {
            patch[at + c] = input[from + c];
          }
        }
        at += channel;
      }
    }
  }

  /** Row or column of the input, -1 for one that is not there. */
  private int read(int axis, int position, int tap) {
    if (kind == Products.SPREAD) {
      int at = position + padding[axis] - tap;
      return at < 0 || at % stride[axis] != 0 || at / stride[axis] >= in[axis]
          ? -1
          : at / stride[axis];
    }
    int at = position * stride[axis] - padding[axis] + tap * dilation[axis];
    return at < 0 || at >= in[axis] ? -1 : at;
  }

  /** Values of a patch. */
  int size() {
    return groups * depth;
  }

  /** Place in a patch of a value of a group's part. */
  int place(int group, int value) {
    int each = depth / (kernel[0] * kernel[1]);
    return value / each * in[2] + group * each + value % each;
  }

  /** Place of a weight in its tensor. */
  int weight(int group, int channel, int value) {
    int output = group * channels + channel;
    return kind == Products.CHANNELS ? value * outputs() + output : output * depth + value;
  }
}
