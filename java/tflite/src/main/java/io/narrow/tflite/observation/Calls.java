package io.narrow.tflite.observation;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.runtime.Interpreter;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Runs once more, one by one, what the operators of a graph that was run have called: of a loop the
 * condition and the body in turn until the condition does not hold, of a branch the one that was
 * taken. So their tensors can be looked at as often as they had values. Subgraphs keep their state
 * from one call to the next, as in the runtime.
 */
final class Calls implements AutoCloseable {
  private final Bodies bodies;
  private final Map<Integer, Run> runs = new HashMap<>();

  Calls(Bodies bodies) {
    this.bodies = bodies;
  }

  /** Copies what subgraph 0 is given, which the run may write over. */
  void keep(Run run, Values given) {
    for (int input : bodies.graph(0).inputs()) {
      given.add(run.info(input), run.values(input));
    }
  }

  /**
   * Runs what subgraph 0 has called in a run that has begun without any state.
   *
   * @param run of it, as it was left
   * @param given what it was given
   */
  void follow(Run run, Values given, int sample, Observer observer) {
    runs.values().forEach(each -> each.interpreter().resetVariableTensors());
    follow(0, run, given, sample, observer);
  }

  private void follow(int subgraph, Run run, Values given, int sample, Observer observer) {
    for (Operator operator : bodies.calls(subgraph)) {
      operands(bodies.graph(subgraph), operator, run, given)
          .ifPresent(
              operands -> {
                switch (OpRules.of(operator.name()).call().orElseThrow()) {
                  case LOOP -> loop(operator.calls(), operands, sample, observer);
                  case BRANCH -> branch(operator.calls(), operands, sample, observer);
                }
              });
    }
  }

  /** What an operator has read, as far as that can be told. */
  private static Optional<Values> operands(
      Subgraph graph, Operator operator, Run run, Values given) {
    List<Integer> inputs = Arrays.stream(graph.inputs()).boxed().toList();
    Values operands = new Values();
    for (int number : operator.inputs()) {
      if (number < 0 || graph.tensor(number).isVariable()) {
        return Optional.empty();
      }
      if (inputs.contains(number)) {
        operands.add(given, inputs.indexOf(number));
      } else {
        operands.add(run.info(number), run.values(number));
      }
    }
    return Optional.of(operands).filter(Values::areComplete);
  }

  private void loop(List<Integer> called, Values operands, int sample, Observer observer) {
    Values state = operands;
    while (run(called.get(0), state, sample, observer).bytes(0).get() != 0) {
      state = run(called.get(1), state, sample, observer);
    }
  }

  private void branch(List<Integer> called, Values operands, int sample, Observer observer) {
    int taken = operands.bytes(0).get() != 0 ? 0 : 1;
    run(called.get(taken), operands.withoutFirst(), sample, observer);
  }

  private Values run(int subgraph, Values given, int sample, Observer observer) {
    Run run = runs.computeIfAbsent(subgraph, s -> bodies.open(s, given));
    Interpreter interpreter = run.interpreter();
    interpreter.reshape(given.shapes());
    for (int i = 0; i < given.size(); i++) {
      interpreter.input(i).put(given.bytes(i));
    }
    Optional<Observer> within = observer.within(subgraph);
    within.ifPresent(each -> each.before(sample, run));
    interpreter.run();
    within.ifPresent(each -> each.after(sample, run));
    Values results = new Values();
    for (int i = 0; i < interpreter.outputs().size(); i++) {
      results.add(interpreter.outputs().get(i), interpreter.output(i));
    }
    follow(subgraph, run, given, sample, observer);
    return results;
  }

  @Override
  public void close() {
    runs.values().forEach(Run::close);
  }
}
