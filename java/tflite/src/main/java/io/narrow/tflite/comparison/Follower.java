package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Observer;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** A model that runs after the float model on every sample, on what that one has computed. */
final class Follower implements AutoCloseable {
  /**
   * Two tensors to be compared.
   *
   * @param number in the model that follows
   * @param floatNumber in the float model
   */
  record Pair(int number, int floatNumber) {}

  private final String name;
  private final ObservedModel model;
  private final List<Integer> inputs;
  private final IntPredicate callers;
  private final List<Pair> pairs;
  private final List<TensorInfo> given;
  private final boolean optional;
  private volatile Optional<String> problem = Optional.empty();
  private Optional<Run> ready = Optional.empty();

  /**
   * @param inputs numbers of the float model's tensors that its inputs are given
   * @param callers which of them a caller gives to the float model
   * @param pairs of tensors that hold real numbers
   * @param shown numbers of its tensors that are looked at, those of the pairs and others
   * @param xnnpack whether XNNPACK may run it
   * @param optional whether the others go on without it where it cannot follow
   * @throws NarrowException if the runtime does not take the model
   */
  Follower(
      Model model,
      List<Integer> inputs,
      IntPredicate callers,
      List<Pair> pairs,
      List<Integer> shown,
      boolean xnnpack,
      boolean optional) {
    this.callers = callers;
    this.optional = optional;
    this.name = model.name();
    this.inputs = List.copyOf(inputs);
    this.pairs = List.copyOf(pairs);
    this.model = ObservedModel.open(model, shown, xnnpack);
    this.given = this.model.inputs();
  }

  static List<Integer> numbers(List<Pair> pairs) {
    return pairs.stream().map(Pair::number).distinct().toList();
  }

  /** Why it could not follow to the end, if it could not: what it counted is then of no use. */
  Optional<String> problem() {
    return problem;
  }

  @Override
  public void close() {
    ready.ifPresent(Run::close);
    model.close();
  }

  /**
   * Decides which kernels run it, on the sample that the float model has run: to be called before
   * it follows in any thread, so that the decision is not that of a thread's first sample.
   */
  void prepare(Observer.Tensors floats) {
    attempt(() -> ready = Optional.of(model.start(interpreter -> fill(interpreter, floats))));
  }

  private void attempt(Runnable step) {
    if (problem.isPresent()) {
      return;
    }
    try {
      step.run();
    } catch (NarrowException e) {
      if (!optional) {
        throw e;
      }
      problem = Optional.of(e.getMessage());
    }
  }

  private synchronized Run open(Observer.Tensors floats) {
    Run run = ready.orElseGet(() -> model.start(interpreter -> fill(interpreter, floats)));
    ready = Optional.empty();
    return run;
  }

  private void fill(Interpreter interpreter, Observer.Tensors floats) {
    for (int i = 0; i < given.size(); i++) {
      TensorInfo info = given.get(i);
      ByteBuffer values = floats.values(inputs.get(i));
      ByteBuffer memory = interpreter.input(i);
      TensorInfo from = floats.info(inputs.get(i));
      if (from.elements() != info.elements()) {
        throw misfit(name, info);
      }
      if (from.type() == info.type()) {
        memory.put(values);
      } else if (callers.test(inputs.get(i)) && info.quantized()) {
        TensorCodec.of(info, name).writeAsCallers(values, memory);
      } else {
        TensorCodec.of(info, name).write(values, memory);
      }
    }
  }

  static NarrowException misfit(String model, TensorInfo info) {
    return NarrowException.unsupported(
        model + ": tensor " + info + " is of another size than in the float model");
  }

  /**
   * Joins another thread.
   *
   * @param called compares what it calls
   */
  Thread start(Tally.Scratch scratch, Optional<CalledGraphs.Thread> called) {
    return new Thread(scratch, called);
  }

  /** It in one thread. */
  final class Thread implements AutoCloseable {
    private final Tallies tallies;
    private final Optional<CalledGraphs.Thread> called;
    private Optional<Run> run = Optional.empty();

    private Thread(Tally.Scratch scratch, Optional<CalledGraphs.Thread> called) {
      this.tallies = new Tallies(name, pairs, scratch);
      this.called = called;
    }

    /** Of its pairs. */
    Tallies tallies() {
      return tallies;
    }

    /**
     * Follows the float model, which has just run.
     *
     * @throws NarrowException if it cannot be run, or a tensor is not of the float model's size
     */
    void follow(Observer.Tensors floats) {
      attempt(() -> run(floats));
    }

    private void run(Observer.Tensors floats) {
      if (run.isEmpty()) {
        run = Optional.of(open(floats));
      }
      Run mine = run.get();
      mine.run(
          interpreter -> {
            fill(interpreter, floats);
            called.ifPresent(each -> each.keepOther(mine));
          });
      tallies.add(floats, mine);
      called.ifPresent(each -> each.follow(floats, mine));
    }

    @Override
    public void close() {
      run.ifPresent(Run::close);
    }
  }
}
