package io.narrow.tflite.data;

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
}
