package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** A subgraph: tensors, and the operators over them in the order in which they run. */
public final class Subgraph {
  /**
   * An operator that reads a tensor.
   *
   * @param operator its number
   * @param place place of the tensor among its inputs
   */
  public record Reader(int operator, int place) {}

  private final Table table;
  private final List<Tensor> tensors;
  private final List<Operator> operators;
  private final int[] inputs;
  private final int[] outputs;
  private volatile Links links;

  Subgraph(Table table, List<Tensor> tensors, List<Operator> operators) {
    this.table = table;
    this.tensors = tensors.stream().map(tensor -> tensor.among(tensors)).toList();
    this.operators = List.copyOf(operators);
    this.inputs = table.ints("inputs");
    this.outputs = table.ints("outputs");
  }

  static Subgraph of(Table table, List<OperatorCode> codes) {
    List<Tensor> tensors = new ArrayList<>();
    for (Table tensor : table.tables("tensors")) {
      tensors.add(new Tensor(tensor));
    }
    List<Operator> operators = new ArrayList<>();
    for (Table operator : table.tables("operators")) {
      operators.add(new Operator(operator, codes.get((int) operator.integer("opcode_index"))));
    }
    return new Subgraph(table.without("tensors").without("operators"), tensors, operators);
  }

  Table table() {
    return table;
  }

  public String name() {
    return table.string("name");
  }

  public List<Tensor> tensors() {
    return tensors;
  }

  public Tensor tensor(int number) {
    return tensors.get(number);
  }

  public List<Operator> operators() {
    return operators;
  }

  /** Numbers of the tensors that are given to the subgraph. */
  public int[] inputs() {
    return inputs.clone();
  }

  /** Numbers of the tensors that it gives. */
  public int[] outputs() {
    return outputs.clone();
  }

  /** Number of the operator that writes a tensor, the last one if several do. */
  public Optional<Integer> producer(int tensor) {
    int producer = links().producers[tensor];
    return producer < 0 ? Optional.empty() : Optional.of(producer);
  }

  /** The operators that read a tensor, in the order in which they run. */
  public List<Reader> readers(int tensor) {
    return links().readers(tensor);
  }

  /** How often a tensor is read: by operators, and as an output. */
  public int reads(int tensor) {
    return readers(tensor).size() + links().outputs[tensor];
  }

  public boolean isInput(int tensor) {
    return links().inputs[tensor] > 0;
  }

  public boolean isOutput(int tensor) {
    return links().outputs[tensor] > 0;
  }

  /** What a run of it leaves for the next: see {@link Model#states()}. */
  List<Tensor> states() {
    List<Tensor> states = new ArrayList<>();
    for (Operator operator : operators) {
      for (int number : operator.inputs()) {
        boolean kept = number >= 0 && tensor(number).isVariable() && producer(number).isEmpty();
        boolean assigned = operator.name().equals("ASSIGN_VARIABLE") && number == operator.input(0);
        if (kept || assigned) {
          states.add(tensor(number));
        }
      }
    }
    return states;
  }

  private Links links() {
    Links known = links;
    if (known == null) {
      known = new Links(this);
      links = known;
    }
    return known;
  }

  /** Who writes and reads each tensor: looked up once, as a search for each costs their product. */
  private static final class Links {
    private final int[] producers;
    private final int[] inputs; // how often each tensor is among them
    private final int[] outputs;
    private final int[] ends; // of each tensor's readers
    private final List<Reader> readers;

    Links(Subgraph graph) {
      int count = graph.tensors.size();
      producers = new int[count];
      Arrays.fill(producers, -1);
      inputs = counts(count, graph.inputs);
      outputs = counts(count, graph.outputs);
      ends = new int[count];
      for (int i = 0; i < graph.operators.size(); i++) {
        for (int tensor : graph.operators.get(i).outputs()) {
          producers[tensor] = i;
        }
        for (int tensor : graph.operators.get(i).inputs()) {
          if (tensor >= 0) {
            ends[tensor]++;
          }
        }
      }
      for (int tensor = 1; tensor < count; tensor++) {
        ends[tensor] += ends[tensor - 1];
      }
      Reader[] all = new Reader[count == 0 ? 0 : ends[count - 1]];
      int[] next = new int[count];
      for (int i = 0; i < graph.operators.size(); i++) {
        int[] read = graph.operators.get(i).inputs();
        for (int place = 0; place < read.length; place++) {
          int tensor = read[place];
          if (tensor >= 0) {
            all[start(tensor) + next[tensor]++] = new Reader(i, place);
          }
        }
      }
      readers = List.of(all);
    }

    private static int[] counts(int tensors, int[] numbers) {
      int[] counts = new int[tensors];
      for (int number : numbers) {
        if (number >= 0) {
          counts[number]++;
        }
      }
      return counts;
    }

    private int start(int tensor) {
      return tensor == 0 ? 0 : ends[tensor - 1];
    }

    List<Reader> readers(int tensor) {
      return readers.subList(start(tensor), ends[tensor]);
    }
  }

  public Subgraph with(List<Tensor> newTensors, List<Operator> newOperators) {
    return new Subgraph(table, newTensors, newOperators);
  }

  /** The same subgraph with other inputs, by number. */
  public Subgraph withInputs(int[] newInputs) {
    return new Subgraph(table.with("inputs", newInputs), tensors, operators);
  }

  /** The same subgraph with other outputs, by number. */
  public Subgraph withOutputs(int[] newOutputs) {
    return new Subgraph(table.with("outputs", newOutputs), tensors, operators);
  }

  /**
   * For each tensor of another subgraph the number of the one here that has its name, -1 if there
   * is none or several: what became of it in a model that was made of the other.
   */
  public int[] namesakes(Subgraph other) {
    Map<String, Integer> numbers = new HashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      numbers.merge(tensor(i).name(), i, (first, second) -> -1);
    }
    boolean alike = tensors.size() == other.tensors.size();
    return IntStream.range(0, other.tensors.size())
        .map(
            i ->
                alike && tensor(i).name().equals(other.tensor(i).name())
                    ? i // nothing was dropped before it
                    : numbers.getOrDefault(other.tensor(i).name(), -1))
        .toArray();
  }
}
