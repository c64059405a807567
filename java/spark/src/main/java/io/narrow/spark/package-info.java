/**
 * Narrow on Apache Spark 4: columns of vectors to codes and back, and models calibrated and
 * evaluated over a cluster's data. What belongs here knows Spark; arithmetic is that of {@code
 * io.narrow.kernels} and {@code io.narrow.tflite}.
 */
package io.narrow.spark;
