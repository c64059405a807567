package io.narrow.tflite.plan;

/**
 * What becomes of a float32 tensor that is computed or given to the model, and why.
 *
 * @param subgraph number of its subgraph
 * @param tensor its number in the subgraph
 * @param name its name
 * @param produced how the operator that computes it writes it; for an input of the model how it is
 *     given
 * @param stored how the tensor of this number holds it: as {@code produced}, except for an output
 *     of the model, which is converted to the type asked for
 * @param reason why
 */
public record ActivationPlan(
    int subgraph, int tensor, String name, Encoding produced, Encoding stored, Reason reason) {
  /** Whether the tensor is float32 wherever it is. */
  public boolean isFloat() {
    return produced.isFloat() && stored.isFloat();
  }
}
