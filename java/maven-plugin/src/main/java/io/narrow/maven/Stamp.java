package io.narrow.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a result was made from: the version, the options, and size and time of every file among
 * them, of the model and of the result.
 *
 * @param file where it is kept
 */
record Stamp(Path file, String version, List<String> options) {
  boolean isCurrent(Path model, Path output) throws IOException {
    return Files.exists(output)
        && Files.exists(file)
        && Files.readString(file).equals(text(model, output));
  }

  void write(Path model, Path output) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, text(model, output));
  }

  private String text(Path model, Path output) throws IOException {
    List<String> lines = new ArrayList<>(List.of(version));
    lines.addAll(options);
    addFile(model, lines);
    addFile(output, lines);
    for (String option : options) {
      addFiles(option, lines);
    }
    return String.join("\n", lines);
  }

  /** Files that an option names, as {@code SIGNATURE=KIND:FILE?KEY=VALUE} and other data do. */
  private static void addFiles(String option, List<String> lines) throws IOException {
    String name = option.replaceFirst("\\?.*", "");
    addFile(name, lines);
    for (int i = 0; i < name.length(); i++) {
      if (name.charAt(i) == '=' || name.charAt(i) == ':') {
        addFile(name.substring(i + 1), lines);
      }
    }
  }

  private static void addFile(String name, List<String> lines) throws IOException {
    try {
      if (!name.isBlank()) {
        addFile(Path.of(name), lines);
      }
    } catch (InvalidPathException e) {
      // then there is no such file
    }
  }

  private static void addFile(Path path, List<String> lines) throws IOException {
    if (Files.isDirectory(path)) {
      try (Stream<Path> files = Files.walk(path)) {
        for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
          addFile(file, lines);
        }
      }
    } else if (Files.exists(path)) {
      lines.add(path + " " + Files.size(path) + " " + Files.getLastModifiedTime(path));
    }
  }
}
