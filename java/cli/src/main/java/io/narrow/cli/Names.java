package io.narrow.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Short names of files: as much of the end of a path as tells it from the others. */
final class Names {
  private Names() {}

  static List<String> of(List<Path> paths) {
    List<String> names = new ArrayList<>();
    for (Path path : paths) {
      int length = 1;
      while (length < path.getNameCount() && isShared(tail(path, length), path, paths)) {
        length++;
      }
      names.add(tail(path, length).toString());
    }
    return names;
  }

  private static boolean isShared(Path tail, Path path, List<Path> paths) {
    return paths.stream().anyMatch(other -> !other.equals(path) && other.endsWith(tail));
  }

  private static Path tail(Path path, int length) {
    return length >= path.getNameCount()
        ? path
        : path.subpath(path.getNameCount() - length, path.getNameCount());
  }
}
