/**
 * Quantization kernels: arrays and buffers of floats in, small numbers out. Start with {@link
 * io.narrow.kernels.Kernels#active()}.
 */
package io.narrow.kernels;
