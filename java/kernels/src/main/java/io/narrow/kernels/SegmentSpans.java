package io.narrow.kernels;

/** Spans of memory segments, which JDK 17 does not have: see the class of that name for JDK 22. */
abstract class SegmentSpans {
  SegmentSpans() {}
}
