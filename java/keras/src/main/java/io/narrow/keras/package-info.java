/**
 * Reads Keras models. {@link io.narrow.keras.KerasModel} is what others use; what is here finds the
 * parts of a file and has them built. No room uses one that stands before it: {@code graph}, {@code
 * file}, {@code config}, {@code simplify}, {@code rule}, {@code operations}, {@code layers}.
 */
package io.narrow.keras;
