package io.narrow.tflite.plan;

/** How the scales of symmetric integer weights are chosen. */
public enum WeightScaling {
  /** A scale per channel that reaches its largest magnitude. */
  LARGEST,
  /** The scale per channel with the least squared error of its weights, at most that. */
  LEAST_ERROR,
  /** As {@link #LARGEST}, one scale for all channels. */
  ONE_SCALE,
  /**
   * The scale per channel of which its weights are multiples already, as after training for
   * quantization; weights that are no multiples of any stay float32.
   */
  RECOVERED
}
