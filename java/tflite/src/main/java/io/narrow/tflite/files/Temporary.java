package io.narrow.tflite.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.UUID;

/**
 * A file under a temporary name, to be moved into place. Who writes it holds a lock on it, so that
 * a later run can tell what a killed one left behind, and removes that.
 */
public final class Temporary implements AutoCloseable {
  private static final String PREFIX = ".narrow-";
  private static final String SUFFIX = ".tmp";

  // Not the number of the process, which is the same in another container. Locks of one process do
  // not shut out its own threads, so it leaves alone what bears its name; several class loaders may
  // have this class, and know it of each other.
  private static final String OURS =
      PREFIX
          + System.getProperties()
              .computeIfAbsent("narrow.temporary", key -> UUID.randomUUID().toString())
          + "-";

  private final Path path;
  private final FileChannel channel;

  private Temporary(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** A new one beside a file. Its name is short: the file's may be as long as a name can be. */
  public static Temporary beside(Path file) throws IOException {
    removeAbandoned(file.getParent());
    while (true) {
      String number = Long.toHexString(UUID.randomUUID().getLeastSignificantBits());
      Path path = file.resolveSibling(OURS + number + SUFFIX);
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      lock(channel);
      if (Files.exists(path)) { // or somebody took it for abandoned before it was locked
        return new Temporary(path, channel);
      }
      channel.close();
    }
  }

  public FileChannel channel() {
    return channel;
  }

  public Path path() {
    return path;
  }

  /** Puts it in the place of a file, whose permissions it takes over if there is one. */
  void moveTo(Path file) throws IOException {
    PosixFileAttributeView old = Files.getFileAttributeView(file, PosixFileAttributeView.class);
    if (old != null && Files.exists(file)) {
      Files.setPosixFilePermissions(path, old.readAttributes().permissions());
    }
    Files.move(path, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes it, unless it was moved. */
  @Override
  public void close() throws IOException {
    try (channel) {
      Files.deleteIfExists(path);
    }
  }

  private static void lock(FileChannel channel) {
    try {
      channel.lock();
    } catch (IOException e) {
      // no locks on this file system: then nobody gets one, and nothing is taken for abandoned
    }
  }

  private static void removeAbandoned(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + SUFFIX)) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith(OURS)) {
          removeIfAbandoned(file);
        }
      }
    } catch (IOException | RuntimeException e) {
      // a folder that can be written to need not be one that can be listed
    }
  }

  private static void removeIfAbandoned(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // somebody else's, or gone
    }
  }
}
