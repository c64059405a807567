package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.List;

/** A subgraph: tensors, and the operators over them in the order in which they run. */
public final class Subgraph {
  private final Table table;
  private final List<Tensor> tensors;
  private final List<Operator> operators;
  private final int[] inputs;
  private final int[] outputs;

  Subgraph(Table table, List<Tensor> tensors, List<Operator> operators) {
    this.table = table;
    this.tensors = List.copyOf(tensors);
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
}
