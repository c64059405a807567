/**
 * How a model is walked and what a rule for a class of layers is given, masks and activations
 * included.
 */
package io.narrow.keras.rule;
