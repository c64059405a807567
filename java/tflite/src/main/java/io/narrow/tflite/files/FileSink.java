package io.narrow.tflite.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Where bytes go, in their order: a file, or a device that has no positions. */
public final class FileSink implements WritableByteChannel {
  private final WritableByteChannel channel;
  private long position;

  public FileSink(WritableByteChannel channel) {
    this.channel = channel;
  }

  /** How many bytes were written. */
  public long position() {
    return position;
  }

  /** Writes all that is left in a buffer. */
  @Override
  public int write(ByteBuffer source) throws IOException {
    int count = source.remaining();
    while (source.hasRemaining()) {
      channel.write(source);
    }
    position += count;
    return count;
  }

  @Override
  public boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
