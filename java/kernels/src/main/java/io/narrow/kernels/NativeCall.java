package io.narrow.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;

/**
 * Cuts one operation on one or two spans into calls of a native function, either all on arrays or
 * all on pointers; memory that is of the other kind is copied through {@link Scratch}.
 *
 * <p>A piece on arrays is at most 1 MiB of floats, because a garbage collection may have to wait
 * for it. Where it matters at which elements pieces start, they are of {@link #CHUNK} elements for
 * every kind of memory.
 */
final class NativeCall implements AutoCloseable {
  static final int CHUNK = 1 << 16; // even, as packed 4-bit values need it
  private static final int ON_ARRAYS = 1 << 18;

  /** Works on m elements of x and y, the first of which is element number first of the tensor. */
  interface OnArrays {
    void run(Object x, long xOffset, Object y, long yOffset, int m, int first);
  }

  /** The same on pointers. */
  interface OnPointers {
    void run(Pointer x, long xOffset, Pointer y, long yOffset, int m, int first);
  }

  /** A span as a native function sees it. */
  record Operand(Span span, Element element, boolean written) {
    static Operand input(Span span, Element element) {
      return new Operand(span, element, false);
    }

    static Operand output(Span span, Element element) {
      return new Operand(span, element, true);
    }

    private Object array() {
      return span.array();
    }

    private long offset() {
      return element.elements(span.offset());
    }
  }

  private final int n;
  private final int start;
  private final Operand x;
  private final Operand y;
  private Scratch scratch;

  /** An operation on n elements of two spans; y is x again where there is only one. */
  NativeCall(int n, Operand x, Operand y) {
    this(n, 0, x, y);
  }

  /** The same, where the first element is number start of the tensor. */
  NativeCall(int n, int start, Operand x, Operand y) {
    this.n = n;
    this.start = start;
    this.x = x;
    this.y = y;
  }

  boolean isDirect() {
    return x.span.isDirect() && y.span.isDirect();
  }

  boolean isOnArrays() {
    return x.span.isArrayOf(x.element) && y.span.isArrayOf(y.element);
  }

  void onArrays(OnArrays body) {
    onArrays(ON_ARRAYS, body);
  }

  /** In pieces of so many elements, at most {@value #ON_ARRAYS}. */
  void onArrays(int largest, OnArrays body) {
    for (int first = 0; first < n; first += largest) {
      int m = Math.min(largest, n - first);
      body.run(x.array(), x.offset() + first, y.array(), y.offset() + first, m, start + first);
    }
  }

  /** Direct memory is not cut. */
  void onPointers(OnPointers body) {
    onPointers(n, body);
  }

  /** Direct memory is cut into pieces as arrays are. */
  void onPointersInPieces(OnPointers body) {
    onPointers(CHUNK, body);
  }

  /** Adds how far m elements of x and y are apart to sums; P holds the elements, D the sums. */
  interface Compare<P, D> {
    void run(P x, long xOffset, P y, long yOffset, int m, D sums);
  }

  /** The sums over all pieces. */
  Difference difference(Compare<Object, double[]> onArrays, Compare<Pointer, Pointer> onPointers) {
    double[] sums = new double[6];
    if (isOnArrays()) {
      onArrays(CHUNK, (a, at, b, bt, m, first) -> onArrays.run(a, at, b, bt, m, sums));
    } else {
      Pointer memory = share(0, sums);
      onPointersInPieces((a, at, b, bt, m, first) -> onPointers.run(a, at, b, bt, m, memory));
      shared(0, sums.length * (long) Double.BYTES).asDoubleBuffer().get(sums);
    }
    return Difference.of(sums);
  }

  private void onPointers(int largest, OnPointers body) {
    if (n == 0) {
      return;
    }
    Pointer xDirect = x.span.isDirect() ? new DirectPointer(x.span) : null;
    Pointer yDirect = y == x ? xDirect : y.span.isDirect() ? new DirectPointer(y.span) : null;
    boolean direct = xDirect != null && yDirect != null;
    int step = direct ? largest : CHUNK;
    for (int first = 0; first < n; ) {
      int m = Math.min(step, n - first);
      Pointer xp = xDirect != null ? xDirect : stage(0, x, first, m);
      Pointer yp = yDirect != null ? yDirect : y == x ? xp : stage(1, y, first, m);
      body.run(xp, xDirect != null ? first : 0, yp, yDirect != null ? first : 0, m, start + first);
      if (yDirect == null && y.written) {
        y.span.write(y.element.bytes(first), scratch.block(1, bytes(y, m)).memory());
      }
      first += m;
    }
  }

  private Pointer stage(int index, Operand operand, int first, int m) {
    Scratch.Block block = scratch().block(index, bytes(operand, m));
    if (!operand.written) {
      operand.span.read(operand.element.bytes(first), block.memory());
    }
    return block.pointer();
  }

  private static int bytes(Operand operand, int m) {
    return (int) operand.element.bytes(m);
  }

  // Small arrays that go with the operands; a call has at most three of them, numbered from 0.

  Pointer share(int number, float[] values) {
    Scratch.Block block = block(number, values.length * (long) Float.BYTES);
    block.memory().asFloatBuffer().put(values);
    return block.pointer();
  }

  Pointer share(int number, int[] values) {
    Scratch.Block block = block(number, values.length * (long) Integer.BYTES);
    block.memory().asIntBuffer().put(values);
    return block.pointer();
  }

  Pointer share(int number, long[] values) {
    Scratch.Block block = block(number, values.length * (long) Long.BYTES);
    block.memory().asLongBuffer().put(values);
    return block.pointer();
  }

  Pointer share(int number, double[] values) {
    Scratch.Block block = block(number, values.length * (long) Double.BYTES);
    block.memory().asDoubleBuffer().put(values);
    return block.pointer();
  }

  /** What native code left in the memory shared under this number. */
  ByteBuffer shared(int number, long size) {
    return block(number, size).memory();
  }

  private Scratch.Block block(int number, long size) {
    return scratch().block(2 + number, Math.toIntExact(size));
  }

  private Scratch scratch() {
    if (scratch == null) {
      scratch = Scratch.take();
    }
    return scratch;
  }

  @Override
  public void close() {
    if (scratch != null) {
      scratch.giveBack();
    }
  }
}
