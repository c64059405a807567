/**
 * Says where a quantized model loses accuracy: {@link
 * io.narrow.tflite.comparison.Comparator#compare} runs it beside the float model and gives a {@link
 * io.narrow.tflite.comparison.Comparison}, a tree of records.
 */
package io.narrow.tflite.comparison;
