package io.narrow.tflite.correction;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.Schema;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A model in the making that computes a part of another, and gives the means of what operators
 * compute before their fused activation: over all axes but the last, so {@code channels} floats for
 * each. It holds what the part needs and no more, so that many parts of a large model cost no more
 * than the model.
 */
final class PartialModel {
  private static final String ACTIVATION = "fused_activation_function";

  private final Model model;
  private final Subgraph main;
  private final List<Tensor> more = new ArrayList<>(); // numbered after those of the model
  private final List<Buffer> contents = new ArrayList<>(); // of those
  private final List<Operator> operators = new ArrayList<>();
  private final List<Integer> outputs = new ArrayList<>();
  private final Map<Integer, Integer> axes = new HashMap<>(); // by rank

  PartialModel(Model model) {
    this.model = model;
    this.main = model.subgraphs().get(0);
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
    // Those that are fused and have an operator of their own are called the same.
    String name = Schema.name("ActivationFunctionType", activation);
    operators.add(Operator.of(name, 1, new int[] {sums}, new int[] {output}));
  }

  /** As {@link #show}, but nothing is written to the operator's own output. */
  int showSums(Operator operator) {
    int sums = sums(operator);
    mean(sums);
    return sums;
  }

  /** As {@link #showSums}, but the sums themselves are the next output. */
  void giveSums(Operator operator) {
    outputs.add(sums(operator));
  }

  private int sums(Operator operator) {
    int sums = like(operator.outputs()[0]);
    Operator sum = operator.withOutput(0, sums);
    operators.add(sum.hasOption(ACTIVATION) ? sum.withOption(ACTIVATION, 0) : sum);
    return sums;
  }

  /** Appends the mean of a tensor as the next output. */
  void mean(int tensor) {
    int rank = tensor(tensor).rank();
    int channels = tensor(tensor).dimension(rank - 1);
    int mean =
        add(
            Tensor.of("mean_" + outputs.size(), TensorType.FLOAT32, new int[] {channels}),
            Buffer.EMPTY);
    int all = axes.computeIfAbsent(rank, this::axesButLast);
    operators.add(Operator.of("MEAN", 1, new int[] {tensor, all}, new int[] {mean}));
    outputs.add(mean);
  }

  private int axesButLast(int rank) {
    ByteBuffer numbers =
        ByteBuffer.allocateDirect((rank - 1) * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, rank - 1).forEach(numbers::putInt);
    Tensor tensor = Tensor.of("axes_" + rank, TensorType.INT32, new int[] {rank - 1});
    return add(tensor, Buffer.of(numbers.flip()));
  }

  /** Number of a new constant. */
  int constant(float[] values, int... shape) {
    Tensor tensor = Tensor.of("constant_" + more.size(), TensorType.FLOAT32, shape);
    return add(tensor, Buffer.of(values));
  }

  /** Number of a new tensor of the shape of another. */
  private int like(int tensor) {
    Tensor before = tensor(tensor);
    return add(before.withName(before.name() + "_" + more.size()), Buffer.EMPTY);
  }

  private int add(Tensor tensor, Buffer bytes) {
    more.add(tensor);
    contents.add(bytes);
    return main.tensors().size() + more.size() - 1;
  }

  private Tensor tensor(int number) {
    int own = number - main.tensors().size();
    return own < 0 ? main.tensor(number) : more.get(own);
  }

  private Buffer contents(int number) {
    int own = number - main.tensors().size();
    return own < 0 ? model.buffers().get(main.tensor(number).buffer()) : contents.get(own);
  }

  /**
   * The model.
   *
   * @param inputs numbers of the tensors that it is given
   * @param others numbers of tensors that it gives after the means
   */
  Model finish(List<Integer> inputs, List<Integer> others) {
    List<Integer> given = new ArrayList<>(outputs);
    given.addAll(others);
    Set<Integer> used = new LinkedHashSet<>(inputs);
    for (Operator operator : operators) {
      Stream.of(operator.inputs(), operator.outputs(), operator.intermediates())
          .flatMapToInt(IntStream::of)
          .filter(tensor -> tensor >= 0)
          .forEach(used::add);
    }
    used.addAll(given);
    // Other subgraphs share the buffers, so that all of these have to stay where they are called.
    boolean calls = operators.stream().anyMatch(operator -> !operator.calls().isEmpty());
    List<Buffer> buffers = new ArrayList<>(calls ? model.buffers() : List.of(Buffer.EMPTY));
    List<Tensor> tensors = new ArrayList<>();
    Map<Integer, Integer> numbers = new HashMap<>();
    for (int number : used) {
      Buffer bytes = contents(number);
      numbers.put(number, tensors.size());
      tensors.add(tensor(number).withBuffer(bytes.size() == 0 ? 0 : buffers.size()));
      if (bytes.size() > 0) {
        buffers.add(bytes);
      }
    }
    Subgraph part =
        main.with(tensors, operators.stream().map(o -> o.renumbered(numbers::get)).toList())
            .withInputs(inputs.stream().mapToInt(numbers::get).toArray())
            .withOutputs(given.stream().mapToInt(numbers::get).toArray());
    if (!calls) {
      return model.part(part, buffers);
    }
    List<Subgraph> subgraphs = new ArrayList<>(model.subgraphs());
    subgraphs.set(0, part);
    return model.with(subgraphs, buffers);
  }
}
