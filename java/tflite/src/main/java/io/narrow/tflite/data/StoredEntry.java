package io.narrow.tflite.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.zip.ZipEntry;

/**
 * Where an entry of a zip archive lies in the file if it is not compressed, as in what numpy's
 * {@code savez} writes: then it can be read at any place, and need not be in memory as a whole.
 * {@link java.util.zip.ZipFile} knows and does not say. Formats: PKWARE's APPNOTE.TXT, 4.3.
 */
final class StoredEntry {
  private static final int END = 0x06054b50;
  private static final int END_SIZE = 22;
  private static final int LONGEST_COMMENT = 0xFFFF;
  private static final int LISTED = 0x02014b50;
  private static final int LISTED_SIZE = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_SIZE = 30;

  private StoredEntry() {}

  /** Empty if the entry is compressed, or the archive has more than 4 GiB before it. */
  static OptionalLong start(Path archive, ZipEntry entry) throws IOException {
    if (entry.getMethod() != ZipEntry.STORED) {
      return OptionalLong.empty();
    }
    try (FileChannel file = FileChannel.open(archive)) {
      int tail = (int) Math.min(file.size(), END_SIZE + LONGEST_COMMENT);
      ByteBuffer end = read(file, file.size() - tail, tail);
      int at = end.limit() - END_SIZE;
      while (at >= 0 && !isEnd(end, at)) {
        at--;
      }
      if (at < 0) {
        return OptionalLong.empty();
      }
      int size = end.getInt(at + 12);
      long from = Integer.toUnsignedLong(end.getInt(at + 16));
      return size < 0 || from + size > file.size()
          ? OptionalLong.empty()
          : find(file, read(file, from, size), entry.getName());
    }
  }

  /** A comment, which goes to the end of the file, may look like an end itself. */
  private static boolean isEnd(ByteBuffer bytes, int at) {
    int comment = bytes.getShort(at + END_SIZE - 2) & 0xFFFF;
    return bytes.getInt(at) == END && at + END_SIZE + comment == bytes.limit();
  }

  private static OptionalLong find(FileChannel file, ByteBuffer list, String name)
      throws IOException {
    byte[] wanted = name.getBytes(StandardCharsets.UTF_8);
    int at = 0;
    while (at + LISTED_SIZE <= list.limit() && list.getInt(at) == LISTED) {
      int length = list.getShort(at + 28) & 0xFFFF;
      long local = Integer.toUnsignedLong(list.getInt(at + 42));
      boolean found =
          at + LISTED_SIZE + length <= list.limit()
              && list.slice(at + LISTED_SIZE, length).equals(ByteBuffer.wrap(wanted));
      if (found && local + LOCAL_SIZE <= file.size()) {
        ByteBuffer header = read(file, local, LOCAL_SIZE);
        int names = (header.getShort(26) & 0xFFFF) + (header.getShort(28) & 0xFFFF);
        return header.getInt(0) == LOCAL
            ? OptionalLong.of(local + LOCAL_SIZE + names)
            : OptionalLong.empty();
      }
      int others = (list.getShort(at + 30) & 0xFFFF) + (list.getShort(at + 32) & 0xFFFF);
      at += LISTED_SIZE + length + others;
    }
    return OptionalLong.empty();
  }

  private static ByteBuffer read(FileChannel file, long from, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining() && file.read(bytes, from + bytes.position()) >= 0) {}
    return bytes.flip();
  }
}
