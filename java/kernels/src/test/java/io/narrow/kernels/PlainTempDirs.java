package io.narrow.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Directories for tests without random numbers, for which Java looks at the network's interfaces on
 * Windows: a JVM under wine does not survive that.
 */
final class PlainTempDirs implements TempDirFactory {
  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext test)
      throws IOException {
    return Files.createDirectory(path(""));
  }

  /** A path in the system's directory for temporary files that nothing has yet. */
  static Path path(String suffix) {
    String temporary = System.getProperty("java.io.tmpdir");
    return Path.of(temporary, "narrow-test-" + System.nanoTime() + suffix);
  }
}
