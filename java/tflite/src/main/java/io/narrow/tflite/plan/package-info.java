/**
 * Decides for every tensor and operator what becomes of it, and why: {@link
 * io.narrow.tflite.plan.Recipe} says what is wanted, {@link io.narrow.tflite.plan.Planner} makes a
 * {@link io.narrow.tflite.plan.Plan} of it. Nothing is edited here.
 */
package io.narrow.tflite.plan;
