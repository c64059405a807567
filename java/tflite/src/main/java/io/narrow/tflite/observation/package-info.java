/** Looks at the tensors of models while they run, and sums up what is seen in any order. */
package io.narrow.tflite.observation;
