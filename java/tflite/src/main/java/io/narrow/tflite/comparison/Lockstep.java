package io.narrow.tflite.comparison;

import io.narrow.tflite.Progress;
import io.narrow.tflite.observation.Inputs;
import io.narrow.tflite.observation.ObservedModel;
import io.narrow.tflite.observation.Observer;
import io.narrow.tflite.observation.Run;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Followers of a float model in one thread: each runs on every sample that the float model ran. */
final class Lockstep implements Observer, AutoCloseable {
  private final List<Follower.Thread> threads = new ArrayList<>();

  private final Observer beside;

  private Lockstep(List<Follower> followers, Observer beside) {
    this.beside = beside;
    Tally.Scratch scratch = new Tally.Scratch();
    followers.forEach(follower -> threads.add(follower.start(scratch)));
  }

  @Override
  public void after(int sample, Tensors tensors) {
    threads.forEach(thread -> thread.follow(tensors));
    beside.after(sample, tensors);
  }

  @Override
  public void close() {
    threads.forEach(Follower.Thread::close);
  }

  /** The float model after the first sample. To be closed. */
  static Run observed(ObservedModel floats, Inputs inputs) {
    Run run = floats.start(interpreter -> inputs.write(0, interpreter));
    run.run(interpreter -> inputs.write(0, interpreter));
    return run;
  }

  /**
   * What was counted of a follower; nothing if it could not follow.
   *
   * @param tallies for each of its pairs
   * @param infos of its pairs' tensors
   */
  record Counted(List<Tally> tallies, List<TensorInfo> infos) {}

  /**
   * Runs all on samples.
   *
   * @param first the float model after the first sample, which followers are prepared on
   * @param beside makes for each thread another that looks at the float model
   * @return what was counted of each follower, whatever the threads
   */
  static List<Counted> run(
      ObservedModel floats,
      Run first,
      List<Follower> followers,
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
            Lockstep one = new Lockstep(followers, beside.get());
            all.add(one);
            return one;
          },
          threads,
          task,
          progress);
    } finally {
      all.forEach(Lockstep::close);
    }
    List<Counted> counted = new ArrayList<>();
    for (int i = 0; i < followers.size(); i++) {
      if (followers.get(i).problem().isPresent()) {
        counted.add(new Counted(List.of(), List.of()));
        continue;
      }
      Follower.Thread counter = all.get(0).threads.get(i);
      for (Lockstep other : all.subList(1, all.size())) {
        List<Tally> more = other.threads.get(i).tallies();
        for (int pair = 0; pair < more.size(); pair++) {
          counter.tallies().get(pair).add(more.get(pair));
        }
      }
      counted.add(new Counted(counter.tallies(), counter.infos()));
    }
    return counted;
  }
}
