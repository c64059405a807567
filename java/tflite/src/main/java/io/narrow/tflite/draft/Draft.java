package io.narrow.tflite.draft;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A model while it is edited: numbers of tensors and operators stay what they were until {@link
 * Model#compact()} drops what is no longer used.
 */
public final class Draft {
  /** A subgraph while it is edited. */
  public final class Graph {
    private final Subgraph before;
    private final List<Tensor> tensors;
    private final List<Operator> operators;
    private final List<Operator> first = new ArrayList<>();
    private final Map<Integer, List<Operator>> after = new TreeMap<>();
    private final BitSet removed = new BitSet();
    private final Set<String> names = new HashSet<>();
    private final Map<String, Integer> copies = new HashMap<>(); // tried of each name

    private Graph(Subgraph before) {
      this.before = before;
      this.tensors = new ArrayList<>(before.tensors());
      this.operators = new ArrayList<>(before.operators());
      tensors.forEach(tensor -> names.add(tensor.name()));
    }

    public Subgraph before() {
      return before;
    }

    public Tensor tensor(int number) {
      return tensors.get(number);
    }

    public Operator operator(int number) {
      return operators.get(number);
    }

    public void replace(int number, Tensor tensor) {
      tensors.set(number, tensor);
    }

    public void replace(int number, Operator operator) {
      operators.set(number, operator);
    }

    /** Adds a tensor under a name that no other has; returns its number. */
    public int add(Tensor tensor) {
      String name = tensor.name();
      while (!names.add(name)) {
        name = tensor.name() + "_" + copies.merge(tensor.name(), 1, Integer::sum);
      }
      tensors.add(tensor.withName(name));
      return tensors.size() - 1;
    }

    /** Adds an operator that runs before all others. */
    public void addFirst(Operator operator) {
      first.add(operator);
    }

    /** Adds an operator that runs right after another. */
    public void addAfter(int number, Operator operator) {
      after.computeIfAbsent(number, n -> new ArrayList<>()).add(operator);
    }

    /** Adds an operator that runs as soon as a tensor of the model has its values. */
    public void addBehind(int tensor, Operator operator) {
      before
          .producer(tensor)
          .ifPresentOrElse(producer -> addAfter(producer, operator), () -> addFirst(operator));
    }

    /** Removes an operator; what it wrote has no value then unless it is given one. */
    public void remove(int number) {
      removed.set(number);
    }

    public boolean isRemoved(int number) {
      return removed.get(number);
    }

    /** Drops what says nothing: an empty quantization table, an empty buffer of its own. */
    private Tensor tidy(Tensor tensor) {
      Tensor tidy = tensor.tidy();
      return tidy.buffer() == 0 || tidy.isVariable() || buffers.get(tidy.buffer()).size() > 0
          ? tidy
          : tidy.withBuffer(0);
    }

    private Subgraph finish() {
      List<Operator> all = new ArrayList<>(first);
      for (int i = 0; i < operators.size(); i++) {
        if (!removed.get(i)) {
          all.add(operators.get(i));
        }
        all.addAll(after.getOrDefault(i, List.of()));
      }
      return before.with(tensors.stream().map(this::tidy).toList(), all);
    }
  }

  private final Model before;
  private final List<Graph> graphs = new ArrayList<>();
  private final List<Buffer> buffers;

  public Draft(Model before) {
    this.before = before;
    before.subgraphs().forEach(subgraph -> graphs.add(new Graph(subgraph)));
    buffers = new ArrayList<>(before.buffers());
  }

  public Graph graph(int number) {
    return graphs.get(number);
  }

  public Buffer contents(int number) {
    return buffers.get(number);
  }

  public int addBuffer(Buffer contents) {
    buffers.add(contents);
    return buffers.size() - 1;
  }

  public Model finish() {
    return before.with(graphs.stream().map(Graph::finish).toList(), buffers);
  }
}
