package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import picocli.CommandLine.Option;

/** The file that a command makes of another. */
final class OutputFile {
  private static final Set<String> STANDARD_OUTPUT =
      Set.of("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUT",
      description = "Where to write it.")
  private Path path;

  @Option(names = "--force", description = "Let OUT take the place of IN.")
  private boolean force;

  /** Where to write what is made of {@code input}. */
  Path of(Path input) {
    if (!force && same(path, input)) {
      throw NarrowException.input(
          "-o " + path + ": is the input, which --force lets the output take the place of");
    }
    return path;
  }

  /** Whether it goes where text goes too. */
  boolean isStandardOutput() {
    return STANDARD_OUTPUT.contains(path.toString());
  }

  /**
   * Refuses to write something else over a file that is read.
   *
   * @param path what an option names, or null
   */
  static void apart(String option, Path path, Path... inputs) {
    for (Path input : inputs) {
      if (path != null && same(path, input)) {
        throw NarrowException.input(option + " " + path + ": is an input, which it would replace");
      }
    }
  }

  private static boolean same(Path a, Path b) {
    try {
      return Files.exists(a) && Files.exists(b) && Files.isSameFile(a, b);
    } catch (IOException e) {
      return false; // what cannot be looked at cannot be read either, which is said then
    }
  }
}
