package io.narrow.tflite;

import java.nio.file.Files;
import java.nio.file.Path;

/** The example that the repository ships. */
public final class Examples {
  public static final Path DIGITS = file("digits.tflite");
  public static final Path DIGITS_TEST = file("test.npz");
  public static final Path DIGITS_CALIBRATION = file("calibration.npz");

  private Examples() {}

  private static Path file(String name) {
    Path up = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(up.resolve("examples").resolve("digits"))) {
      up = up.getParent();
    }
    return up.resolve("examples").resolve("digits").resolve(name);
  }
}
