/** Rules for layers, a class for each kind, and the table of all rules. */
package io.narrow.keras.layers;
