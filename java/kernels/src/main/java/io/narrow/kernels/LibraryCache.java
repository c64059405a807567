package io.narrow.kernels;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.zip.CRC32;

/**
 * A directory of this user that holds libraries taken out of jars.
 *
 * <p>A file's name carries a checksum of its contents and its contents are compared before use, so
 * versions live side by side. Files are written under a temporary name and moved into place:
 * processes that start at the same time see a whole file or none.
 */
record LibraryCache(String title, Path directory, boolean shared) {
  static final String PROPERTY = "narrow.kernels.cache";

  /** The directory the user names, or else the one of the system's conventions; null if none. */
  static LibraryCache first() {
    String named = System.getProperty(PROPERTY);
    if (named != null) {
      return new LibraryCache("-D" + PROPERTY, Path.of(named).toAbsolutePath(), false);
    }
    Path caches = userCaches();
    return caches == null ? null : new LibraryCache("cache", caches.resolve("narrow"), false);
  }

  /**
   * Another one, for where the first cannot be written to or run from; null if the user named one.
   */
  static LibraryCache second() {
    if (System.getProperty(PROPERTY) != null) {
      return null;
    }
    String user = System.getProperty("user.name", "").replaceAll("[^A-Za-z0-9._-]", "_");
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    return new LibraryCache("temporary directory", temporary.resolve("narrow-" + user), true);
  }

  private static Path userCaches() {
    String home = System.getProperty("user.home");
    String variable = Platform.system().equals("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME";
    String set = System.getenv(variable);
    if (set != null && Path.of(set).isAbsolute()) {
      return Path.of(set);
    }
    if (home == null || !Path.of(home).isAbsolute()) {
      return null;
    }
    return switch (Platform.system()) {
      case "macosx" -> Path.of(home, "Library", "Caches");
      case "windows" -> Path.of(home, "AppData", "Local");
      default -> Path.of(home, ".cache");
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
    if (holds(file, contents)) {
      return file;
    }
    Path temporary = Files.createTempFile(directory, name, ".tmp");
    try {
      Files.write(temporary, contents);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // Windows does not replace a library that is in use; then another process was quicker.
      if (!holds(file, contents)) {
        throw e;
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
    return file;
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
    try {
      Files.createDirectory(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (shared) {
        checkOwner();
      }
    }
  }

  /** In a place where all users may create directories, this one has to be this user's own. */
  private void checkOwner() throws IOException {
    Path probe = Files.createTempFile(directory, "owner", ".tmp");
    try {
      if (!Files.getOwner(probe).equals(Files.getOwner(directory))) {
        throw new IOException("it belongs to " + Files.getOwner(directory));
      }
    } finally {
      Files.delete(probe);
    }
  }
}
