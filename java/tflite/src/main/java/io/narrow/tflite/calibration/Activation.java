package io.narrow.tflite.calibration;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A float32 tensor whose values a run gives: an input of the model, what an operator writes, or the
 * state that one keeps; or values inside an operator. What operators read is not looked at again:
 * it is what others have written, unless TFLite let an operator write over it.
 *
 * @param tensor its number in subgraph 0
 * @param intermediate number of a value inside the operator that writes the tensor, of which the
 *     runtime keeps no tensor; {@link #ITSELF} otherwise
 * @param name name of the tensor
 * @param source what messages call the origin of its values
 * @param role what it is to the run
 */
record Activation(int tensor, int intermediate, String name, String source, Role role) {
  /** Stands for a tensor's own values in place of those of an intermediate. */
  static final int ITSELF = -1;

  /** What a tensor is to a run. */
  enum Role {
    /** Given to it. */
    INPUT,
    /** Computed by it. */
    OUTPUT,
    /** Kept from one to the next: looked at after it. */
    STATE,
    /** Not shown by the runtime: computed again by {@link LstmTrace}. */
    TRACED
  }

  /** All of subgraph 0, the only one that the runtime shows, in the order of computation. */
  static List<Activation> of(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    List<Activation> found = new ArrayList<>();
    Set<Integer> known = new HashSet<>();
    for (int input : graph.inputs()) {
      add(model, input, "the model's inputs", Role.INPUT, known, found);
    }
    for (int i = 0; i < graph.operators().size(); i++) {
      Operator operator = graph.operators().get(i);
      String source = operator.name() + " (operator " + i + ")";
      for (int output : operator.outputs()) {
        if (output >= 0 && isShown(graph, operator, output)) {
          add(model, output, source, Role.OUTPUT, known, found);
        }
      }
      if (LstmCell.fits(model, graph, operator)) {
        add(model, operator.input(Lstm.CELL_STATE), source, Role.TRACED, known, found);
        String name = graph.tensor(operator.outputs()[0]).name();
        for (int number : new Lstm(operator).intermediates()) {
          found.add(new Activation(operator.outputs()[0], number, name, source, Role.TRACED));
        }
      }
      for (int input : operator.inputs()) {
        if (input >= 0 && graph.tensor(input).isVariable()) {
          add(model, input, source, Role.STATE, known, found);
        }
      }
    }
    return found;
  }

  /**
   * What a variable is set to says nothing of the state that the next operator makes of it, and
   * WHILE leaves a result that nobody reads as it finds it: random memory.
   */
  private static boolean isShown(Subgraph graph, Operator operator, int output) {
    return !graph.tensor(output).isVariable()
        && (operator.calls().isEmpty() || graph.reads(output) > 0);
  }

  private static void add(
      Model model, int number, String source, Role role, Set<Integer> known, List<Activation> to) {
    if (number < 0) {
      return;
    }
    Tensor tensor = model.subgraphs().get(0).tensor(number);
    boolean computed = tensor.type() == TensorType.FLOAT32 && !model.isConstant(tensor);
    if (computed && known.add(number)) {
      to.add(new Activation(number, ITSELF, tensor.name(), source, role));
    }
  }
}
