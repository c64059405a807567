package io.narrow.kernels;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** Spans of memory segments; {@link Span} inherits the method. */
abstract class SegmentSpans {
  SegmentSpans() {}

  /**
   * The memory of a native or mapped segment, of any size, or of a segment of a {@code float[]}, a
   * {@code short[]} or a {@code byte[]}. Nothing is copied. Native memory must not be freed during
   * a call; before one, it is an {@link IllegalStateException} if it is, or if it belongs to
   * another thread.
   *
   * @throws IllegalArgumentException if the segment is of another kind of array, or read-only and
   *     of an array
   */
  public static Span of(MemorySegment segment) {
    if (segment.isNative()) {
      return Span.ofMemory(
          (from, count) -> slice(segment, from, count), segment.byteSize(), segment);
    }
    Object array =
        segment
            .heapBase()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "a read-only segment of an array hides it: pass the array"));
    long from = segment.address();
    long bytes = segment.byteSize();
    if (array instanceof float[] a && (from | bytes) % Float.BYTES == 0) {
      return Span.of(a, (int) (from / Float.BYTES), (int) (bytes / Float.BYTES));
    }
    if (array instanceof short[] a && (from | bytes) % Short.BYTES == 0) {
      return Span.of(a, (int) (from / Short.BYTES), (int) (bytes / Short.BYTES));
    }
    if (array instanceof byte[] a) {
      return Span.of(a, (int) from, (int) bytes);
    }
    throw new IllegalArgumentException(
        "a segment of a %s from byte %s, %s bytes: whole elements of float[] or short[], or byte[]"
            .formatted(array.getClass().getSimpleName(), from, bytes));
  }

  private static ByteBuffer slice(MemorySegment segment, long from, int count) {
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException("the memory segment is closed");
    }
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new IllegalStateException("the memory segment belongs to another thread");
    }
    return segment.asSlice(from, count).asByteBuffer();
  }
}
