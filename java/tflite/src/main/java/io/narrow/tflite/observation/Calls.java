package io.narrow.tflite.observation;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.runtime.Interpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Runs once more, one by one, what the operators of a graph that was run have called: of a loop the
 * condition and the body in turn until the condition does not hold, of a branch the one that was
 * taken. So their tensors can be looked at as often as they had values. Subgraphs keep their state
 * from one call to the next, as in the runtime.
 *
 * <p>Of several models that do the same, each subgraph is run on its own values in each of them
 * before the next one is, as long as their control flow takes the same way.
 */
public final class Calls implements AutoCloseable {
  /** Says what corresponds to each other in the models, and looks at it. Lists are by model. */
  public interface Watcher {
    /**
     * The operators to be followed, one of each model.
     *
     * @param subgraphs that call
     */
    List<List<Operator>> calls(List<Integer> subgraphs);

    /** Subgraphs have been given values, and will be run. */
    default void before(List<Integer> subgraphs, List<? extends Observer.Tensors> tensors) {}

    /** Subgraphs have been run. */
    void after(List<Integer> subgraphs, List<? extends Observer.Tensors> tensors);

    /**
     * The models take other ways: nothing that an operator calls from here on is run.
     *
     * @param subgraphs that call
     * @param operators in them
     */
    default void part(List<Integer> subgraphs, List<Operator> operators) {}
  }

  /** A model with the subgraphs that are loaded. */
  private record Side(Bodies bodies, Map<Integer, Run> runs, Values given) {
    Run run(int subgraph, Values values) {
      return runs.computeIfAbsent(subgraph, s -> bodies.open(s, values));
    }
  }

  private final List<Side> sides;

  private Calls(Stream<Bodies> all) {
    sides = all.map(each -> new Side(each, new HashMap<>(), new Values())).toList();
  }

  Calls(Bodies bodies) {
    this(Stream.of(bodies));
  }

  /** Those of models whose subgraphs 0 correspond. */
  public Calls(List<Model> models) {
    this(models.stream().map(Bodies::new));
  }

  /** The same for another thread. To be closed as well. */
  public Calls another() {
    return new Calls(sides.stream().map(Side::bodies));
  }

  /**
   * Copies what subgraph 0 is given, which the run may write over.
   *
   * @param model its place among the models
   */
  public void keep(int model, Observer.Tensors tensors) {
    Side side = sides.get(model);
    side.given.clear();
    for (int input : side.bodies.graph(0).inputs()) {
      side.given.add(tensors.info(input), tensors.values(input));
    }
  }

  /**
   * Runs what the subgraphs 0 have called in a run that has begun without any state, and on what
   * was {@linkplain #keep kept}.
   *
   * @param runs of the models, as they were left
   */
  public void follow(List<? extends Observer.Tensors> runs, Watcher watcher) {
    for (Side side : sides) {
      side.runs.values().forEach(each -> each.interpreter().resetVariableTensors());
    }
    List<Values> given = sides.stream().map(Side::given).toList();
    follow(sides.stream().map(side -> 0).toList(), runs, given, watcher);
  }

  private void follow(
      List<Integer> subgraphs,
      List<? extends Observer.Tensors> runs,
      List<Values> given,
      Watcher watcher) {
    for (List<Operator> operators : watcher.calls(subgraphs)) {
      List<Values> operands = new ArrayList<>();
      for (int i = 0; i < sides.size(); i++) {
        Subgraph graph = sides.get(i).bodies.graph(subgraphs.get(i));
        operands(graph, operators.get(i), runs.get(i), given.get(i)).ifPresent(operands::add);
      }
      if (operands.size() == sides.size()) {
        boolean together =
            switch (OpRules.of(operators.get(0).name()).call().orElseThrow()) {
              case LOOP -> loop(operators, operands, watcher);
              case BRANCH -> branch(operators, operands, watcher);
            };
        if (!together) {
          watcher.part(subgraphs, operators);
        }
      }
    }
  }

  /** What an operator has read, as far as that can be told. */
  private static Optional<Values> operands(
      Subgraph graph, Operator operator, Observer.Tensors run, Values given) {
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

  /** Returns whether the models have taken the same way, likewise below. */
  private boolean loop(List<Operator> operators, List<Values> operands, Watcher watcher) {
    List<Values> state = operands;
    while (true) {
      List<Boolean> flags = flags(run(called(operators, 0), state, watcher));
      if (flags.contains(true) && flags.contains(false)) {
        return false;
      }
      if (flags.contains(false)) {
        return true;
      }
      state = run(called(operators, 1), state, watcher);
    }
  }

  private boolean branch(List<Operator> operators, List<Values> operands, Watcher watcher) {
    List<Boolean> flags = flags(operands);
    if (flags.contains(true) && flags.contains(false)) {
      return false;
    }
    int taken = flags.contains(true) ? 0 : 1;
    run(called(operators, taken), operands.stream().map(Values::withoutFirst).toList(), watcher);
    return true;
  }

  private static List<Boolean> flags(List<Values> values) {
    return values.stream().map(each -> each.bytes(0).get() != 0).toList();
  }

  private static List<Integer> called(List<Operator> operators, int place) {
    return operators.stream().map(operator -> operator.calls().get(place)).toList();
  }

  private List<Values> run(List<Integer> subgraphs, List<Values> given, Watcher watcher) {
    List<Run> runs = new ArrayList<>();
    for (int side = 0; side < sides.size(); side++) {
      Values values = given.get(side);
      Run run = sides.get(side).run(subgraphs.get(side), values);
      run.interpreter().reshape(values.shapes());
      for (int i = 0; i < values.size(); i++) {
        run.interpreter().input(i).put(values.bytes(i));
      }
      runs.add(run);
    }
    watcher.before(subgraphs, runs);
    runs.forEach(run -> run.interpreter().run());
    watcher.after(subgraphs, runs);
    List<Values> results = runs.stream().map(Calls::results).toList();
    follow(subgraphs, runs, given, watcher);
    return results;
  }

  private static Values results(Run run) {
    Interpreter interpreter = run.interpreter();
    Values results = new Values();
    for (int i = 0; i < interpreter.outputs().size(); i++) {
      results.add(interpreter.outputs().get(i), interpreter.output(i));
    }
    return results;
  }

  @Override
  public void close() {
    sides.forEach(side -> side.runs.values().forEach(Run::close));
  }
}
