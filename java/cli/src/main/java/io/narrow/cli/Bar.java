package io.narrow.cli;

import io.narrow.tflite.Progress;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on standard error. */
final class Bar implements Progress {
  private ProgressBar bar;
  private Thread clearing;

  private Bar() {}

  /** A bar where a person looks on, nothing elsewhere. */
  static Progress onTerminal() {
    return System.console() == null || System.getenv("CI") != null ? Progress.NONE : new Bar();
  }

  @Override
  public void start(String task, long total) {
    bar =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setStyle(plain() ? ProgressBarStyle.ASCII : ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
            .clearDisplayOnFinish()
            // Its own would write past System.err, to where the runtime's lines are kept.
            .setConsumer(new ConsoleProgressBarConsumer(System.err))
            .build();
    clearing = new Thread(bar::close); // at Ctrl-C
    Runtime.getRuntime().addShutdownHook(clearing);
  }

  private static boolean plain() {
    return System.getenv("NO_COLOR") != null || "dumb".equals(System.getenv("TERM"));
  }

  @Override
  public void step() {
    bar.step();
  }

  @Override
  public void done() {
    bar.close();
    try {
      Runtime.getRuntime().removeShutdownHook(clearing);
    } catch (IllegalStateException e) {
      // the process is ending: the hook is running
    }
  }
}
