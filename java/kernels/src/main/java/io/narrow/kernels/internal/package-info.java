/**
 * Finding and loading the native library, and the binding that JavaCPP generates from {@code
 * kernels.h}. Not exported.
 */
package io.narrow.kernels.internal;
