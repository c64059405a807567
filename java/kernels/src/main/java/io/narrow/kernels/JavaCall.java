package io.narrow.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * Shows two spans to a loop over arrays. A span that is not an array of its element's own type is
 * copied through a small one, piece by piece.
 */
final class JavaCall {
  private static final int CHUNK = 4096; // a multiple of 16, and small enough for the first cache

  /** Works on m elements of x and y, the first of which is element number first of the tensor. */
  interface Body<X, Y> {
    void run(X x, int xAt, Y y, int yAt, int m, int first);
  }

  private JavaCall() {}

  /** Reads n elements of x and y, the first of which is element number start of the tensor. */
  static <X, Y> void read(int n, int start, Window<X> x, Window<Y> y, Body<X, Y> body) {
    run(n, start, x, y, false, body);
  }

  /** Reads x and writes y. */
  static <X, Y> void convert(int n, int start, Window<X> x, Window<Y> y, Body<X, Y> body) {
    run(n, start, x, y, true, body);
  }

  private static <X, Y> void run(
      int n, int start, Window<X> x, Window<Y> y, boolean writes, Body<X, Y> body) {
    int step = x.copy == null && y.copy == null ? n : CHUNK;
    for (int first = 0; first < n; ) {
      int m = Math.min(step, n - first);
      x.move(first);
      x.copy(first, m, false);
      if (y != x) {
        y.move(first);
      }
      if (y != x && !writes) {
        y.copy(first, m, false);
      }
      body.run(x.array, x.at, y.array, y.at, m, start + first);
      if (writes) {
        y.copy(first, m, true);
      }
      first += m;
    }
  }

  static Window<float[]> floats(Span span, int n) {
    boolean own = span.isArrayOf(Element.FLOAT32);
    float[] array = own ? (float[]) span.array() : new float[Math.min(n, CHUNK)];
    Copy<float[]> copy =
        (a, memory, m, write) -> {
          if (write) {
            memory.asFloatBuffer().put(a, 0, m);
          } else {
            memory.asFloatBuffer().get(a, 0, m);
          }
        };
    return new Window<>(span, Element.FLOAT32, array, own ? null : copy);
  }

  static Window<short[]> shorts(Span span, int n) {
    boolean own = span.isArrayOf(Element.BITS16);
    short[] array = own ? (short[]) span.array() : new short[Math.min(n, CHUNK)];
    Copy<short[]> copy =
        (a, memory, m, write) -> {
          if (write) {
            memory.asShortBuffer().put(a, 0, m);
          } else {
            memory.asShortBuffer().get(a, 0, m);
          }
        };
    return new Window<>(span, Element.BITS16, array, own ? null : copy);
  }

  /** Bytes of 8-bit or of packed 4-bit elements. */
  static Window<byte[]> bytes(Span span, int n, Element element) {
    boolean own = span.isArrayOf(element);
    byte[] array = own ? (byte[]) span.array() : new byte[Math.min(n, CHUNK)];
    Copy<byte[]> copy =
        (a, memory, m, write) -> {
          if (write) {
            memory.put(a, 0, element.slots(m));
          } else {
            memory.get(a, 0, element.slots(m));
          }
        };
    return new Window<>(span, element, array, own ? null : copy);
  }

  /** Copies m elements between an array and memory. */
  private interface Copy<A> {
    void run(A array, ByteBuffer memory, int m, boolean write);
  }

  /** A part of a span as an array: the span's own, or a copy. */
  static final class Window<A> {
    private final Span span;
    private final Element element;
    private final A array;
    private final Copy<A> copy; // null where the array is the span's own
    private int at;

    private Window(Span span, Element element, A array, Copy<A> copy) {
      this.span = span;
      this.element = element;
      this.array = array;
      this.copy = copy;
    }

    private void move(int first) {
      at = copy == null ? span.offset() + element.slots(first) : 0;
    }

    private void copy(int first, int m, boolean write) {
      if (copy != null) {
        copy.run(array, span.bytes(element.bytes(first), element.bytes(m)), m, write);
        Reference.reachabilityFence(span);
      }
    }
  }
}
