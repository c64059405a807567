package io.narrow.benchmarks;

import org.openjdk.jmh.annotations.Fork;

/** The kernels that {@code -Dnarrow.kernels=auto} gives. */
@Fork(value = 1, jvmArgsAppend = "-Dnarrow.kernels=auto")
public class NativeBenchmark extends KernelsBenchmark {}
