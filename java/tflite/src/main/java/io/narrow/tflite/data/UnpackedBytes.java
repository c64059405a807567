package io.narrow.tflite.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipFile;

/**
 * The bytes of a compressed entry of an archive, unpacked as they are asked for. The last of them
 * stay in memory: all of an entry that is not large. Who goes back further than that has the entry
 * unpacked again.
 */
final class UnpackedBytes implements Bytes {
  private static final int MOST = 1 << 28;
  private static final int STEP = 1 << 20;

  private final Path archive;
  private final String entry;
  private final long size;
  private final int most;
  private byte[] window = new byte[0];
  private long start; // of the window
  private int length; // of what is in it
  private ZipFile zip;
  private InputStream stream;

  UnpackedBytes(Path archive, String entry, long size) {
    this(archive, entry, size, MOST);
  }

  /**
   * @param most bytes that are kept, at least two
   */
  UnpackedBytes(Path archive, String entry, long size, int most) {
    this.archive = archive;
    this.entry = entry;
    this.size = size;
    this.most = (int) Math.min(most, Math.max(size, 2));
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public synchronized void read(long offset, ByteBuffer memory) {
    try {
      long place = offset;
      if (place < start || zip == null && memory.hasRemaining() && length == 0) {
        begin();
      }
      while (memory.hasRemaining()) {
        if (place < start + length) {
          int from = (int) (place - start);
          int count = Math.min(memory.remaining(), length - from);
          memory.put(window, from, count);
          place += count;
        } else {
          advance();
        }
      }
    } catch (IOException e) {
      close();
      throw Bytes.unreadable(archive, e);
    }
  }

  private void begin() throws IOException {
    close();
    start = 0;
    length = 0;
    zip = new ZipFile(archive.toFile());
    stream = zip.getInputStream(zip.getEntry(entry));
  }

  private void advance() throws IOException {
    if (length == most) {
      System.arraycopy(window, most / 2, window, 0, most - most / 2);
      start += most / 2;
      length -= most / 2;
    }
    if (length == window.length) {
      long larger = Math.min(most, Math.max(STEP, 2L * length));
      window = Arrays.copyOf(window, (int) larger);
    }
    int count =
        stream == null ? -1 : stream.read(window, length, Math.min(STEP, window.length - length));
    if (count < 0) {
      throw new IOException("`" + entry + "` ends before byte " + size);
    }
    length += count;
    if (start + length == size) {
      close();
    }
  }

  /** Closes the archive; what is in memory stays. */
  private void close() {
    try {
      if (zip != null) {
        zip.close();
      }
    } catch (IOException e) {
      // only read from
    }
    stream = null;
    zip = null;
  }
}
