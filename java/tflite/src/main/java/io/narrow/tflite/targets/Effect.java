package io.narrow.tflite.targets;

import java.util.Locale;

/** What happens where a device does not compute an operator as it stands. Worst first. */
public enum Effect {
  /** The model does not run. */
  ERROR,
  /** The processor beside the accelerator computes the operator. */
  CPU,
  /** A kernel computes it that was not written for this processor. */
  SLOW;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
