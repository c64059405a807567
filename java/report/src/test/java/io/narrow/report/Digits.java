package io.narrow.report;

import java.nio.file.Files;
import java.nio.file.Path;

/** The example of the repository. */
final class Digits {
  private Digits() {}

  static Path file(String name) {
    Path up = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(up.resolve("examples").resolve("digits"))) {
      up = up.getParent();
    }
    return up.resolve("examples").resolve("digits").resolve(name);
  }

  static String calibration() {
    return file("calibration.npz") + "?scale=1/16";
  }

  static String test() {
    return file("test.npz") + "?scale=1/16";
  }
}
