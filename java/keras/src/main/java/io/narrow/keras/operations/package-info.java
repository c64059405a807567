/** Rules for functions that a model calls on tensors. */
package io.narrow.keras.operations;
