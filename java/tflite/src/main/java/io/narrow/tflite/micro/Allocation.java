package io.narrow.tflite.micro;

/**
 * Memory that is needed for a while.
 *
 * @param bytes how much
 * @param first when it is needed first: an operator's number, counted from 1, of all that run
 * @param last when last
 */
record Allocation(long bytes, int first, int last) {
  boolean meets(Allocation other) {
    return first <= other.last && other.first <= last;
  }
}
