package io.narrow.tflite.micro;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.ops.Axis;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.List;

/**
 * How large the tensor arena of TensorFlow Lite Micro has to be for a model with its reference
 * kernels. Not in it: what kernels of CMSIS-NN, ESP-NN, Ethos-U and other accelerators ask for
 * while they run, resource variables, transposed copies of constants (BATCH_MATMUL), and profilers.
 *
 * @param planned bytes of what is given and computed, where the greedy memory planner puts them
 * @param rest bytes, estimated, of what the interpreter keeps about tensors and operators, with
 *     pointers of 64 bits; with 32 bits it is about half
 * @param planning bytes, estimated, that the planner needs while it plans, where nothing is
 *     computed yet
 * @param margin bytes added for what the estimates miss
 */
public record Arena(long planned, long rest, long planning, long margin) {
  // Measured with the interpreter of tflite-micro on x86-64: what its recording allocator says of
  // each part, and the smallest arena that a model runs in; docs/devices.md has the comparison.
  private static final int INTERPRETER = 1536;
  private static final int TENSOR = 24;
  private static final int BOUNDARY_TENSOR = 128;
  private static final int OPERATOR = 64 + 96;
  private static final int CHANNEL = 8;
  private static final int PLANNED = 80;

  private static final int IMAGE = 4;

  /** One part in so many of what is estimated is added. */
  private static final int MARGIN = 8;

  /** The whole: what to give to the interpreter. */
  public long bytes() {
    return Lifetimes.aligned(Math.max(planned, planning) + rest + margin);
  }

  static Arena of(Model model) {
    List<Allocation> allocations = Lifetimes.of(model);
    long rest = INTERPRETER;
    for (Subgraph graph : model.subgraphs()) {
      rest += (long) TENSOR * graph.tensors().size();
      rest += (long) BOUNDARY_TENSOR * (graph.inputs().length + graph.outputs().length);
      for (Operator operator : graph.operators()) {
        rest += OPERATOR + (long) CHANNEL * channels(graph, operator);
      }
      for (Tensor tensor : graph.tensors()) {
        rest += tensor.isVariable() ? Lifetimes.aligned(tensor.type().bytes(tensor.elements())) : 0;
      }
    }
    long planning = (long) PLANNED * allocations.size();
    return new Arena(GreedyPlan.bytes(allocations), rest, planning, rest / MARGIN);
  }

  /** How many output channels an operator keeps a multiplier and a shift of. */
  private static long channels(Subgraph graph, Operator operator) {
    OpRule row = OpRules.of(operator.name());
    int weights = row.weights().size() == 1 ? operator.input(row.weights().get(0)) : -1;
    if (weights < 0 || row.axis() == Axis.COLUMNS) {
      return 0;
    }
    Tensor tensor = graph.tensor(weights);
    int axis = row.axis().of(operator, tensor);
    boolean perChannel = tensor.rank() == IMAGE || tensor.scales().length > 1;
    return axis >= 0 && perChannel ? tensor.dimension(axis) : 0;
  }
}
