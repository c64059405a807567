package io.narrow.tflite.correction;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model in the making that computes a part of another, and gives the means of what operators
 * compute before their fused activation: over all axes but the last, so {@code channels} floats for
 * each.
 */
final class Probe {
  private static final List<String> ACTIVATIONS = List.of("", "RELU", "RELU_N1_TO_1", "RELU6");
  private static final String ACTIVATION = "fused_activation_function";

  private final Model model;
  private final Subgraph main;
  private final List<Tensor> tensors;
  private final List<Buffer> buffers;
  private final List<Operator> operators = new ArrayList<>();
  private final List<Integer> outputs = new ArrayList<>();
  private final Map<Integer, Integer> axes = new HashMap<>(); // by rank

  Probe(Model model) {
    this.model = model;
    this.main = model.subgraphs().get(0);
    this.tensors = new ArrayList<>(main.tensors());
    this.buffers = new ArrayList<>(model.buffers());
  }

  /** Appends an operator. */
  void compute(Operator operator) {
    operators.add(operator);
  }

  /** Appends an operator of which the means are given as the next output. */
  void show(Operator operator) {
    int output = operator.outputs()[0];
    int activation = (int) operator.option(ACTIVATION);
    if (activation == 0) {
      operators.add(operator);
      mean(output);
      return;
    }
    int sums = showSums(operator);
    operators.add(
        Operator.of(ACTIVATIONS.get(activation), 1, new int[] {sums}, new int[] {output}));
  }

  /** As {@link #show}, but nothing is written to the operator's own output. */
  int showSums(Operator operator) {
    int sums = like(operator.outputs()[0]);
    Operator sum = operator.withOutput(0, sums);
    operators.add(sum.hasOption(ACTIVATION) ? sum.withOption(ACTIVATION, 0) : sum);
    mean(sums);
    return sums;
  }

  /** Appends the mean of a tensor as the next output. */
  void mean(int tensor) {
    int rank = tensors.get(tensor).rank();
    int channels = tensors.get(tensor).dimension(rank - 1);
    int mean = add(Tensor.of("mean_" + outputs.size(), TensorType.FLOAT32, new int[] {channels}));
    int all = axes.computeIfAbsent(rank, this::axesButLast);
    operators.add(Operator.of("MEAN", 1, new int[] {tensor, all}, new int[] {mean}));
    outputs.add(mean);
  }

  private int axesButLast(int rank) {
    ByteBuffer numbers = allocate(rank - 1);
    IntStream.range(0, rank - 1).forEach(numbers::putInt);
    buffers.add(Buffer.of(numbers.flip()));
    Tensor tensor = Tensor.of("axes_" + rank, TensorType.INT32, new int[] {rank - 1});
    return add(tensor.withBuffer(buffers.size() - 1));
  }

  /** Number of a new constant. */
  int constant(float[] values) {
    buffers.add(Buffer.of(floats(values)));
    Tensor tensor =
        Tensor.of("constant_" + tensors.size(), TensorType.FLOAT32, new int[] {values.length});
    return add(tensor.withBuffer(buffers.size() - 1));
  }

  static ByteBuffer floats(float[] values) {
    ByteBuffer bytes = allocate(values.length);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  private static ByteBuffer allocate(int words) {
    return ByteBuffer.allocateDirect(words * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Number of a new tensor of the shape of another. */
  int like(int tensor) {
    Tensor before = tensors.get(tensor);
    return add(before.withName(before.name() + "_" + tensors.size()));
  }

  private int add(Tensor tensor) {
    tensors.add(tensor);
    return tensors.size() - 1;
  }

  /**
   * The model.
   *
   * @param inputs numbers of the tensors that it is given
   * @param more numbers of tensors that it gives after the means
   */
  Model finish(List<Integer> inputs, List<Integer> more) {
    List<Integer> given = new ArrayList<>(outputs);
    given.addAll(more);
    List<Subgraph> subgraphs = new ArrayList<>(model.subgraphs());
    subgraphs.set(
        0, main.with(tensors, operators).withInputs(array(inputs)).withOutputs(array(given)));
    return model.with(subgraphs, buffers);
  }

  private static int[] array(List<Integer> numbers) {
    return numbers.stream().mapToInt(Integer::intValue).toArray();
  }
}
