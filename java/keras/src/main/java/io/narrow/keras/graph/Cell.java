package io.narrow.keras.graph;

import java.util.List;

/** What a recurrent layer does in one step of time. */
public interface Cell {
  /** Sizes of the states without the batch, for steps of this shape (with the batch). */
  List<int[]> states(int[] step);

  /** Which of the states is what the cell gives. */
  default int output() {
    return 0;
  }

  /**
   * What does not depend on the states, of one step or of all of them at once.
   *
   * @param x [batch, ...] or [batch, steps, ...]
   */
  Value project(Graph g, Value x);

  /**
   * The states after a step.
   *
   * @param projected what {@link #project} makes of the step, [batch, ...]
   */
  List<Value> step(Graph g, Value projected, List<Value> states);
}
