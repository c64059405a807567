package io.narrow.keras.file;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** A {@code .keras} archive: a zip file whose large entries are mapped where they are stored. */
public final class Archive implements AutoCloseable {
  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int LONGEST_COMMENT = 0xffff;
  private static final int ENTRY = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;

  private final Path file;
  private final ZipFile zip;

  public Archive(Path file) throws IOException {
    this.file = file;
    this.zip = new ZipFile(file.toFile());
  }

  public String text(String name) throws IOException {
    return new String(unpacked(entry(name)), StandardCharsets.UTF_8);
  }

  /** Contents of an entry: mapped if it is stored as it is, on the heap if it is compressed. */
  public ByteBuffer bytes(String name) throws IOException {
    ZipEntry entry = entry(name);
    if (entry.getMethod() != ZipEntry.STORED) {
      return ByteBuffer.wrap(unpacked(entry));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long start = start(channel, name);
      if (start < 0 || start + entry.getSize() > channel.size()) {
        throw new IOException(name + " lies outside the file");
      }
      ByteBuffer mapped = channel.map(MapMode.READ_ONLY, start, entry.getSize());
      CRC32 sum = new CRC32();
      sum.update(mapped.duplicate());
      if (sum.getValue() != entry.getCrc()) {
        throw new IOException(name + " does not have the check sum that the archive says");
      }
      return mapped;
    }
  }

  private ZipEntry entry(String name) {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw NarrowException.input(file + ": is not a Keras model: the archive has no " + name);
    }
    return entry;
  }

  private byte[] unpacked(ZipEntry entry) throws IOException {
    try (InputStream stream = zip.getInputStream(entry)) {
      return stream.readAllBytes();
    }
  }

  /** Where the contents of an entry start, which {@link ZipFile} does not tell; -1 if nowhere. */
  private static long start(FileChannel channel, String name) throws IOException {
    long tail = Math.max(0, channel.size() - END_BYTES - LONGEST_COMMENT);
    ByteBuffer last = read(channel, tail, (int) (channel.size() - tail));
    int end = last.limit() - END_BYTES;
    while (end >= 0 && last.getInt(end) != END) {
      end--;
    }
    if (end < 0) {
      return -1;
    }
    int size = last.getInt(end + 12);
    ByteBuffer directory = read(channel, Integer.toUnsignedLong(last.getInt(end + 16)), size);
    byte[] wanted = name.getBytes(StandardCharsets.UTF_8);
    for (int at = 0; at + ENTRY_BYTES <= size && directory.getInt(at) == ENTRY; ) {
      int length = Short.toUnsignedInt(directory.getShort(at + 28));
      if (directory.slice(at + ENTRY_BYTES, length).equals(ByteBuffer.wrap(wanted))) {
        long header = Integer.toUnsignedLong(directory.getInt(at + 42));
        ByteBuffer local = read(channel, header, LOCAL_BYTES);
        return local.getInt(0) != LOCAL
            ? -1
            : header
                + LOCAL_BYTES
                + Short.toUnsignedInt(local.getShort(26))
                + Short.toUnsignedInt(local.getShort(28));
      }
      at +=
          ENTRY_BYTES
              + length
              + Short.toUnsignedInt(directory.getShort(at + 30))
              + Short.toUnsignedInt(directory.getShort(at + 32));
    }
    return -1;
  }

  private static ByteBuffer read(FileChannel channel, long position, int size) throws IOException {
    if (size < 0 || position > channel.size() - size) {
      throw new IOException("its zip directory points outside the file");
    }
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining() && channel.read(bytes, position + bytes.position()) >= 0) {}
    if (bytes.hasRemaining()) {
      throw new IOException("it ended while it was read");
    }
    return bytes.flip();
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
