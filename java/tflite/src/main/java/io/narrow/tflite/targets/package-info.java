/**
 * What devices make of a model: {@link io.narrow.tflite.targets.Target#check}. Rules are data:
 * {@code kernels.table} says which types a device computes an operator with, {@code rules.table}
 * what else it asks of it, each with where that comes from; the code here holds the few questions
 * that the rules ask of an operator.
 */
package io.narrow.tflite.targets;
