/**
 * What errors that samples show change in a plan: biases, and codes of weights. One run along the
 * model, operator after operator, serves both.
 */
package io.narrow.tflite.correction;
