package io.narrow.tflite.comparison;

import io.narrow.tflite.Progress;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Observer;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.runtime.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Followers of a float model in one thread: each runs on every sample that the float model ran. */
final class Lockstep implements Observer, AutoCloseable {
  private final List<Follower.Thread> threads = new ArrayList<>();
  private final Observer beside;
  private final Optional<CalledGraphs.Thread> called;

  private Lockstep(List<Follower> followers, Observer beside, Optional<CalledGraphs> called) {
    this.beside = beside;
    Tally.Scratch scratch = new Tally.Scratch();
    this.called = called.map(each -> each.start(scratch));
    for (Follower follower : followers) {
      threads.add(follower.start(scratch, threads.isEmpty() ? this.called : Optional.empty()));
    }
  }

  @Override
  public void before(int sample, Tensors tensors) {
    called.ifPresent(each -> each.keep(tensors));
  }

  @Override
  public void after(int sample, Tensors tensors) {
    threads.forEach(thread -> thread.follow(tensors));
    beside.after(sample, tensors);
  }

  @Override
  public void close() {
    threads.forEach(Follower.Thread::close);
    called.ifPresent(CalledGraphs.Thread::close);
  }

  /** The float model after the first sample. To be closed. */
  static Run observed(ObservedModel floats, Inputs inputs) {
    Run run = floats.start(interpreter -> inputs.write(0, interpreter));
    run.run(interpreter -> inputs.write(0, interpreter));
    return run;
  }

  /**
   * Runs all on samples.
   *
   * @param called what the first follower calls, if that is compared, too
   * @param first the float model after the first sample, which followers are prepared on
   * @param beside makes for each thread another that looks at the float model
   * @return what was counted of each follower, whatever the threads; of no use if it has a
   *     {@linkplain Follower#problem problem}
   */
  static List<Tallies> run(
      ObservedModel floats,
      Run first,
      List<Follower> followers,
      Optional<CalledGraphs> called,
      Supplier<Observer> beside,
      Inputs inputs,
      int threads,
      String task,
      Progress progress) {
    followers.forEach(follower -> follower.prepare(first));
    List<Lockstep> all = new ArrayList<>();
    try {
      floats.run(
          inputs,
          () -> {
            Lockstep one = new Lockstep(followers, beside.get(), called);
            all.add(one);
            return one;
          },
          threads,
          task,
          progress);
    } finally {
      all.forEach(Lockstep::close);
    }
    List<Tallies> counted = new ArrayList<>();
    for (int i = 0; i < followers.size(); i++) {
      int follower = i;
      counted.add(Tallies.sum(all.stream().map(each -> each.threads.get(follower).tallies())));
    }
    return counted;
  }
}
