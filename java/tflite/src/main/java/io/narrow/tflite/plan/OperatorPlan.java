package io.narrow.tflite.plan;

/**
 * What becomes of an operator, and why.
 *
 * @param subgraph number of its subgraph
 * @param operator its number in the subgraph
 * @param name its name in the schema
 * @param precision what it computes with
 * @param reason why; {@link Reason#NONE} where there is nothing to decide
 */
public record OperatorPlan(
    int subgraph, int operator, String name, Precision precision, Reason reason) {

  /** What an operator computes with. */
  public enum Precision {
    /** float32, with float32 constants if any. */
    FLOAT32("float32"),
    /** Integers throughout. */
    INTEGER("integer"),
    /** Integer weights beside float32 inputs, which its kernel quantizes as it runs. */
    HYBRID("integer weights"),
    /** float32, with constants that are stored smaller. */
    STORED("float32 from smaller weights"),
    /** Turns float32 into integers or back. */
    CONVERSION("conversion"),
    /** What the operators of the subgraphs that it calls do. */
    CALL("calls of subgraphs"),
    /** No float32 tensor among inputs and outputs. */
    OTHER("no float32");

    private final String words;

    Precision(String words) {
      this.words = words;
    }

    /** Whether the operator's results are float32. */
    public boolean computesFloat() {
      return this == FLOAT32 || this == STORED || this == HYBRID;
    }

    @Override
    public String toString() {
      return words;
    }
  }
}
