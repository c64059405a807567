/**
 * Samples of every source in one form: {@link io.narrow.tflite.data.Dataset} gives them, a class
 * for each file format reads them, and preprocessing turns them into what a model's inputs take.
 */
package io.narrow.tflite.data;
