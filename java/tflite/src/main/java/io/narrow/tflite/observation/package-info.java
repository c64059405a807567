/** Looks at the tensors of models while they run. */
package io.narrow.tflite.observation;
