package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Computes a model in steps, each on all samples, so that a step can depend on what came out of
 * those before it. It costs about as much as to run the model twice. Between steps it keeps of each
 * sample the tensors that later operators read.
 */
final class StepwiseRun {
  private final Model model;
  private final Samples samples;
  private final List<Operator> operators = new ArrayList<>();
  private final Map<Integer, Operator> unpacking = new HashMap<>(); // of constants, by output
  private final Map<Integer, Integer> lastReaders = new HashMap<>();
  private int next;
  private final Map<Integer, Constant> instead = new HashMap<>(); // operands of the next operator

  private record Constant(float[] values, int[] shape) {}

  /** Operators up to a target, in the making. */
  private record Step(
      PartialModel part, Set<Integer> inputs, Set<Integer> written, Operator shown) {}

  StepwiseRun(Model model, Samples samples) {
    this.model = model;
    this.samples = samples;
    Subgraph main = model.subgraphs().get(0);
    for (Operator operator : main.operators()) {
      if (unpacks(model, operator)) {
        unpacking.put(operator.outputs()[0], operator);
      } else {
        for (int tensor : operator.inputs()) {
          lastReaders.put(tensor, operators.size());
        }
        operators.add(operator);
      }
    }
  }

  /** Whether an operator makes a constant of another. */
  static boolean unpacks(Model model, Operator operator) {
    return OpRules.of(operator.name()).converts()
        && model.isConstant(model.subgraphs().get(0).tensor(operator.input(0)));
  }

  /** Whether the operators of a model can be run at different times. */
  static boolean possible(Model model) {
    return model.subgraphs().stream()
        .flatMap(subgraph -> subgraph.operators().stream())
        .noneMatch(operator -> OpRules.of(operator.name()).stateful());
  }

  /** The most bytes that are kept of a sample, as far as the file knows the shapes. */
  static long bytesKept(Model model) {
    StepwiseRun run = new StepwiseRun(model, null);
    Subgraph main = model.subgraphs().get(0);
    Set<Integer> kept = new HashSet<>();
    IntStream.of(main.inputs()).forEach(kept::add);
    long most = 0;
    for (int i = 0; i < run.operators.size(); i++) {
      int now = i;
      IntStream.of(run.operators.get(i).outputs()).forEach(kept::add);
      kept.removeIf(tensor -> run.lastReaders.getOrDefault(tensor, -1) < now);
      long bytes = kept.stream().mapToLong(t -> main.tensor(t).elements() * Float.BYTES).sum();
      most = Math.max(most, bytes);
    }
    return most;
  }

  /**
   * Computes until a target, without it, and gives the means of what it would compute; then those
   * of what its sum adds to it, if it has one.
   *
   * @param target comes after those of all calls before
   * @throws NarrowException if the runtime does not take the step, or a tensor changes its size
   */
  float[][][] means(CorrectableBias target) {
    Step step = step(target);
    read(step.inputs, step.shown.inputs());
    step.part.showSums(step.shown);
    if (target.sum().isPresent()) {
      int other = other(target.sum().get());
      read(step.inputs, other);
      step.part.mean(other);
    }
    List<Integer> from = List.copyOf(step.inputs);
    List<Integer> to = List.copyOf(step.written);
    float[][][] means = samples.run(step.part.finish(from, to), from, to);
    samples.forget(this::isDone);
    return means;
  }

  /**
   * Computes until a target, without it, and shows what it would compute before its fused
   * activation with other weights: the output 0 of what was run.
   *
   * @param target comes after those of all calls before
   * @param weights number of a constant
   * @param visitor sees what the target reads as well
   * @throws NarrowException as {@link #means} does
   */
  void see(CorrectableBias target, int weights, Samples.Visitor visitor) {
    Step step = step(target);
    Operator shown = step.shown.withInput(target.weights(), weights);
    read(step.inputs, shown.inputs());
    step.part.giveSums(shown);
    List<Integer> from = List.copyOf(step.inputs);
    List<Integer> to = List.copyOf(step.written);
    samples.visit(step.part.finish(from, to), from, to, visitor);
    samples.forget(this::isDone);
  }

  private Step step(CorrectableBias target) {
    int end = next;
    while (!target.writtenBy(operators.get(end))) {
      end++;
    }
    PartialModel part = new PartialModel(model);
    List<Operator> step = new ArrayList<>(operators.subList(next, end));
    instead.forEach(
        (place, operand) ->
            step.set(
                0, step.get(0).withInput(place, part.constant(operand.values, operand.shape))));
    instead.clear();
    Set<Integer> unpacked = new HashSet<>();
    step.forEach(operator -> unpack(operator, unpacked, part));
    unpack(operators.get(end), unpacked, part);
    Set<Integer> inputs = new LinkedHashSet<>();
    Set<Integer> written = new LinkedHashSet<>();
    for (Operator operator : step) {
      read(inputs, operator.inputs());
      part.compute(operator);
      IntStream.of(operator.outputs()).forEach(written::add);
    }
    next = end;
    written.removeIf(this::isDone);
    return new Step(part, inputs, written, operators.get(end));
  }

  /** Number of the other operand of a sum in the model that rounds. */
  private int other(CorrectableBias.Sum sum) {
    Subgraph main = model.subgraphs().get(0);
    int adds = main.producer(sum.output()).orElseThrow();
    return main.operators().get(adds).input(sum.place());
  }

  /** Gives the target of the last step another bias before it is computed. */
  void withBias(CorrectableBias target, float[] values) {
    instead.put(target.bias(), new Constant(values, new int[] {values.length}));
  }

  /** Gives the target of the last step other weights before it is computed. */
  void withWeights(CorrectableBias target, float[] values, int[] shape) {
    instead.put(target.weights(), new Constant(values, shape));
  }

  private boolean isDone(int tensor) {
    return lastReaders.getOrDefault(tensor, -1) < next;
  }

  private void unpack(Operator operator, Set<Integer> unpacked, PartialModel part) {
    for (int tensor : operator.inputs()) {
      if (unpacking.containsKey(tensor) && unpacked.add(tensor)) {
        part.compute(unpacking.get(tensor));
      }
    }
  }

  private void read(Set<Integer> inputs, int... tensors) {
    for (int tensor : tensors) {
      if (samples.has(tensor)) {
        inputs.add(tensor);
      }
    }
  }
}
