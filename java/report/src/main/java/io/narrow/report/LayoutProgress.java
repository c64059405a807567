package io.narrow.report;

import io.narrow.tflite.Progress;
import org.eclipse.elk.core.util.BasicProgressMonitor;

/** Tells how far the layout of a graph has come, as ELK sees it: a hundred steps. */
final class LayoutProgress extends BasicProgressMonitor {
  static final int STEPS = 100;

  private final Progress progress;
  private int told;

  LayoutProgress(Progress progress) {
    this.progress = progress;
  }

  @Override
  protected void doWorked(float completed, float total, boolean top) {
    tell(total > 0 ? (int) (STEPS * completed / total) : 0);
  }

  /** Makes the steps up to one. */
  void tell(int step) {
    for (; told < Math.min(step, STEPS); told++) {
      progress.step();
    }
  }
}
