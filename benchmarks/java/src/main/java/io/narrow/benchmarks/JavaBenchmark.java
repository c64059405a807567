package io.narrow.benchmarks;

import org.openjdk.jmh.annotations.Fork;

/** The kernels that {@code -Dnarrow.kernels=java} gives. */
@Fork(value = 1, jvmArgsAppend = "-Dnarrow.kernels=java")
public class JavaBenchmark extends KernelsBenchmark {}
