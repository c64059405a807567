package io.narrow.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory as native functions have it. It keeps what the memory belongs to reachable, as it is an
 * argument of the call.
 */
final class DirectPointer extends Pointer {
  private final transient Span span;

  private DirectPointer(long address, int count) {
    this.address = address;
    limit = count;
    capacity = count;
    span = null;
  }

  /**
   * Of a span of direct memory.
   *
   * @throws IllegalStateException if the memory is gone, or not for this thread
   */
  DirectPointer(Span span) {
    super(span.buffer());
    this.span = span;
  }

  /** Memory at an address. */
  static ByteBuffer buffer(long address, int count) {
    return new DirectPointer(address, count).asByteBuffer();
  }

  @Override
  public String toString() {
    return span == null ? super.toString() : span.describe();
  }
}
