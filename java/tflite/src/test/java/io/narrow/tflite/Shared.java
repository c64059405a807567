package io.narrow.tflite;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** The folder of models and data that tests use but the repository does not hold. */
public final class Shared {
  private static final String NAME = "NARROW_SHARED";

  private Shared() {}

  /** A file of the shared folder; the test is skipped if there is none. */
  public static Path file(String path) {
    Path folder = folder();
    assumeTrue(
        folder != null,
        "skipped: no shared folder next to the repository, nor in property or variable " + NAME);
    Path file = folder.resolve(path);
    assumeTrue(Files.exists(file), "skipped: the shared folder has no " + path);
    return file;
  }

  private static Path folder() {
    String named = System.getProperty(NAME, System.getenv(NAME));
    if (named != null) {
      return Path.of(named);
    }
    Path up = Path.of("").toAbsolutePath();
    while (up != null && !Files.isDirectory(up.resolve("shared").resolve("models"))) {
      up = up.getParent();
    }
    return up == null ? null : up.resolve("shared");
  }
}
