package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Bytes that can be read at any place, of a file or in memory. */
interface Bytes {
  /** Largest block kept in memory. */
  int MAX_BLOCK = Integer.MAX_VALUE - 8;

  long size();

  /** Reads {@code length} bytes from {@code offset} on; the caller has checked that they exist. */
  default ByteBuffer read(long offset, int length) {
    ByteBuffer block = ByteBuffer.allocate(length);
    read(offset, block);
    return block.flip();
  }

  /** Fills memory up to its limit with bytes from {@code offset} on, which exist. */
  void read(long offset, ByteBuffer memory);

  /**
   * A file, opened for each read: nothing stays open, and a file that shrinks in the meantime is an
   * error instead of a fault.
   */
  static Bytes of(Path file) {
    try {
      return of(file, 0, Files.size(file));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** A part of a file. */
  static Bytes of(Path file, long start, long size) {
    return new Bytes() {
      @Override
      public long size() {
        return size;
      }

      @Override
      public void read(long offset, ByteBuffer memory) {
        long end = start + offset + memory.remaining();
        try (FileChannel channel = FileChannel.open(file)) {
          while (memory.hasRemaining()) {
            if (channel.read(memory, end - memory.remaining()) < 0) {
              throw NarrowException.input(file + ": ends before byte " + end);
            }
          }
        } catch (IOException e) {
          throw unreadable(file, e);
        }
      }
    };
  }

  /** Bytes in memory, which must not change. */
  static Bytes of(byte[] bytes) {
    return new Bytes() {
      @Override
      public long size() {
        return bytes.length;
      }

      @Override
      public void read(long offset, ByteBuffer memory) {
        memory.put(bytes, Math.toIntExact(offset), memory.remaining());
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        return ByteBuffer.wrap(bytes, Math.toIntExact(offset), length).slice();
      }
    };
  }

  static NarrowException unreadable(Path file, Exception e) {
    return new NarrowException(
        NarrowException.Kind.INPUT, file + ": cannot be read: " + e.getMessage(), e);
  }
}
