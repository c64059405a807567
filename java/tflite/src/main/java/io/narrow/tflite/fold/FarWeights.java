package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Axis;
import io.narrow.tflite.ops.OpRule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Sums of products with weights of uint8 that reach further than int8 from their zero point, code
 * for code: such a weight is the sum of two or three that fit, and what it is multiplied with is
 * there as often. Channels are copied by SLICE and CONCATENATION.
 *
 * <p>A depthwise convolution has one input for each output: channels with such weights are computed
 * apart, by a CONV_2D, and take their places among the others.
 */
final class FarWeights {
  private static final int LARGEST = Byte.MAX_VALUE;

  private final Draft.Graph graph;
  private final Contents contents;
  private final Operator operator;
  private final OpRule rule;
  private final int input; // place
  private final int number;
  private final Tensor weights;
  private final int[] values;

  /**
   * @param number of the operator
   * @param input place of what the weights are applied to, which is int8 already
   */
  FarWeights(Draft.Graph graph, Contents contents, int number, OpRule rule, int input) {
    this.graph = graph;
    this.contents = contents;
    this.number = number;
    this.operator = graph.operator(number);
    this.rule = rule;
    this.input = input;
    this.weights = graph.tensor(operator.input(rule.weights().get(0)));
    ByteBuffer codes = contents.of(weights.buffer()).bytes();
    this.values = new int[codes.remaining()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Byte.toUnsignedInt(codes.get()) - (int) weights.zeroPoints()[0];
    }
  }

  /**
   * The operator with int8 weights, what it needs beside it added; empty if channels cannot be told
   * apart, or if there would be more than twice as many weights.
   */
  Optional<Operator> exact() {
    Tensor x = graph.tensor(operator.input(input));
    int channels = weights.dimension(weights.rank() - 1);
    if (x.rank() < 2 || x.dimension(x.rank() - 1) != channels || values.length == 0) {
      return Optional.empty();
    }
    if (rule.axis() == Axis.LAST) {
      return x.rank() == weights.rank() && graph.tensor(operator.outputs()[0]).rank() == x.rank()
          ? apart(channels)
          : Optional.empty();
    }
    return Optional.of(inParts(channels));
  }

  private static int parts(int value) {
    return (Math.abs(value) + LARGEST - 1) / LARGEST;
  }

  /** One of the parts of a weight, each within what int8 holds. */
  private static byte part(int value, int number) {
    int most = LARGEST * (number + 1);
    int before = LARGEST * number;
    return (byte)
        (Math.max(-most, Math.min(most, value)) - Math.max(-before, Math.min(before, value)));
  }

  /** For each channel of the last axis, how many parts its largest weight has. */
  private int[] partsOf(int channels) {
    int[] parts = new int[channels];
    for (int i = 0; i < values.length; i++) {
      parts[i % channels] = Math.max(parts[i % channels], parts(values[i]));
    }
    return parts;
  }

  private static int[] having(int[] parts, int more) {
    return IntStream.range(0, parts.length).filter(c -> parts[c] > more).toArray();
  }

  /** Channels of the input that are multiplied with far weights are there again behind all. */
  private Operator inParts(int channels) {
    int x = operator.input(input);
    int[] parts = partsOf(channels);
    List<Integer> inputs = new ArrayList<>(List.of(x));
    List<int[]> copies = new ArrayList<>(); // channel and number of its part
    for (int more = 1; having(parts, more).length > 0; more++) {
      int[] again = having(parts, more);
      int part = more;
      IntStream.of(again).forEach(c -> copies.add(new int[] {c, part}));
      inputs.addAll(slices(x, again));
    }
    int all = channels + copies.size();
    byte[] made = new byte[values.length / channels * all];
    for (int row = 0; row < values.length / channels; row++) {
      for (int c = 0; c < all; c++) {
        int[] copy = c < channels ? new int[] {c, 0} : copies.get(c - channels);
        made[row * all + c] = part(values[row * channels + copy[0]], copy[1]);
      }
    }
    int[] shape = weights.shape();
    shape[shape.length - 1] = all;
    return operator
        .withInput(input, joined(x, inputs, all))
        .withInput(rule.weights().get(0), constant(shape, made));
  }

