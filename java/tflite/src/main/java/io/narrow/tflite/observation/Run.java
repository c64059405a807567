package io.narrow.tflite.observation;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;

/** A model that is loaded so that its tensors can be looked at. */
final class Run implements AutoCloseable, Observer.Tensors {
  /** How a run is made to show tensors. */
  enum Way {
    /** XNNPACK, with the tensors as outputs: five to ten times as fast. */
    FAST,
    /** The built-in kernels, which keep every tensor. */
    SURE
  }

  private static final double TOLERANCE = 1e-3;
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final Interpreter interpreter;

  /**
   * @param shown the computed tensors to be looked at; none for the outputs of the model
   * @throws NarrowException if the model cannot be prepared this way
   */
  Run(ByteBuffer model, String name, List<Integer> shown, Way way) {
    Interpreter.Options options = Interpreter.Options.DEFAULT;
    this.interpreter =
        Interpreter.open(
            model,
            name,
            switch (way) {
              case SURE -> options.withXnnpack(false).withPreserveAllTensors(true);
              case FAST -> options.withOutputs(shown);
            });
  }

  Interpreter interpreter() {
    return interpreter;
  }

  /** Runs a sample. State that the model keeps is reset first: samples do not follow in time. */
  void run(Inputs inputs, int sample, Observer observer) {
    interpreter.resetVariableTensors();
    inputs.write(sample, interpreter);
    observer.before(sample, this);
    interpreter.run();
    observer.after(sample, this);
  }

  @Override
  public ByteBuffer values(int tensor) {
    try {
      return interpreter.data(tensor);
    } catch (NarrowException e) {
      return NOTHING;
    }
  }

  @Override
  public TensorInfo info(int tensor) {
    return interpreter.tensor(tensor);
  }

  /** Whether both have computed the same range of every tensor, but for rounding. */
  boolean agrees(Run other, List<Integer> tensors) {
    for (int tensor : tensors) {
      if (info(tensor).type() != TensorType.FLOAT32) {
        continue;
      }
      FloatRange mine = range(tensor);
      FloatRange theirs = other.range(tensor);
      double size = Math.max(Math.abs(theirs.min()), Math.abs(theirs.max()));
      boolean same =
          mine.isEmpty() && theirs.isEmpty()
              || Math.abs((double) mine.min() - theirs.min()) <= TOLERANCE * size
                  && Math.abs((double) mine.max() - theirs.max()) <= TOLERANCE * size;
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private FloatRange range(int tensor) {
    return Kernels.active().range(Span.of(values(tensor)));
  }

  @Override
  public void close() {
    interpreter.close();
  }
}
