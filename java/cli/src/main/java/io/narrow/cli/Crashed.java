package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.OwnProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Models that crashed the runtime. A command that runs several begins anew without the one that
 * did: the process goes on as the same command, and finds the names in a variable.
 */
final class Crashed {
  private static final String VARIABLE = "NARROW_CRASHED";
  private static final Set<String> COMMANDS = Set.of("evaluate", "sweep", "benchmark");

  private final List<Path> files;

  private Crashed(List<Path> files) {
    this.files = files;
  }

  /** What to go on with after a crash: this very command, or nothing, where it runs one model. */
  static byte[] command(String... arguments) {
    Path command = Path.of("/proc/self/cmdline");
    try {
      return arguments.length > 0 && COMMANDS.contains(arguments[0]) && Files.exists(command)
          ? Files.readAllBytes(command)
          : new byte[0];
    } catch (IOException e) {
      return new byte[0];
    }
  }

  /**
   * Those of which the command can do without.
   *
   * @throws NarrowException if another model crashed
   */
  static Crashed among(List<Path> optional) {
    List<Path> files = new ArrayList<>();
    for (String name : System.getenv().getOrDefault(VARIABLE, "").split("\n")) {
      if (!name.isEmpty() && optional.contains(Path.of(name))) {
        files.add(Path.of(name));
      } else if (!name.isEmpty()) {
        throw NarrowException.unsupported(name + ": " + OwnProcess.CRASHED);
      }
    }
    return new Crashed(files);
  }

  /**
   * The others.
   *
   * @throws NarrowException if there are none
   */
  List<Path> others(List<Path> all) {
    List<Path> others = new ArrayList<>(all);
    others.removeAll(files);
    if (others.isEmpty()) {
      throw NarrowException.unsupported(String.join("; ", lines()));
    }
    return others;
  }

  boolean contains(Path file) {
    return files.contains(file);
  }

  /** What is said of each. */
  List<String> lines() {
    return files.stream().map(file -> file + ": " + OwnProcess.CRASHED).toList();
  }
}
