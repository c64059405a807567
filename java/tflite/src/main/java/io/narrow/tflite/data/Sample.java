package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.List;

/**
 * What a model is run on once.
 *
 * @param inputs one array per input of the model, in the model's order and shapes
 * @param label the class that the model should find, or {@link #NO_LABEL}
 */
public record Sample(List<NdArray> inputs, int label) {
  /** Stands for a label that is not known. */
  public static final int NO_LABEL = -1;

  public Sample {
    inputs = List.copyOf(inputs);
  }

  /**
   * Checks that the label is one that an output can tell.
   *
   * @param model whose output it is, for the message
   * @param values how many values the output has; of a single one two labels can be told
   * @throws NarrowException if it is none
   */
  public void checkLabel(String model, TensorInfo output, int values) {
    if (label >= Math.max(values, 2)) {
      throw NarrowException.input(
          model
              + ": label "
              + label
              + ", but output `"
              + output.name()
              + "` has "
              + values
              + " values (option label-offset moves labels)");
    }
  }
}
