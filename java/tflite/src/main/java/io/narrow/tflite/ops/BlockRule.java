package io.narrow.tflite.ops;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.Map;
import java.util.stream.IntStream;

/** How an operator computes with weights that have a scale per block: a part of its row. */
public final class BlockRule {
  private static final int AXES = 2;

  private final OpRule rule;
  private final Map<String, String> releases; // by type of the weights
  private final boolean onlyFast;

  BlockRule(OpRule rule, Row row) {
    this.rule = rule;
    this.releases = row.pairs("blocks");
    this.onlyFast = row.has("blocksfast");
  }

  /**
   * Why an operator has no kernel that computes right with constant weights of a type and a scale
   * per block; empty if it has.
   *
   * @param size elements of a block
   */
  public String objection(
      Model model, Subgraph subgraph, Operator candidate, TensorType type, int size) {
    if (!releases.containsKey(type.toString())) {
      return rule.operator() + " has no kernel for " + type + " weights with a scale per block";
    }
    Tensor weight = subgraph.tensor(candidate.input(rule.weights().get(0)));
    if (weight.rank() != AXES) {
      return "its weights have " + weight.rank() + " axes, with a scale per block 2";
    }
    if (weight.dimension(1) % size != 0) {
      return "rows of its weights have "
          + weight.dimension(1)
          + " elements, which is no multiple of blocks of "
          + size;
    }
    return onlyFast && !rule.canBeFast(model, subgraph, candidate)
        ? "only XNNPACK computes right with a scale per block, and does not take it"
        : "";
  }

  /** Whether only XNNPACK computes right with them. */
  public boolean onlyFast() {
    return onlyFast;
  }

  /** Whether only XNNPACK computes an operator right. */
  boolean needsFast(Operator candidate, Subgraph subgraph) {
    return onlyFast
        && rule.weights().stream()
            .map(candidate::input)
            .anyMatch(number -> number >= 0 && subgraph.tensor(number).blockSize() > 0);
  }

  /** First TensorFlow release that runs an operator with such weights; empty if it has none. */
  String release(Operator candidate, Subgraph subgraph) {
    return IntStream.of(candidate.inputs())
        .filter(number -> number >= 0 && subgraph.tensor(number).blockSize() > 0)
        .mapToObj(number -> subgraph.tensor(number).type().toString())
        .map(type -> releases.getOrDefault(type, ""))
        .reduce("", Releases::later);
  }
}
