package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Blocks whose scales lie apart, against Jlama itself, by a program that JDK 22 compiles. */
class JlamaTest {
  @Test
  void codesScalesAndValuesAreJlamas(@TempDir Path directory) throws Exception {
    int feature = Runtime.version().feature();
    assumeTrue(feature >= 22, "Jlama's memory needs JDK 22, this is " + feature);
    Path source = Path.of("src", "test", "java21", "JlamaRows.java");
    assumeTrue(Files.exists(source), "tests of another machine, without " + source);
    String classPath = String.join(System.getProperty("path.separator"), Jvm.classPath());
    for (String dimensions : List.of("32", "320")) {
      Process process =
          Jvm.of(directory.resolve("cache"))
              .with("-cp", classPath, "--add-modules=jdk.incubator.vector")
              .launch(List.of(source.toString(), "100", dimensions));
      List<String> lines =
          Jvm.finish(process).lines().filter(line -> line.contains(" differ")).toList();
      assertThat(lines).as("%s dimensions", dimensions).hasSize(12);
      assertThat(lines)
          .allMatch(line -> line.matches(".*: 0 of \\d+ bytes, 0 of \\d+ scales and 0 of .*"));
    }
  }
}
