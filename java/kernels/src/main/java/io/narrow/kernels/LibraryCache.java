package io.narrow.kernels;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * A directory of this user that holds libraries taken out of jars.
 *
 * <p>A file's name carries a checksum of its contents and its contents are compared before use, so
 * versions live side by side. Files are written under a temporary name and moved into place:
 * processes that start at the same time see a whole file or none. A temporary file is locked while
 * it is written; one that nobody holds belonged to a process that was killed, and the next process
 * removes it.
 */
record LibraryCache(String title, Path directory, boolean shared) {
  static final String PROPERTY = "narrow.kernels.cache";
  static final String JAVACPP_PROPERTY = "org.bytedeco.javacpp.cachedir";

  private static final String TEMPORARY = ".tmp";
  private static final int TRIES = 10;

  /**
   * The directories to try, in order: the one the user names and no other; or else one below that
   * of JavaCPP where the user names that, the one of the system's conventions, and where this user
   * can write for the time of a session.
   */
  static List<LibraryCache> candidates() {
    List<LibraryCache> candidates = new ArrayList<>();
    String named = System.getProperty(PROPERTY);
    if (named != null) {
      add(candidates, "-D" + PROPERTY, named, null, false);
      return candidates;
    }
    add(candidates, "-D" + JAVACPP_PROPERTY, System.getProperty(JAVACPP_PROPERTY), "narrow", false);
    add(candidates, "cache", userCaches(), "narrow", false);
    String own = "narrow-" + plain(System.getProperty("user.name", ""));
    add(candidates, "temporary directory", System.getProperty("java.io.tmpdir"), own, true);
    add(candidates, "XDG_RUNTIME_DIR", System.getenv("XDG_RUNTIME_DIR"), "narrow", false);
    return candidates;
  }

  private static void add(
      List<LibraryCache> candidates, String title, String parent, String name, boolean shared) {
    if (parent != null && !parent.isEmpty()) {
      Path directory = Path.of(parent).toAbsolutePath();
      candidates.add(
          new LibraryCache(title, name == null ? directory : directory.resolve(name), shared));
    }
  }

  /** The name without what a file's name cannot hold. */
  private static String plain(String name) {
    char[] letters = name.toCharArray();
    for (int i = 0; i < letters.length; i++) {
      if (letters[i] >= 128 || !Character.isLetterOrDigit(letters[i])) {
        letters[i] = '_';
      }
    }
    return new String(letters);
  }

  private static String userCaches() {
    String system = Platform.system();
    String set = System.getenv(system.equals("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
    if (set != null && Path.of(set).isAbsolute()) {
      return set;
    }
    String home = System.getProperty("user.home");
    if (home == null || !Path.of(home).isAbsolute()) {
      return null;
    }
    return switch (system) {
      case "macosx" -> home + "/Library/Caches";
      case "windows" -> home + "\\AppData\\Local";
      default -> home + "/.cache";
    };
  }

  /** The file with these contents, written if it is not there. */
  Path store(String name, byte[] contents) throws IOException {
    createDirectory();
    CRC32 checksum = new CRC32();
    checksum.update(contents);
    int dot = name.lastIndexOf('.');
    String unique = "-" + Long.toHexString(checksum.getValue()) + "-" + contents.length;
    Path file = directory.resolve(name.substring(0, dot) + unique + name.substring(dot));
    for (int left = TRIES; !holds(file, contents); left--) {
      Path temporary = write(name, contents);
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Windows does not replace a library that is in use; then another process was quicker. And
        // one that started at the same time may have taken the file for an abandoned one.
        if (!holds(file, contents) && (left == 0 || !(e instanceof NoSuchFileException))) {
          throw e;
        }
      } finally {
        Files.deleteIfExists(temporary);
      }
    }
    removeAbandoned(name);
    return file;
  }

  /** A file with these contents for the caller to load and to delete. */
  Path copy(String name, byte[] contents) throws IOException {
    createDirectory();
    removeAbandoned(name);
    return write(name, contents);
  }

  private Path write(String name, byte[] contents) throws IOException {
    // Not Files.createTempFile: its random numbers need network interfaces on Windows.
    long unique = System.nanoTime();
    for (int left = TRIES; ; left--) {
      Path file = directory.resolve(name + "-" + Long.toHexString(unique++) + TEMPORARY);
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        lock(channel);
        ByteBuffer bytes = ByteBuffer.wrap(contents);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        return file;
      } catch (FileAlreadyExistsException e) {
        if (left == 0) {
          throw e;
        }
      } catch (IOException e) {
        Files.deleteIfExists(file);
        throw e;
      }
    }
  }

  /** False where another process holds the file, or the file system knows no locks. */
  private static boolean lock(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (IOException | OverlappingFileLockException e) {
      return false;
    }
  }

  private void removeAbandoned(String name) {
    String[] names = directory.toFile().list();
    for (int i = 0; names != null && i < names.length; i++) {
      if (names[i].startsWith(name) && names[i].endsWith(TEMPORARY)) {
        Path file = directory.resolve(names[i]);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          if (lock(channel)) {
            Files.deleteIfExists(file);
          }
        } catch (IOException e) {
          continue; // gone, or not ours to remove
        }
      }
    }
  }

  private static boolean holds(Path file, byte[] contents) throws IOException {
    return Files.isRegularFile(file)
        && Files.size(file) == contents.length
        && Arrays.equals(Files.readAllBytes(file), contents);
  }

  private void createDirectory() throws IOException {
    if (!directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectories(directory);
      return;
    }
    Files.createDirectories(directory.getParent());
    Set<PosixFilePermission> owner =
        EnumSet.of(
            PosixFilePermission.OWNER_READ,
            PosixFilePermission.OWNER_WRITE,
            PosixFilePermission.OWNER_EXECUTE);
    try {
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(owner));
    } catch (FileAlreadyExistsException e) {
      if (shared) {
        checkOwner(owner);
      } else if (!Files.isDirectory(directory)) {
        throw e;
      }
    }
  }

  /** In a place where all users may create directories, this one has to be this user's own. */
  private void checkOwner(Set<PosixFilePermission> owner) throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("it is no directory");
    }
    Path self = Path.of("/proc/self");
    if (Files.exists(self)
        && !Files.getAttribute(self, "unix:uid")
            .equals(Files.getAttribute(directory, "unix:uid"))) {
      throw new IOException("it belongs to " + Files.getOwner(directory));
    }
    // Only the owner, or root, may.
    Files.setPosixFilePermissions(directory, owner);
  }
}
