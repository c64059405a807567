package io.narrow.tflite.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What follows the flatbuffer in a model file: usually a zip archive with label files, as the
 * TensorFlow Lite metadata library attaches them.
 *
 * @param bytes the bytes, without leading zeros
 * @param position where in the file they stood
 */
record Tail(ByteBuffer bytes, long position) {
  static final Tail NONE = new Tail(ByteBuffer.allocate(0), 0);

  private static final int END_OF_DIRECTORY = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int ENTRY = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int LONGEST_COMMENT = 0xffff;

  /** Takes everything from the first byte on that is not 0. */
  static Tail of(ByteBuffer rest, long position) {
    int skipped = 0;
    while (skipped < rest.remaining() && rest.get(rest.position() + skipped) == 0) {
      skipped++;
    }
    ByteBuffer bytes = rest.slice(rest.position() + skipped, rest.remaining() - skipped);
    return bytes.hasRemaining() ? new Tail(bytes, position + skipped) : NONE;
  }

  long size() {
    return bytes.remaining();
  }

  /**
   * The bytes as they must stand at another place of a file: a zip archive that is appended to
   * something counts its offsets from the start of the whole file, so they move with it.
   */
  ByteBuffer at(long newPosition) {
    ByteBuffer moved = ByteBuffer.allocate(bytes.remaining()).put(bytes.duplicate()).flip();
    moved.order(ByteOrder.LITTLE_ENDIAN);
    int end = endOfDirectory(moved);
    if (end < 0) {
      return moved;
    }
    long directoryBytes = Integer.toUnsignedLong(moved.getInt(end + 12));
    long directoryOffset = Integer.toUnsignedLong(moved.getInt(end + 16));
    long directory = end - directoryBytes;
    if (directory < 0 || directoryOffset != position + directory) {
      return moved; // counted from the archive's own start, or larger than 4 GiB
    }
    int shift = (int) (newPosition - position);
    for (int at = (int) directory; at + ENTRY_BYTES <= end && moved.getInt(at) == ENTRY; ) {
      moved.putInt(at + 42, moved.getInt(at + 42) + shift);
      at +=
          ENTRY_BYTES
              + Short.toUnsignedInt(moved.getShort(at + 28))
              + Short.toUnsignedInt(moved.getShort(at + 30))
              + Short.toUnsignedInt(moved.getShort(at + 32));
    }
    moved.putInt(end + 16, moved.getInt(end + 16) + shift);
    return moved;
  }

  private static int endOfDirectory(ByteBuffer bytes) {
    int last = bytes.limit() - END_BYTES;
    for (int at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
      if (bytes.getInt(at) == END_OF_DIRECTORY) {
        return at;
      }
    }
    return -1;
  }
}
