package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every package of every module says what belongs in it. */
class PackagesTest {
  private static final Path JAVA = NarrowTest.EXAMPLE.resolve("../../java").normalize();
  private static final String SOURCES = "src/main/java";
  private static final String TEXT = "package-info.java";

  @Test
  void everyPackageSaysWhatBelongsInIt() throws IOException {
    Set<Path> packages = new TreeSet<>();
    try (Stream<Path> modules = Files.list(JAVA)) {
      for (Path sources : modules.map(module -> module.resolve(SOURCES)).toList()) {
        if (Files.isDirectory(sources)) {
          addPackages(sources, packages);
        }
      }
    }
    assertThat(packages)
        .hasSizeGreaterThan(20)
        .allSatisfy(folder -> assertThat(folder.resolve(TEXT)).content().startsWith("/**"));
  }

  private static void addPackages(Path sources, Set<Path> packages) throws IOException {
    try (Stream<Path> files = Files.walk(sources)) {
      files
          .filter(file -> file.toString().endsWith(".java"))
          .map(Path::getParent)
          .filter(folder -> !folder.equals(sources))
          .forEach(packages::add);
    }
  }
}
