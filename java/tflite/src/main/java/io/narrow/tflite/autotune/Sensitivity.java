package io.narrow.tflite.autotune;

/**
 * What it costs to encode an operator in one way, where all others stay float32: measured on few
 * samples.
 *
 * @param operator what it writes; of several operators that are encoded alike the first
 * @param kind its name in the schema
 * @param operators how many these are
 * @param weights how many values their weights have
 * @param choice how they are encoded
 * @param savedBytes by how much the file is smaller than the model's
 * @param sqnrDb signal to noise at the outputs, of the one where it is least
 * @param millis median of the runs less that of the model's
 */
public record Sensitivity(
    String operator,
    String kind,
    int operators,
    long weights,
    Choice choice,
    long savedBytes,
    double sqnrDb,
    double millis) {}