  private Optional<Operator> apart(int channels) {
    int[] parts = partsOf(channels);
    int[] far = having(parts, 1);
    int most = IntStream.of(parts).max().orElse(0);
    int inner = values.length / channels;
    if ((long) far.length * far.length * most > channels) {
      return Optional.empty();
    }
    byte[] near = new byte[values.length];
    byte[] made = new byte[far.length * inner * far.length * most];
    for (int i = 0; i < values.length; i++) {
      near[i] = part(values[i], 0);
    }
    for (int out = 0; out < far.length; out++) {
      for (int i = 0; i < inner; i++) {
        for (int part = 0; part < most; part++) {
          int at = ((out * inner + i) * most + part) * far.length + out;
          made[at] = part(values[i * channels + far[out]], part);
        }
      }
    }
    int x = operator.input(input);
    List<Integer> once = slices(x, far);
    List<Integer> inputs = new ArrayList<>();
    for (int part = 0; part < most; part++) {
      inputs.addAll(once);
    }
    int[] shape = weights.shape();
    int[] kernel = {far.length, shape[1], shape[2], far.length * most};
    int y = operator.outputs()[0];
    int sums = like(y, far.length, "_far");
    int others = like(y, channels, "_near");
    int[] in = {joined(x, inputs, far.length * most), constant(kernel, made), biases(far)};
    graph.addAfter(
        number, Operator.of("CONV_2D", 3, "Conv2DOptions", options(), in, new int[] {sums}));
    List<Integer> pieces = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < far.length; i++) {
      if (far[i] > next) {
        pieces.add(slice(others, next, far[i] - next, false));
      }
      pieces.add(far.length == 1 ? sums : slice(sums, i, 1, false));
      next = far[i] + 1;
    }
    if (next < channels) {
      pieces.add(slice(others, next, channels - next, false));
    }
    graph.addAfter(number, concatenation(pieces, y));
    return Optional.of(
        operator.withInput(rule.weights().get(0), constant(shape, near)).withOutput(0, others));
  }

  /** A depthwise convolution's as those of a convolution. */
  private Map<String, Object> options() {
    return Stream.of(
            "padding",
            "stride_w",
            "stride_h",
            "fused_activation_function",
            "dilation_w_factor",
            "dilation_h_factor")
        .collect(Collectors.toMap(field -> field, field -> (int) operator.option(field)));
  }

  /** The biases of these channels, zeros where the operator has none. */
  private int biases(int[] far) {
    int bias = operator.input(rule.bias());
    ByteBuffer sums =
        ByteBuffer.allocateDirect(Integer.BYTES * far.length).order(ByteOrder.LITTLE_ENDIAN);
    float scale = graph.tensor(operator.input(input)).scales()[0] * weights.scales()[0];
    if (bias >= 0) {
      ByteBuffer all =
          contents.of(graph.tensor(bias).buffer()).bytes().order(ByteOrder.LITTLE_ENDIAN);
      IntStream.of(far).forEach(c -> sums.putInt(all.getInt(Integer.BYTES * c)));
      scale = graph.tensor(bias).scales()[0];
    }
    Tensor tensor =
        Tensor.of(weights.name() + "_bias", TensorType.INT32, new int[] {far.length})
            .quantized(TensorType.INT32, new float[] {scale}, new long[1], 0);
    return graph.add(tensor.withBuffer(contents.number(Buffer.of(sums.rewind()))));
  }

  /** Numbers of tensors with these channels, one for each run of neighbours. */
  private List<Integer> slices(int x, int[] channels) {
    List<Integer> slices = new ArrayList<>();
    for (int i = 0; i < channels.length; ) {
      int count = 1;
      while (i + count < channels.length && channels[i + count] == channels[i] + count) {
        count++;
      }
      slices.add(slice(x, channels[i], count, true));
      i += count;
    }
    return slices;
  }

  private int slice(int x, int first, int count, boolean before) {
    int rank = graph.tensor(x).rank();
    int[] begin = new int[rank];
    int[] size = IntStream.range(0, rank).map(axis -> -1).toArray(); // all
    begin[rank - 1] = first;
    size[rank - 1] = count;
    int part = like(x, count, "_channels");
    int[] in = {x, constant(begin), constant(size)};
    add(x, Operator.of("SLICE", 2, "SliceOptions", Map.of(), in, new int[] {part}), before);
    return part;
  }

  private void add(int x, Operator added, boolean before) {
    if (before) {
      graph.addBehind(x, added);
    } else {
      graph.addAfter(number, added);
    }
  }

  private int joined(int x, List<Integer> parts, int channels) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    int joined = like(x, channels, "_joined");
    graph.addBehind(x, concatenation(parts, joined));
    return joined;
  }

  private Operator concatenation(List<Integer> parts, int joined) {
    int[] in = parts.stream().mapToInt(Integer::intValue).toArray();
    Map<String, Object> options = Map.of("axis", graph.tensor(joined).rank() - 1);
    return Operator.of("CONCATENATION", 2, "ConcatenationOptions", options, in, new int[] {joined});
  }

  /** Number of a tensor like another, but for how many channels it has. */
  private int like(int t, int channels, String suffix) {
    Tensor tensor = graph.tensor(t);
    int[] shape = tensor.shape();
    shape[shape.length - 1] = channels;
    return graph.add(
        Tensor.of(tensor.name() + suffix, TensorType.INT8, shape)
            .quantized(TensorType.INT8, tensor.scales(), tensor.zeroPoints(), 0));
  }

  private int constant(int[] shape, byte[] codes) {
    Tensor tensor =
        Tensor.of(weights.name(), TensorType.INT8, shape)
            .quantized(TensorType.INT8, weights.scales(), new long[1], 0);
    ByteBuffer bytes = ByteBuffer.allocateDirect(codes.length).put(codes).flip();
    return graph.add(tensor.withBuffer(contents.number(Buffer.of(bytes))));
  }

  private int constant(int[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.of(values).forEach(bytes::putInt);
    Tensor tensor = Tensor.of("place", TensorType.INT32, new int[] {values.length});
    return graph.add(tensor.withBuffer(contents.number(Buffer.of(bytes.rewind()))));
  }
}
