/**
 * What is known of each operator, a row for each: what it computes in integers and what its kernels
 * demand. What differs between operators is data here.
 */
package io.narrow.tflite.ops;
