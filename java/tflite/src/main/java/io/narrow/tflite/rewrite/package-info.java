/**
 * Carries a plan out: {@link io.narrow.tflite.rewrite.Rewriter} gives the smaller model. Nothing is
 * decided here.
 */
package io.narrow.tflite.rewrite;
