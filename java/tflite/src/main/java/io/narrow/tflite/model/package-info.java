/**
 * Models as values: {@link io.narrow.tflite.model.Model} with its subgraphs, tensors and operators,
 * read from a file, checked, and written. A model does not change.
 */
package io.narrow.tflite.model;
