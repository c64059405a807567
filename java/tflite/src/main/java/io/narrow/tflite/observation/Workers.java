package io.narrow.tflite.observation;

import io.narrow.tflite.Progress;
import io.narrow.tflite.runtime.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Deals the samples to runs, each in a thread of its own. */
final class Workers<O extends Observer> {
  /** A run and who looks at it. */
  record Worker<O extends Observer>(Run run, O observer) {}

  private final Inputs inputs;
  private final List<Worker<O>> workers;
  private final String task;
  private final Progress progress;
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
        int start = i;
        threads.add(new Thread(() -> work(workers.get(start), start), task + "-" + i));
      }
      threads.forEach(Thread::start);
      work(workers.get(0), 0);
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

  private void work(Worker<O> worker, int start) {
    for (int i = start; i < inputs.size() && failures.headMap(i).isEmpty(); i += workers.size()) {
      try {
        worker.run().run(inputs, i, worker.observer());
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
