package io.narrow.tflite.runtime;

/** Samples that a model is run on. Safe for use by several threads. */
public interface Inputs {
  /** Number of samples, at least 1. */
  int size();

  /** Writes a sample to the inputs of a model. */
  void write(int sample, Interpreter interpreter);
}
