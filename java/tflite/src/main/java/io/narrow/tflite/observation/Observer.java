package io.narrow.tflite.observation;

import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Looks at the tensors of a subgraph while a model runs, of one sample after the other. Called by
 * one thread at a time; several threads have one each.
 */
public interface Observer {
  /** The tensors of a run, valid until the call they are given to returns. */
  interface Tensors {
    /**
     * The values of a tensor where they lie: read-only, little-endian; none where TFLite gives the
     * tensor no memory, as some results of WHILE.
     *
     * @param tensor an input before the run; a tensor that is shown, or variable, after it
     */
    ByteBuffer values(int tensor);

    /** Type, shape and encoding of a tensor, as it was last run. */
    TensorInfo info(int tensor);
  }

  /**
   * A sample is in the inputs. The run that follows may use their memory for other tensors, so this
   * is when they can be looked at.
   *
   * @param sample its number
   */
  default void before(int sample, Tensors tensors) {}

  /** The sample has been run. */
  void after(int sample, Tensors tensors);

  /**
   * Who looks at another subgraph of the model, before and after each time that an operator called
   * it; nobody if empty.
   *
   * @param subgraph its number; its tensors are those that the other is shown
   */
  default Optional<Observer> within(int subgraph) {
    return Optional.empty();
  }
}
