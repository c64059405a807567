/**
 * Runs models over samples and says how accurate, how far from the float model and how fast they
 * are: {@link io.narrow.tflite.evaluation.Evaluator}, {@link
 * io.narrow.tflite.evaluation.Benchmarker}, {@link io.narrow.tflite.evaluation.Sweep}.
 */
package io.narrow.tflite.evaluation;
