package io.narrow.tflite.files;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Writes files of which nobody ever sees a part. */
public final class WholeFile {
  /** Writes the contents. */
  public interface Contents {
    void writeTo(FileChannel channel) throws IOException;
  }

  private WholeFile() {}

  /**
   * Writes under a temporary name beside the file, then moves into place: an interruption leaves
   * the old file or the new one. Where several threads or processes write one file at a time, it is
   * that of the last, whole.
   *
   * @throws NarrowException if it cannot be written
   */
  public static void write(Path file, Contents contents) {
    if (Files.isDirectory(file)) {
      throw NarrowException.input(file + ": is a directory, nothing can be written there");
    }
    try {
      replace(file.toAbsolutePath(), contents);
    } catch (IOException e) {
      throw NarrowException.input(file + ": cannot be written: " + reason(e));
    }
  }

  /** Writes bytes, likewise. */
  public static void write(Path file, byte[] contents) {
    ByteBuffer left = ByteBuffer.wrap(contents);
    write(
        file,
        channel -> {
          while (left.hasRemaining()) {
            channel.write(left);
          }
        });
  }

  private static void replace(Path target, Contents contents) throws IOException {
    // Nobody else's: number of a process and name of a file are the same in another container, on
    // another thread. And short, because the target's name may be as long as a name can be.
    Path temporary = target.resolveSibling(".narrow-" + UUID.randomUUID() + ".tmp");
    FileChannel open =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try {
      try (FileChannel channel = open) {
        contents.writeTo(channel);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error e) {
      discard(temporary, e);
      throw e;
    }
  }

  private static void discard(Path temporary, Throwable why) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  /** What went wrong, as a person would say it. */
  public static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException system && system.getReason() != null) {
      return system.getReason();
    }
    return String.valueOf(e.getMessage());
  }
}
