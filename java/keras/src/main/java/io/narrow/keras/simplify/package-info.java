/**
 * What makes a graph smaller and leaves what it computes: folding, order of the axes, duplicates.
 */
package io.narrow.keras.simplify;
