package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Codes and corrections of Lucene 10, against Lucene itself, by a program that JDK 21 compiles. */
class LuceneTest {
  @Test
  void codesAndCorrectionsAreLucenes(@TempDir Path directory) throws Exception {
    int feature = Runtime.version().feature();
    assumeTrue(feature >= 21, "Lucene 10 needs JDK 21, this is " + feature);
    Path source = Path.of("src", "test", "java21", "LuceneRows.java");
    assumeTrue(Files.exists(source), "tests of another machine, without " + source);
    String program = source.toString();
    String classPath = String.join(System.getProperty("path.separator"), Jvm.classPath());
    for (int dimensions : new int[] {2, 38, 129 * 2}) {
      Process process =
          Jvm.of(directory.resolve("cache"))
              .with("-cp", classPath)
              .launch(List.of(program, "200", String.valueOf(dimensions)));
      List<String> lines =
          Jvm.finish(process).lines().filter(line -> line.contains(" of ")).toList();
      assertThat(lines).as("%s dimensions", dimensions).hasSize(90);
      assertThat(lines).allMatch(line -> line.contains(": 0 of ") && line.contains("and 0 of "));
    }
  }
}
