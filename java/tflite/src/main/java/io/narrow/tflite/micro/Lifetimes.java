package io.narrow.tflite.micro;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * When the tensors of a model are needed, as TensorFlow Lite Micro counts it ({@code
 * micro_allocation_info.cc}): bodies of control flow count on where they are called.
 */
final class Lifetimes {
  /** TensorFlow Lite Micro's kBufferAlignment. */
  private static final int ALIGNMENT = 16;

  private static final int NEVER = -1;

  private final Model model;
  private final List<int[]> first = new ArrayList<>();
  private final List<int[]> last = new ArrayList<>();
  private final List<Allocation> scratch = new ArrayList<>();
  private int scope;

  private Lifetimes(Model model) {
    this.model = model;
    for (Subgraph graph : model.subgraphs()) {
      for (List<int[]> times : List.of(first, last)) {
        int[] never = new int[graph.tensors().size()];
        Arrays.fill(never, NEVER);
        times.add(never);
      }
    }
    walk(0);
  }

  /** All tensors that are computed or given, then what operators need while they run. */
  static List<Allocation> of(Model model) {
    Lifetimes lifetimes = new Lifetimes(model);
    List<Allocation> all = new ArrayList<>();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      List<Tensor> tensors = model.subgraphs().get(s).tensors();
      for (int t = 0; t < tensors.size(); t++) {
        Tensor tensor = tensors.get(t);
        int from = lifetimes.first.get(s)[t];
        // What is never needed gets memory there too, before anything runs.
        if (!tensor.isVariable() && !model.isConstant(tensor)) {
          long bytes = tensor.type().bytes(tensor.elements());
          all.add(new Allocation(aligned(bytes), from, lifetimes.last.get(s)[t]));
        }
      }
    }
    all.addAll(lifetimes.scratch);
    return all;
  }

  static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private void walk(int number) {
    Subgraph graph = model.subgraphs().get(number);
    create(number, graph.inputs());
    use(number, graph.inputs());
    for (Operator operator : graph.operators()) {
      scope++;
      create(number, operator.outputs());
      int start = scope;
      operator.calls().forEach(this::walk);
      use(number, operator.inputs());
      use(number, operator.outputs());
      for (long bytes : Scratch.of(graph, operator)) {
        scratch.add(new Allocation(aligned(bytes), start, scope));
      }
    }
    use(number, graph.outputs());
  }

  private void create(int subgraph, int[] tensors) {
    for (int tensor : tensors) {
      if (tensor >= 0 && first.get(subgraph)[tensor] == NEVER) {
        first.get(subgraph)[tensor] = scope;
      }
    }
  }

  private void use(int subgraph, int[] tensors) {
    for (int tensor : tensors) {
      if (tensor >= 0) {
        last.get(subgraph)[tensor] = scope;
      }
    }
  }
}
