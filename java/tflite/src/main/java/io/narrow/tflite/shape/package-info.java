/**
 * What follows from the shapes of a model's inputs without running it: the shapes of all tensors,
 * and the integers that are computed from shapes, which become constants. {@link
 * io.narrow.tflite.shape.InputShapes} fixes those that a file leaves open.
 *
 * <p>Rules for operators stand in tables; where there is none, or where it depends on values,
 * nothing is known of the result, and the model stays as it is there.
 */
package io.narrow.tflite.shape;
