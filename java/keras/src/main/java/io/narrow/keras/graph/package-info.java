/**
 * Graphs of operators: their values and numbers, what appends to them, and writing them down as a
 * model.
 */
package io.narrow.keras.graph;
