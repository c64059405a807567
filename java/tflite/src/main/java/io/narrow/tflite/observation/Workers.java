package io.narrow.tflite.observation;

import io.narrow.tflite.Progress;
import io.narrow.tflite.runtime.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Runs that take one sample after the other, each in a thread of its own. */
final class Workers<O extends Observer> {
  /** A run, which its thread opens, and who looks at it. */
  static final class Worker<O extends Observer> implements AutoCloseable {
    private final Supplier<Run> opened;
    private final O observer;
    private Optional<Run> run = Optional.empty();

    Worker(Supplier<Run> opened, O observer) {
      this.opened = opened;
      this.observer = observer;
    }

    O observer() {
      return observer;
    }

    void run(Inputs inputs, int sample) {
      if (run.isEmpty()) {
        run = Optional.of(opened.get());
      }
      run.get().run(inputs, sample, observer);
    }

    @Override
    public void close() {
      run.ifPresent(Run::close);
    }
  }

  private final Inputs inputs;
  private final List<Worker<O>> workers;
  private final String task;
  private final Progress progress;
  private final AtomicInteger next = new AtomicInteger();
  // By number of the sample: what is reported does not depend on which thread comes first.
  private final ConcurrentSkipListMap<Integer, Throwable> failures = new ConcurrentSkipListMap<>();

  Workers(Inputs inputs, List<Worker<O>> workers, String task, Progress progress) {
    this.inputs = inputs;
    this.workers = workers;
    this.task = task;
    this.progress = progress;
  }

  void run() {
    progress.start(task, inputs.size());
    try {
      List<Thread> threads = new ArrayList<>();
      for (int i = 1; i < workers.size(); i++) {
        Worker<O> worker = workers.get(i);
        threads.add(new Thread(() -> work(worker), task + "-" + i));
      }
      threads.forEach(Thread::start);
      work(workers.get(0));
      threads.forEach(Workers::await);
    } finally {
      progress.done();
    }
    Map.Entry<Integer, Throwable> failure = failures.firstEntry();
    if (failure != null) {
      if (failure.getValue() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) failure.getValue();
    }
  }

  /** The next sample is whose thread is free: some start later, and none is as fast as another. */
  private void work(Worker<O> worker) {
    for (int i = next.getAndIncrement();
        i < inputs.size() && failures.headMap(i).isEmpty();
        i = next.getAndIncrement()) {
      try {
        worker.run(inputs, i);
      } catch (RuntimeException | Error e) {
        failures.put(i, e);
        return;
      }
      synchronized (progress) {
        progress.step();
      }
    }
  }

  /** Waits to the end: the runs must not be closed before. */
  private static void await(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
