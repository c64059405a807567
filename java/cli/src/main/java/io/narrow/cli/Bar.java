package io.narrow.cli;

import io.narrow.tflite.Progress;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on standard error, of what takes long enough to be waited for. */
final class Bar implements Progress {
  /** Milliseconds after which a task is given one. */
  private static final long LONG = Long.getLong("narrow.progress.after", 1000);

  /** Whether a task without steps has a bar. */
  private static final AtomicBoolean BUSY = new AtomicBoolean();

  private Thread waiting;
  private Thread clearing;
  private ProgressBar bar;
  private long steps;

  private Bar() {}

  /** A bar where a person looks on, nothing elsewhere. */
  static Progress onTerminal() {
    return System.console() == null || System.getenv("CI") != null ? Progress.NONE : new Bar();
  }

  /**
   * Does something that has no steps, with a bar that says for how long; with that of a task of
   * which it is a part.
   */
  static <T> T during(String task, Supplier<T> work) {
    if (!BUSY.compareAndSet(false, true)) {
      return work.get();
    }
    Progress progress = onTerminal();
    progress.start(task, 1);
    try {
      return work.get();
    } finally {
      progress.done();
      BUSY.set(false);
    }
  }

  @Override
  public synchronized void start(String task, long total) {
    steps = 0;
    waiting = new Thread(() -> await(task, total));
    waiting.setDaemon(true);
    waiting.start();
  }

  private void await(String task, long total) {
    try {
      Thread.sleep(LONG);
      show(task, total);
    } catch (InterruptedException e) {
      // the task is done
    }
  }

  private synchronized void show(String task, long total) {
    if (waiting != Thread.currentThread()) {
      return; // done in the meantime
    }
    bar =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setStyle(plain() ? ProgressBarStyle.ASCII : ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
            .clearDisplayOnFinish()
            // Its own would write past System.err, to where the runtime's lines are kept.
            .setConsumer(new ConsoleProgressBarConsumer(System.err))
            .build();
    bar.stepTo(steps);
    clearing = new Thread(bar::close); // at Ctrl-C
    try {
      Runtime.getRuntime().addShutdownHook(clearing);
    } catch (IllegalStateException e) {
      bar.close(); // the process is ending
    }
  }

  private static boolean plain() {
    return dumb() || !System.getenv().getOrDefault("NO_COLOR", "").isEmpty(); // no-color.org
  }

  /** Whether the terminal takes letters for what colours are. */
  static boolean dumb() {
    return "dumb".equals(System.getenv("TERM"));
  }

  @Override
  public synchronized void step() {
    steps++;
    if (bar != null) {
      bar.step();
    }
  }

  @Override
  public synchronized void done() {
    waiting.interrupt();
    waiting = null;
    if (bar == null) {
      return;
    }
    bar.close();
    bar = null;
    try {
      Runtime.getRuntime().removeShutdownHook(clearing);
    } catch (IllegalStateException e) {
      // the process is ending: the hook is running
    }
  }
}
