package io.narrow.tflite.model;

import io.narrow.tflite.schema.TableReader.MalformedException;
import java.util.Set;

/**
 * Checks that a subgraph can be run operator after operator: each reads what is there by then, and
 * writes what nothing else does. The runtime takes that for granted, and reads and writes memory
 * that is not there where it does not hold.
 */
final class OrderCheck {
  /** What has an effect of its own; all others are there for their outputs. */
  private static final Set<String> WITHOUT_OUTPUTS =
      Set.of("ASSIGN_VARIABLE", "CALL_ONCE", "HASHTABLE_IMPORT", "IF", "WHILE");

  private final Model model;
  private final Subgraph subgraph;
  private final String what;
  private final boolean[] there; // by tensor: whether it holds something by now
  private final int[] writers; // by tensor: the operator that writes it, from 1 on

  private OrderCheck(Model model, Subgraph subgraph, String what) {
    this.model = model;
    this.subgraph = subgraph;
    this.what = what;
    this.there = new boolean[subgraph.tensors().size()];
    this.writers = new int[there.length];
  }

  static void check(Model model, Subgraph subgraph, String what) throws MalformedException {
    new OrderCheck(model, subgraph, what).check();
  }

  private void check() throws MalformedException {
    for (int t = 0; t < there.length; t++) {
      Tensor tensor = subgraph.tensor(t);
      there[t] = isConstant(tensor) || tensor.isVariable() || tensor.elements() == 0;
    }
    for (int input : subgraph.inputs()) {
      if (isConstant(subgraph.tensor(input))) {
        throw malformed("input " + name(input) + " is a constant");
      }
      there[input] = true;
    }
    int number = 0;
    for (Operator operator : subgraph.operators()) {
      writes(operator, number++);
    }
    number = 0;
    for (Operator operator : subgraph.operators()) {
      step(operator, number++);
    }
  }

  private void writes(Operator operator, int number) throws MalformedException {
    String name = operator.name();
    if (operator.outputs().length == 0
        && !WITHOUT_OUTPUTS.contains(name)
        && !name.startsWith("CUSTOM")) {
      throw malformed(text(number) + " has no output");
    }
    for (int output : operator.outputs()) {
      if (isConstant(subgraph.tensor(output))) {
        throw malformed(text(number) + " writes the constant " + name(output));
      }
      if (subgraph.isInput(output)) {
        throw malformed(text(number) + " writes the input " + name(output));
      }
      if (writers[output] != 0) {
        throw malformed(
            text(number)
                + " writes "
                + name(output)
                + ", as "
                + text(writers[output] - 1)
                + " does");
      }
      writers[output] = number + 1;
    }
  }

  private void step(Operator operator, int number) throws MalformedException {
    for (int input : operator.inputs()) {
      if (input >= 0 && !there[input]) {
        throw malformed(
            text(number)
                + " reads "
                + name(input)
                + (writers[input] == 0
                    ? ", which nothing writes"
                    : ", which " + text(writers[input] - 1) + " writes later"));
      }
    }
    for (int output : operator.outputs()) {
      there[output] = true;
    }
  }

  private boolean isConstant(Tensor tensor) {
    return model.contents(tensor).hasRemaining();
  }

  private String text(int operator) {
    return subgraph.operators().get(operator).name() + " (operator " + operator + ")";
  }

  private String name(int tensor) {
    return "tensor `" + subgraph.tensor(tensor).name() + "`";
  }

  private MalformedException malformed(String problem) {
    return ModelCheck.malformed(what + ": " + problem);
  }
}
