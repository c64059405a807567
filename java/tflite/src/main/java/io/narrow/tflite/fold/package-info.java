/**
 * What a model says in another way is brought into one form before the plan: constants however they
 * are stored, models of integers, models trained to be quantized.
 */
package io.narrow.tflite.fold;
