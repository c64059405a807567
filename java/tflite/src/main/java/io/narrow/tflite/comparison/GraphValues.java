package io.narrow.tflite.comparison;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.ops.OpRules;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Which tensors of a model's first subgraph hold values that depend on its inputs, and which of
 * them hold the same values: what QUANTIZE and DEQUANTIZE only make another type of.
 */
final class GraphValues {
  private final Model model;
  private final Subgraph graph;
  private final BitSet computed = new BitSet();
  private final int[] origins;

  GraphValues(Model model) {
    this.model = model;
    this.graph = model.subgraphs().get(0);
    this.origins = new int[graph.tensors().size()];
    Arrays.setAll(origins, tensor -> tensor);
    for (int input : graph.inputs()) {
      computed.set(input);
    }
    for (int tensor = 0; tensor < origins.length; tensor++) {
      if (graph.tensor(tensor).isVariable()) {
        computed.set(tensor);
      }
    }
    graph.operators().forEach(this::follow);
  }

  private void follow(Operator operator) {
    boolean depends =
        OpRules.of(operator.name()).stateful()
            || !operator.calls().isEmpty()
            || Arrays.stream(operator.inputs()).anyMatch(this::isComputed);
    if (!depends || OpRules.of(operator.name()).ofShape()) {
      return;
    }
    for (int output : operator.outputs()) {
      if (output >= 0) {
        computed.set(output);
      }
    }
    if (converts(operator)) {
      origins[operator.outputs()[0]] = origins[operator.input(0)];
    }
  }

  Model model() {
    return model;
  }

  Subgraph graph() {
    return graph;
  }

  /** Whether it only makes another type of values that are computed. */
  static boolean converts(Operator operator) {
    return OpRules.of(operator.name()).converts()
        && operator.inputs().length == 1
        && operator.outputs().length == 1;
  }

  /** Whether the values of a tensor depend on what the model is given. */
  boolean isComputed(int tensor) {
    return tensor >= 0 && computed.get(tensor);
  }

  /** The tensor whose values this one holds in another type; itself mostly. */
  int origin(int tensor) {
    return origins[tensor];
  }

  /** Whether a tensor keeps a state that an operator changes. */
  boolean isState(int tensor) {
    Tensor of = graph.tensor(tensor);
    return of.isVariable() || of.type().bits() == 0;
  }
}
