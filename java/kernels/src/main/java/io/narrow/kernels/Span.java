package io.narrow.kernels;

import java.lang.ref.Reference;
import java.lang.reflect.Array;
import java.nio.Buffer;
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
 *
 * <p>On JDK 22 and newer {@code Span.of(MemorySegment)} takes segments of native memory and of such
 * arrays (in a jar that was built by JDK 22 or newer). Memory of 2 GiB and more can be {@link
 * #slice cut}, and {@link VectorQuantizer} and {@link VectorCodec} take it whole.
 */
public final class Span extends SegmentSpans {
  private static final int CACHE_LINE = 64;

  /** Direct memory as buffers. */
  interface Memory {
    /**
     * @throws IllegalStateException if the memory is gone, or not for this thread
     */
    ByteBuffer slice(long from, int count);
  }

  private final Object array; // float[], short[] or byte[]; null for direct memory
  private final ByteBuffer buffer; // direct, from 0 to its capacity; null for an array
  private final Memory memory; // where a buffer is a view of other memory, or too small for all
  private final int offset; // of the first element in the array
  private final long from; // of the first byte in the memory
  private final long length; // in array elements, or bytes of direct memory
  private final int unit; // bytes per array element
  private final Object keepAlive; // what the memory belongs to, or null
  private final Element floats; // how floats lie in it, if any do

  private Span(Object array, ByteBuffer buffer, int offset, int length, int unit) {
    this.array = array;
    this.buffer = buffer;
    this.memory = null;
    this.offset = offset;
    this.from = 0;
    this.length = length;
    this.unit = unit;
    this.keepAlive = null;
    this.floats = Element.FLOAT32;
  }

  private Span(Memory memory, long from, long bytes, Object keepAlive) {
    this.array = null;
    this.buffer =
        bytes <= Integer.MAX_VALUE
            ? memory.slice(from, (int) bytes).order(ByteOrder.nativeOrder())
            : null;
    this.memory = memory;
    this.offset = 0;
    this.from = from;
    this.length = bytes;
    this.unit = Byte.BYTES;
    this.keepAlive = keepAlive;
    this.floats = Element.FLOAT32;
  }

  private Span(Span memory, Element floats) {
    this.array = memory.array;
    this.buffer = memory.buffer;
    this.memory = memory.memory;
    this.offset = memory.offset;
    this.from = memory.from;
    this.length = memory.length;
    this.unit = memory.unit;
    this.keepAlive = memory.keepAlive;
    this.floats = floats;
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

  /**
   * Raw memory, as Arrow's {@code ArrowBuf.memoryAddress()} and Netty's give it; nothing is copied
   * and nothing is checked. Needs the native library.
   *
   * @param address of the first byte; the memory must stay until the last use of this span
   * @param bytes its size
   * @param keepAlive what the memory belongs to: it is reachable as long as this span and its
   *     slices are, and during calls with them; null if somebody else sees to that
   * @throws IllegalArgumentException if the address is 0 and bytes is not, or one is negative
   * @throws IllegalStateException if the native library cannot be loaded
   */
  public static Span ofAddress(long address, long bytes, Object keepAlive) {
    if (bytes < 0 || address < 0 || address == 0 && bytes > 0) {
      throw new IllegalArgumentException(
          "no memory: address %s, %s bytes".formatted(address, bytes));
    }
    if (bytes == 0) {
      return of(new byte[0]);
    }
    if (!NativeLibrary.get().isLoaded()) {
      throw new IllegalStateException(
          "raw addresses need the native library: " + Kernels.loading());
    }
    return ofMemory((from, count) -> DirectPointer.buffer(address + from, count), bytes, keepAlive);
  }

  static Span ofMemory(Memory memory, long bytes, Object keepAlive) {
    return new Span(memory, 0, bytes, keepAlive);
  }

  /**
   * The same memory, of which each two bytes are an IEEE 754 binary16, for what reads rows of
   * floats: {@link VectorQuantizer#fit}, {@link VectorCodec#apply} and {@link VectorCodec#error}.
   * They are widened a few rows at a time, exactly, so that ranges and codes are those of the same
   * values as float32.
   *
   * @throws IllegalArgumentException if this is a {@code float[]}
   */
  public Span asFloat16() {
    return as(Element.FLOAT16);
  }

  /** As {@link #asFloat16}, of bfloat16: the upper halves of float32. */
  public Span asBFloat16() {
    return as(Element.BFLOAT16);
  }

  private Span as(Element element) {
    if (unit > Short.BYTES) {
      throw new IllegalArgumentException(
          "a %s cannot hold %s values".formatted(describe(), element.title));
    }
    return new Span(this, element);
  }

  /** How floats lie in it, if any do. */
  Element floatElement() {
    return floats;
  }

  /**
   * A part of this memory, in whole elements of the array if it is one.
   *
   * @param fromByte where it starts
   * @param bytes its size
   * @throws IndexOutOfBoundsException if it does not lie in this memory
   * @throws IllegalArgumentException if it starts or ends within an element of the array
   */
  public Span slice(long fromByte, long bytes) {
    Objects.checkFromIndexSize(fromByte, bytes, byteLength());
    if (fromByte % unit != 0 || bytes % unit != 0) {
      throw new IllegalArgumentException(
          "bytes %s to %s of a %s: elements have %s bytes"
              .formatted(fromByte, fromByte + bytes, describe(), unit));
    }
    return part(fromByte, bytes);
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
    return length * unit;
  }

  /** A part of this memory, in whole elements of the array if it is one. */
  Span part(long fromByte, long byteCount) {
    Objects.checkFromIndexSize(fromByte, byteCount, byteLength());
    Span part = partOf(fromByte, byteCount);
    return floats == Element.FLOAT32 ? part : part.as(floats);
  }

  private Span partOf(long fromByte, long byteCount) {
    if (memory != null) {
      return new Span(memory, from + fromByte, byteCount, keepAlive);
    }
    int first = (int) (fromByte / unit);
    int count = (int) (byteCount / unit);
    if (buffer != null) {
      return of(slice(buffer, first, count));
    }
    return new Span(array, null, offset + first, count, unit);
  }

  /** Room for as many elements in a new array of the same type. Not for direct memory. */
  Span twin() {
    Object twin = Array.newInstance(array.getClass().getComponentType(), size());
    return new Span(twin, null, 0, size(), unit);
  }

  /** Copies the elements of a twin. */
  void copyFrom(Span twin) {
    System.arraycopy(twin.array, twin.offset, array, offset, size());
  }

  private int size() {
    return Math.toIntExact(length);
  }

  boolean isDirect() {
    return array == null;
  }

  /** How many elements lie before the first cache line that starts with one; 0 for arrays. */
  int untilCacheLine(Element element) {
    int past = buffer == null ? 0 : buffer.alignmentOffset(0, CACHE_LINE);
    int bits = (CACHE_LINE - past) % CACHE_LINE * Byte.SIZE;
    return bits % element.bits == 0 ? bits / element.bits : 0;
  }

  boolean isReadOnly() {
    return array == null && (buffer != null ? buffer : memory.slice(from, 1)).isReadOnly();
  }

  /** Whether this is an array of the element's own type. */
  boolean isArrayOf(Element element) {
    return element.array.isInstance(array);
  }

  /** Whether this memory can hold such elements at all, and is not said to hold other floats. */
  boolean canHold(Element element) {
    boolean others = element == Element.FLOAT32 && floats != Element.FLOAT32;
    return !others && (unit == Byte.BYTES || isArrayOf(element));
  }

  Object array() {
    return array;
  }

  /** The floats, wherever they lie. Only for a span that {@link #canHold} them. */
  FloatBuffer floats() {
    check();
    if (array instanceof float[] a) {
      return FloatBuffer.wrap(a, offset, size()).slice();
    }
    ByteBuffer bytes =
        isDirect() ? buffer.duplicate() : ByteBuffer.wrap((byte[]) array, offset, size()).slice();
    return bytes.order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  int offset() {
    return offset;
  }

  /**
   * The direct memory, from position 0 to its capacity.
   *
   * @throws IllegalStateException if it is gone, or not for this thread
   */
  ByteBuffer buffer() {
    check();
    return buffer;
  }

  /** Fails where the memory is gone, or not for this thread. */
  private void check() {
    if (memory != null) {
      memory.slice(from, 0);
    }
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
    String what = array == null ? "direct memory" : array.getClass().getSimpleName();
    return what + " of " + length + (floats == Element.FLOAT32 ? "" : " as " + floats.title);
  }

  /** A part of a buffer, with positions of its own. */
  private static ByteBuffer slice(ByteBuffer buffer, int from, int count) {
    ByteBuffer slice = buffer.duplicate();
    Buffer positions = slice; // ByteBuffer's own are new to Android 15
    positions.limit(from + count);
    positions.position(from);
    return slice;
  }

  /** Copies bytes {@code from} to {@code from + target.remaining() - 1} into a buffer. */
  void read(long from, ByteBuffer target) {
    check();
    int start = offset + (int) (from / unit);
    if (array instanceof float[] a) {
      target.asFloatBuffer().put(a, start, target.remaining() / unit);
    } else if (array instanceof short[] a) {
      target.asShortBuffer().put(a, start, target.remaining() / unit);
    } else if (array instanceof byte[] a) {
      target.duplicate().put(a, start, target.remaining());
    } else {
      target.duplicate().put(slice(buffer, start, target.remaining()));
      Reference.reachabilityFence(this);
    }
  }

  /** Copies a buffer's remaining bytes to byte {@code to} and on. */
  void write(long to, ByteBuffer source) {
    check();
    int start = offset + (int) (to / unit);
    if (array instanceof float[] a) {
      source.asFloatBuffer().get(a, start, source.remaining() / unit);
    } else if (array instanceof short[] a) {
      source.asShortBuffer().get(a, start, source.remaining() / unit);
    } else if (array instanceof byte[] a) {
      source.duplicate().get(a, start, source.remaining());
    } else {
      slice(buffer, start, source.remaining()).put(source.duplicate());
      Reference.reachabilityFence(this);
    }
  }

  /**
   * This memory's bytes, {@code count} of them from {@code from} on. Not for float and short
   * arrays.
   */
  ByteBuffer bytes(long from, long count) {
    check();
    int start = Math.toIntExact(from);
    int size = Math.toIntExact(count);
    Objects.checkFromIndexSize(start, size, length);
    ByteBuffer all = buffer != null ? buffer : ByteBuffer.wrap((byte[]) array);
    return all.slice(offset + start, size).order(ByteOrder.nativeOrder());
  }
}
