package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.function.Supplier;

/** The kinds of memory a span can lie in, here always with guard bytes before and behind it. */
enum Memory {
  /** An array of the element's type, not from its start. */
  ARRAY,
  /** A byte array, from an odd slot. */
  BYTES,
  /** Direct memory at an odd address. */
  DIRECT,
  /** A file, mapped, at an odd address. */
  MAPPED,
  /** Direct memory that can only be read. */
  READ_ONLY;

  private static final byte GUARD = 0x5a;
  private static final int BEFORE = 12;
  private static final int BEHIND = 68;

  /** A span, and its bytes as they are when asked for; the guards are looked at then. */
  record Block(Span span, Supplier<byte[]> contents) {}

  /** Memory that holds these bytes. */
  Block holding(Element element, byte[] contents) {
    int size = contents.length;
    byte[] all = new byte[BEFORE + size + BEHIND];
    Arrays.fill(all, GUARD);
    System.arraycopy(contents, 0, all, BEFORE, size);
    return switch (this) {
      case ARRAY -> array(element, all, size);
      case BYTES -> bytes(all, size);
      case DIRECT -> direct(ByteBuffer.allocateDirect(all.length + 1), all, size, false);
      case MAPPED -> direct(mapped(all.length + 1), all, size, false);
      case READ_ONLY -> direct(ByteBuffer.allocateDirect(all.length + 1), all, size, true);
    };
  }

  private static Block array(Element element, byte[] all, int size) {
    // Whole elements behind the span as well.
    byte[] even = Arrays.copyOf(all, (all.length + 3) / 4 * 4);
    Arrays.fill(even, all.length, even.length, GUARD);
    ByteBuffer bytes = ByteBuffer.wrap(even).order(ByteOrder.nativeOrder());
    if (element == Element.FLOAT32) {
      float[] a = new float[even.length / 4];
      bytes.asFloatBuffer().get(a);
      return new Block(
          Span.of(a, BEFORE / 4, size / 4),
          () -> {
            bytes.asFloatBuffer().put(a);
            return between(even, BEFORE, size);
          });
    }
    if (element == Element.BITS16) {
      short[] a = new short[even.length / 2];
      bytes.asShortBuffer().get(a);
      return new Block(
          Span.of(a, BEFORE / 2, size / 2),
          () -> {
            bytes.asShortBuffer().put(a);
            return between(even, BEFORE, size);
          });
    }
    return bytes(all, size);
  }

  private static Block bytes(byte[] all, int size) {
    byte[] shifted = new byte[all.length + 1];
    shifted[0] = GUARD;
    System.arraycopy(all, 0, shifted, 1, all.length);
    return new Block(Span.of(shifted, BEFORE + 1, size), () -> between(shifted, BEFORE + 1, size));
  }

  private static Block direct(ByteBuffer memory, byte[] all, int size, boolean readOnly) {
    memory.put(0, GUARD).put(1, all);
    // The byte order of a buffer says nothing about its contents.
    ByteBuffer view = readOnly ? memory.asReadOnlyBuffer() : memory.duplicate();
    view.order(ByteOrder.BIG_ENDIAN).position(BEFORE + 1).limit(BEFORE + 1 + size);
    return new Block(
        Span.of(view),
        () -> {
          byte[] now = new byte[memory.capacity()];
          memory.get(0, now);
          return between(now, BEFORE + 1, size);
        });
  }

  private static byte[] between(byte[] all, int from, int size) {
    for (int i = 0; i < all.length; i++) {
      if (i < from || i >= from + size) {
        assertThat(all[i]).as("guard byte %s of a span of %s", i - from, size).isEqualTo(GUARD);
      }
    }
    return Arrays.copyOfRange(all, from, from + size);
  }

  private static ByteBuffer mapped(int size) {
    try {
      Path file = PlainTempDirs.path(".bin");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, size);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
