package io.narrow.tflite.ops;

/** Which probabilities an operator makes of its operand. */
public enum Probabilities {
  /** None. */
  NONE,
  /** Such as add up to 1 along the last axis. */
  SOFTMAX,
  /** Each for itself. */
  LOGISTIC
}
