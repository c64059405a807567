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
import java.nio.file.StandardOpenOption;

/** Writes files of which nobody ever sees a part. */
public final class WholeFile {
  /** Writes the contents. */
  public interface Contents {
    void writeTo(FileSink sink) throws IOException;
  }

  // More links than that one after the other, and the system takes them for a circle too.
  private static final int LINKS = 40;

  private WholeFile() {}

  /**
   * Writes under a temporary name beside the file, then moves into place: an interruption leaves
   * the old file or the new one, and a file that was there keeps its permissions. Where several
   * threads or processes write one file at a time, it is that of the last, whole.
   *
   * <p>Links are followed. What is there and is no regular file, such as a device or a pipe, is
   * written into.
   *
   * @return how many bytes it has
   * @throws NarrowException if it cannot be written
   */
  public static long write(Path file, Contents contents) {
    if (Files.isDirectory(file)) {
      throw NarrowException.input(file + ": is a directory, nothing can be written there");
    }
    try {
      boolean replaced = !Files.exists(file) || (Files.isRegularFile(file) && !isOpen(file));
      return replaced ? replace(followed(file), contents) : writeInto(file, contents);
    } catch (IOException e) {
      throw NarrowException.input(file + ": cannot be written: " + reason(e));
    }
  }

  /** Writes bytes, likewise. */
  public static void write(Path file, byte[] contents) {
    write(file, sink -> sink.write(ByteBuffer.wrap(contents)));
  }

  /**
   * Makes a folder, with those around it, if it is not there.
   *
   * @throws NarrowException if it cannot be made
   */
  public static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw NarrowException.input(folder + ": the folder cannot be made: " + reason(e));
    }
  }

  /** The name of a file without its last ending. */
  public static String stem(Path file) {
    return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
  }

  /** What a link leads to, which need not exist. */
  private static Path followed(Path file) throws IOException {
    Path target = file.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(target); links++) {
      if (links == LINKS) {
        throw new IOException("too many links, one after the other");
      }
      target = target.resolveSibling(Files.readSymbolicLink(target));
    }
    return target;
  }

  /** Whether a name is one of the system's for what this process has open: {@code /dev/stdout}. */
  private static boolean isOpen(Path file) throws IOException {
    Path target = file.toAbsolutePath();
    while (Files.isSymbolicLink(target)) {
      if (target.getParent().toRealPath().startsWith("/proc")) {
        return true;
      }
      target = target.resolveSibling(Files.readSymbolicLink(target));
    }
    return false;
  }

  private static long replace(Path target, Contents contents) throws IOException {
    try (Temporary temporary = Temporary.beside(target)) {
      FileSink sink = new FileSink(temporary.channel());
      contents.writeTo(sink);
      temporary.moveTo(target);
      return sink.position();
    }
  }

  private static long writeInto(Path target, Contents contents) throws IOException {
    // At its end, where that is a file: what has it open may have written already.
    try (FileChannel channel =
        FileChannel.open(target, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
      FileSink sink = new FileSink(channel);
      contents.writeTo(sink);
      return sink.position();
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
