package io.narrow.tflite.calibration;

import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Feed;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Deals the samples to recorders, each in a thread of its own, and merges what they have seen. */
final class Workers {
  private final Feed feed;
  private final int count;
  private final Progress progress;
  // By number of the sample: what is reported does not depend on which thread comes first.
  private final ConcurrentSkipListMap<Integer, Throwable> failures = new ConcurrentSkipListMap<>();

  private Workers(Feed feed, int count, Progress progress) {
    this.feed = feed;
    this.count = count;
    this.progress = progress;
  }

  /**
   * @param first has seen sample 0 already
   * @param threads how many recorders run at a time
   */
  static Calibration run(Recorder first, Feed feed, int threads, Progress progress) {
    Workers workers = new Workers(feed, Math.min(threads, feed.size()), progress);
    List<Recorder> recorders = new ArrayList<>(List.of(first));
    try {
      while (recorders.size() < workers.count) {
        recorders.add(first.another(first.way()));
      }
      return workers.run(recorders);
    } finally {
      recorders.forEach(Recorder::close);
    }
  }

  private Calibration run(List<Recorder> recorders) {
    progress.start("calibrate", feed.size());
    try {
      progress.step(); // sample 0
      List<Thread> threads = new ArrayList<>();
      for (int i = 1; i < count; i++) {
        int start = i;
        threads.add(new Thread(() -> work(recorders.get(start), start), "calibrate-" + i));
      }
      threads.forEach(Thread::start);
      work(recorders.get(0), count);
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
    return recorders.stream()
        .map(Recorder::calibration)
        .reduce(Calibration::merge)
        .orElse(Calibration.EMPTY);
  }

  private void work(Recorder recorder, int start) {
    for (int i = start; i < feed.size() && failures.headMap(i).isEmpty(); i += count) {
      try {
        recorder.record(feed, i);
      } catch (RuntimeException | Error e) {
        failures.put(i, e);
        return;
      }
      synchronized (progress) {
        progress.step();
      }
    }
  }

  /** Waits to the end: the recorders must not be closed before. */
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
