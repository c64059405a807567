package io.narrow.tflite.plan;

import io.narrow.tflite.model.Buffer;

/**
 * Codes of weights that something has chosen.
 *
 * @param subgraph number of a subgraph
 * @param tensor number of a constant of it that one operator reads
 * @param encoding what they are codes of: of the type and on the axis of the plan
 * @param codes int4 two to a byte with the first in the low half
 * @param how they were chosen, in words
 */
public record Codes(int subgraph, int tensor, Encoding encoding, Buffer codes, String how) {}
