package io.narrow.tflite.runtime;

/**
 * How long one kernel took in the runs that were profiled.
 *
 * @param kernel the operator's name in the schema, or XNNPACK's own name of what it made of one or
 *     more operators ({@code Convolution (NHWC, QC8) IGEMM})
 * @param xnnpack whether XNNPACK ran it
 * @param part which of the parts of the graph that XNNPACK runs as one it belongs to, as {@link
 *     Interpreter#delegated} lists them; -1 elsewhere
 * @param subgraph number of the operator's subgraph, -1 in XNNPACK
 * @param operator its number in the file, -1 in XNNPACK, which does not tell
 * @param calls how often it ran
 * @param nanos of one call, without the operators of subgraphs that it called: 5 of 100 calls took
 *     no longer, as what else the machine does would spoil a mean
 */
public record KernelTime(
    String kernel,
    boolean xnnpack,
    int part,
    int subgraph,
    int operator,
    int calls,
    double nanos) {}
