package io.narrow.tflite.files;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes files of which nobody ever sees a part. */
public final class WholeFile {
  /** Writes the contents. */
  public interface Contents {
    void writeTo(FileChannel channel) throws IOException;
  }

  private WholeFile() {}

  /**
   * Writes under a temporary name beside the file, then moves into place: an interruption leaves
   * the old file or the new one.
   *
   * @throws NarrowException if it cannot be written
   */
  public static void write(Path file, Contents contents) {
    Path target = file.toAbsolutePath();
    Path temporary =
        target.resolveSibling(
            "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    if (Files.isDirectory(target)) {
      throw NarrowException.input(file + ": is a directory, nothing can be written there");
    }
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        contents.writeTo(channel);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException e) {
      discard(temporary, e);
      throw e instanceof IOException failed
          ? NarrowException.input(file + ": cannot be written: " + reason(failed))
          : (RuntimeException) e;
    }
  }

  private static void discard(Path temporary, Exception why) {
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
