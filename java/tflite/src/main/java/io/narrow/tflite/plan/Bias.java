package io.narrow.tflite.plan;

/**
 * Values of a bias.
 *
 * @param subgraph number of a subgraph
 * @param operator number of an operator of it
 * @param place place of the bias among its inputs
 * @param values one for each channel, float32
 */
public record Bias(int subgraph, int operator, int place, float[] values) {
  public Bias {
    values = values.clone();
  }

  @Override
  public float[] values() {
    return values.clone();
  }
}
