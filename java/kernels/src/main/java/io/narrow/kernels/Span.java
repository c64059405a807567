package io.narrow.kernels;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * A run of elements in a heap array or in direct memory. It is a view: nothing is copied, and what
 * is written to the array or the buffer later is seen.
 *
 * <p>A {@code float[]} holds floats, a {@code short[]} holds 16-bit values (float16 or INT16), and
 * bytes, in a {@code byte[]} or a direct buffer, hold elements of any type in the byte order of the
 * machine, at any alignment. Fastest are direct memory for all operands, or for all operands the
 * array of its own type; other combinations give the same bytes and cost one more copy.
 */
public final class Span {
  private static final int CACHE_LINE = 64;

  private final Object array; // float[], short[] or byte[]; null for direct memory
  private final ByteBuffer buffer; // direct, from 0 to its capacity; null for an array
  private final int offset; // of the first element in the array
  private final int length; // in array elements, or bytes of direct memory
  private final int unit; // bytes per array element

  private Span(Object array, ByteBuffer buffer, int offset, int length, int unit) {
    this.array = array;
    this.buffer = buffer;
    this.offset = offset;
    this.length = length;
    this.unit = unit;
  }

  /** All elements of an array. */
  public static Span of(float[] a) {
    return of(a, 0, a.length);
  }

  /**
   * The elements {@code offset} to {@code offset + length - 1} of an array.
   *
   * @throws IndexOutOfBoundsException if they do not all lie in the array
   */
  public static Span of(float[] a, int offset, int length) {
    return ofArray(a, a.length, offset, length, Float.BYTES);
  }

  /** All elements of an array. */
  public static Span of(byte[] a) {
    return of(a, 0, a.length);
  }

  /**
   * The elements {@code offset} to {@code offset + length - 1} of an array.
   *
   * @throws IndexOutOfBoundsException if they do not all lie in the array
   */
  public static Span of(byte[] a, int offset, int length) {
    return ofArray(a, a.length, offset, length, Byte.BYTES);
  }

  /** All elements of an array. */
  public static Span of(short[] a) {
    return of(a, 0, a.length);
  }

  /**
   * The elements {@code offset} to {@code offset + length - 1} of an array.
   *
   * @throws IndexOutOfBoundsException if they do not all lie in the array
   */
  public static Span of(short[] a, int offset, int length) {
    return ofArray(a, a.length, offset, length, Short.BYTES);
  }

