package io.narrow.tflite.ops;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A row of the operator table: what quantization has to know about an operator. */
public final class OpRule {
  private static final int CHANNELS_OF_IMAGE = 3;

  private final String operator;
  private final List<Integer> weights;
  private final List<Kernel> kernels = new ArrayList<>();
  private Axis axis = Axis.NONE;
  private int bias = -1;
  private int rank;
  private int inputs;
  private boolean together;
  private boolean oneScale;
  private boolean rows;

  /**
   * A kernel for quantized weights beside float inputs and outputs.
   *
   * @param weight type of the weights
   * @param version version of the operator that has it
   * @param groupedVersion version that has it for grouped convolution, whose weights have fewer
   *     channels than its input
   */
  public record Kernel(TensorType weight, int version, int groupedVersion) {}

  private OpRule(String operator, List<Integer> weights) {
    this.operator = operator;
    this.weights = weights;
  }

  /** Name of the operator in the schema. */
  public String operator() {
    return operator;
  }

  /** Places of its weights among its inputs. */
  public List<Integer> weights() {
    return weights;
  }

  /** Place of its bias among its inputs, -1 if it has none. */
  public int bias() {
    return bias;
  }

  /** Which axis of a weight has a scale per channel. */
  public Axis axis() {
    return axis;
  }

  /** Whether its kernels also take weights with one scale where {@link #axis} names an axis. */
  public boolean oneScaleToo() {
    return oneScale || axis == Axis.NONE;
  }

  /** Whether its weights must all be quantized or none. */
  public boolean together() {
    return together;
  }

  /** Whether it copies rows of the weight to its output, which so becomes quantized as well. */
  public boolean copiesRows() {
    return rows;
  }

  /** The kernel for weights of this type. */
  public Optional<Kernel> kernel(TensorType weight) {
    return kernels.stream().filter(kernel -> kernel.weight() == weight).findFirst();
  }

  /** Why an operator has no kernel for quantized weights although its row has; empty if it has. */
  public String objection(Subgraph subgraph, Operator candidate) {
    if (candidate.inputs().length < inputs) {
      return "with fewer than " + inputs + " inputs it has no kernel for quantized weights";
    }
    if (candidate.option("weights_format") != 0) {
      return "its weights are shuffled";
    }
    int number = candidate.input(weights.get(0));
    if (rank != 0 && number >= 0 && subgraph.tensor(number).rank() != rank) {
      return "its weights have " + subgraph.tensor(number).rank() + " axes instead of " + rank;
    }
    return "";
  }

  /** Version of an operator that has this kernel for its shapes. */
  public int version(Kernel kernel, Subgraph subgraph, Operator candidate) {
    int version = kernel.version();
    if (kernel.groupedVersion() != version) {
      Tensor input = subgraph.tensor(candidate.input(0));
      Tensor weight = subgraph.tensor(candidate.input(weights.get(0)));
      if (input.rank() == weight.rank()
          && input.dimension(CHANNELS_OF_IMAGE) != weight.dimension(CHANNELS_OF_IMAGE)) {
        version = kernel.groupedVersion();
      }
    }
    return Math.max(version, candidate.version());
  }

  // The table is written with these, and nothing changes a row afterwards.

  static OpRule op(String operator, Integer... weights) {
    return new OpRule(operator, List.of(weights));
  }

  OpRule per(Axis channels) {
    this.axis = channels;
    return this;
  }

  OpRule orOneScale() {
    this.oneScale = true;
    return this;
  }

  OpRule rank(int exactly) {
    this.rank = exactly;
    return this;
  }

  OpRule bias(int place) {
    this.bias = place;
    return this;
  }

  OpRule inputs(int atLeast) {
    this.inputs = atLeast;
    return this;
  }

  OpRule allTogether() {
    this.together = true;
    return this;
  }

  OpRule rowsToOutput() {
    this.rows = true;
    return this;
  }

  OpRule kernel(TensorType weight, int version) {
    return kernel(weight, version, version);
  }

  OpRule kernel(TensorType weight, int version, int groupedVersion) {
    kernels.add(new Kernel(weight, version, groupedVersion));
    return this;
  }
}
