package io.narrow.tflite.calibration;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A float32 tensor whose values a run gives: an input of the model, what an operator writes, or the
 * state that one keeps. What operators read is not looked at again: it is what others have written,
 * unless TFLite let an operator write over it.
 *
 * @param tensor its number in subgraph 0
 * @param name its name
 * @param source what messages call the origin of its values
 * @param role what it is to the run
 */
record Activation(int tensor, String name, String source, Role role) {
  /** What a tensor is to a run. */
  enum Role {
    /** Given to it. */
    INPUT,
    /** Computed by it. */
    OUTPUT,
    /** Kept from one to the next: looked at after it. */
    STATE
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
        add(model, output, source, Role.OUTPUT, known, found);
      }
      for (int input : operator.inputs()) {
        if (input >= 0 && graph.tensor(input).isVariable()) {
          add(model, input, source, Role.STATE, known, found);
        }
      }
    }
    return found;
  }

  private static void add(
      Model model, int number, String source, Role role, Set<Integer> known, List<Activation> to) {
    if (number < 0) {
      return;
    }
    Tensor tensor = model.subgraphs().get(0).tensor(number);
    boolean computed = tensor.type() == TensorType.FLOAT32 && !model.isConstant(tensor);
    if (computed && known.add(number)) {
      to.add(new Activation(number, tensor.name(), source, role));
    }
  }
}