  /**
   * The bytes of a direct or mapped buffer from its position to its limit, both as they are now.
   * The buffer's byte order does not matter: elements are in that of the machine. A read-only
   * buffer can be read from.
   *
   * @throws IllegalArgumentException if the buffer is not direct
   */
  public static Span of(ByteBuffer direct) {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException(
          "the buffer is not direct: pass its array instead, Span.of(buffer.array(),"
              + " buffer.arrayOffset() + buffer.position(), buffer.remaining())");
    }
    ByteBuffer slice = direct.slice().order(ByteOrder.nativeOrder());
    return new Span(null, slice, 0, slice.capacity(), Byte.BYTES);
  }

  private static Span ofArray(Object a, int size, int offset, int length, int unit) {
    if (offset < 0 || length < 0 || length > size - offset) {
      throw new IndexOutOfBoundsException(
          "offset %s and length %s do not fit an array of %s".formatted(offset, length, size));
    }
    return new Span(a, null, offset, length, unit);
  }

  /** The size of the memory in bytes. */
  public long byteLength() {
    return (long) length * unit;
  }

  /** A part of this memory, in whole elements of the array if it is one. */
  Span part(long fromByte, long byteCount) {
    int from = Math.toIntExact(fromByte / unit);
    int count = Math.toIntExact(byteCount / unit);
    Objects.checkFromIndexSize(from, count, length);
    if (buffer != null) {
      return of(buffer.duplicate().position(from).limit(from + count));
    }
    return new Span(array, null, offset + from, count, unit);
  }

  /** Room for as many elements in a new array of the same type. Not for direct memory. */
  Span twin() {
    Object twin = Array.newInstance(array.getClass().getComponentType(), length);
    return new Span(twin, null, 0, length, unit);
  }

  /** Copies the elements of a twin. */
  void copyFrom(Span twin) {
    System.arraycopy(twin.array, twin.offset, array, offset, length);
  }

  boolean isDirect() {
    return buffer != null;
  }

  /** How many elements lie before the first cache line that starts with one; 0 for arrays. */
  int untilCacheLine(Element element) {
    int past = buffer == null ? 0 : buffer.alignmentOffset(0, CACHE_LINE);
    int bits = (CACHE_LINE - past) % CACHE_LINE * Byte.SIZE;
    return bits % element.bits == 0 ? bits / element.bits : 0;
  }

  boolean isReadOnly() {
    return buffer != null && buffer.isReadOnly();
  }

  /** Whether this is an array of the element's own type. */
  boolean isArrayOf(Element element) {
    return element.array.isInstance(array);
  }

  /** Whether this memory can hold such elements at all. */
  boolean canHold(Element element) {
    return unit == Byte.BYTES || isArrayOf(element);
  }

  Object array() {
    return array;
  }

  /** The floats, wherever they lie. Only for a span that {@link #canHold} them. */
  FloatBuffer floats() {
    if (array instanceof float[] a) {
      return FloatBuffer.wrap(a, offset, length).slice();
    }
    ByteBuffer bytes =
        isDirect() ? buffer.duplicate() : ByteBuffer.wrap((byte[]) array, offset, length).slice();
    return bytes.order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  int offset() {
    return offset;
  }

  /** The direct memory, from position 0 to its capacity, in the byte order of the machine. */
  ByteBuffer buffer() {
    return buffer;
  }

  /** Whether both lie in one array and share an element of it. Direct memory is not compared. */
  boolean overlaps(Span other) {
    return array != null
        && array == other.array
        && offset < other.offset + other.length
        && other.offset < offset + length;
  }

  /** What this is, for messages. */
  String describe() {
    String what = buffer != null ? "direct memory" : array.getClass().getSimpleName();
    return what + " of " + length;
  }

  /** Copies bytes {@code from} to {@code from + target.remaining() - 1} into a buffer. */
  void read(long from, ByteBuffer target) {
    int start = offset + (int) (from / unit);
    if (array instanceof float[] a) {
      target.asFloatBuffer().put(a, start, target.remaining() / unit);
    } else if (array instanceof short[] a) {
      target.asShortBuffer().put(a, start, target.remaining() / unit);
    } else if (array instanceof byte[] a) {
      target.put(target.position(), a, start, target.remaining());
    } else {
      target.put(target.position(), buffer, start, target.remaining());
    }
  }

  /** Copies a buffer's remaining bytes to byte {@code to} and on. */
  void write(long to, ByteBuffer source) {
    int start = offset + (int) (to / unit);
    if (array instanceof float[] a) {
      source.asFloatBuffer().get(a, start, source.remaining() / unit);
    } else if (array instanceof short[] a) {
      source.asShortBuffer().get(a, start, source.remaining() / unit);
    } else if (array instanceof byte[] a) {
      source.get(source.position(), a, start, source.remaining());
    } else {
      buffer.put(start, source, source.position(), source.remaining());
    }
  }

  /**
   * This memory's bytes, {@code count} of them from {@code from} on. Not for float and short
   * arrays.
   */
  ByteBuffer bytes(long from, long count) {
    int start = Math.toIntExact(from);
    int size = Math.toIntExact(count);
    Objects.checkFromIndexSize(start, size, length);
    ByteBuffer all = buffer != null ? buffer : ByteBuffer.wrap((byte[]) array);
    return all.slice(offset + start, size).order(ByteOrder.nativeOrder());
  }
}
