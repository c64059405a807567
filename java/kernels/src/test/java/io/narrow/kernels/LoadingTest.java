package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, in JVMs of their own: the choice is made once per process. */
class LoadingTest {
  @TempDir Path directory;
  private Path cache;
  private Path jar;

  @BeforeEach
  void makeJar() throws IOException {
    cache = directory.resolve("cache");
    jar = Jvm.jar(directory);
  }

  @Test
  void libraryInAJarIsKeptInTheCache() throws Exception {
    String first = Jvm.of(cache).run(jar);
    String second = Jvm.of(cache).run(jar);
    assertThat(Jvm.value(first, "kernels")).isEqualTo(Jvm.best());
    assertThat(first).contains("loaded").doesNotContain("WARNING: No native");
    assertThat(Jvm.value(second, "loading")).isEqualTo(Jvm.value(first, "loading"));
    assertThat(Jvm.files(cache)).singleElement().matches(f -> f.toString().contains("jninarrow-"));
  }

  @Test
  void processesThatStartTogetherShareTheCache() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(Jvm.of(cache).with("-Xint").start(jar));
    }
    for (Process process : processes) {
      assertThat(Jvm.finish(process)).contains("loaded");
    }
    assertThat(Jvm.files(cache)).hasSize(1);
  }

  @Test
  void damagedFileInTheCacheIsReplaced() throws Exception {
    Jvm.of(cache).run(jar);
    Path file = Jvm.files(cache).get(0);
    Files.write(file, new byte[100]);
    assertThat(Jvm.of(cache).run(jar)).contains("loaded");
    assertThat(file).hasSameBinaryContentAs(Jvm.library());
  }

  @Test
  void cacheThatCannotBeWrittenTo() throws Exception {
    Files.writeString(cache, "a file, not a directory");
    String output = Jvm.of(cache).run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .contains("cannot write to " + cache)
        .contains("-Dnarrow.kernels.cache=DIR");
  }

  @Test
  void withoutTheLibraryOneWarningAndTheSameBytes() throws Exception {
    String with = Jvm.of(cache).run(Jvm.LIBRARIES);
    String without = Jvm.of(cache).run();
    assertThat(Jvm.value(without, "kernels")).isEqualTo("java");
    assertThat(Jvm.value(without, "checksum")).isEqualTo(Jvm.value(with, "checksum"));
    assertThat(without)
        .containsOnlyOnce("No native kernels")
        .contains("add the jar narrow-kernels with the classifier " + Platform.name());
    assertThat(with).doesNotContain("No native kernels");
  }

  @Test
  void javaKernelsOnRequestWarnOfNothing() throws Exception {
    String output = Jvm.of(cache).with("-Dnarrow.kernels=java").run();
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).doesNotContain("No native kernels");
  }

  @Test
  void everyAvailableNameCanBeForced() throws Exception {
    List<String> checksums = new ArrayList<>();
    for (String name : Kernels.available()) {
      String output = Jvm.of(cache).with("-Dnarrow.kernels=" + name).run(Jvm.LIBRARIES);
      assertThat(Jvm.value(output, "kernels")).isEqualTo(name);
      checksums.add(Jvm.value(output, "checksum"));
    }
    assertThat(checksums).containsOnly(checksums.get(0));
  }

  @Test
  void unknownNameIsAnError() throws Exception {
    assertThat(
            Jvm.value(Jvm.of(cache).with("-Dnarrow.kernels=avx1024").run(Jvm.LIBRARIES), "error"))
        .startsWith("java.lang.IllegalArgumentException: narrow.kernels=avx1024 names no kernels")
        .contains(String.join(", ", Kernels.available()));
  }

  @Test
  void nameThatCannotRunHereIsAnError() throws Exception {
    String foreign = Platform.name().endsWith("arm64") ? "avx2" : "neon";
    assertThat(
            Jvm.value(
                Jvm.of(cache).with("-Dnarrow.kernels=" + foreign).run(Jvm.LIBRARIES), "error"))
        .startsWith("java.lang.IllegalStateException: narrow.kernels=" + foreign)
        .contains(String.join(", ", Kernels.available()));
    assertThat(Jvm.value(Jvm.of(cache).with("-Dnarrow.kernels=scalar").run(), "error"))
        .startsWith("java.lang.IllegalStateException: narrow.kernels=scalar")
        .contains("available: java.");
  }

  @Test
  void namedLibraryIsTheOnlyOneTried() throws Exception {
    String right = Jvm.of(cache).with("-Dnarrow.kernels.library=" + Jvm.library()).run();
    assertThat(right).contains("loaded").doesNotContain("No native kernels");
    String wrong =
        Jvm.of(cache).with("-Dnarrow.kernels.library=/nowhere/lib.so").run(Jvm.LIBRARIES);
    assertThat(Jvm.value(wrong, "kernels")).isEqualTo("java");
    assertThat(wrong).contains("does not exist").containsOnlyOnce("No native kernels");
  }

  @Test
  void fileThatIsNoLibrary() throws Exception {
    Path file = Files.writeString(directory.resolve("lib.so"), "no library");
    String output = Jvm.of(cache).with("-Dnarrow.kernels.library=" + file).run();
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels");
  }

  @Test
  void withoutJavaCpp() throws Exception {
    assumeTrue(Jvm.classPath().stream().anyMatch(Jvm::isJavaCpp));
    List<String> entries = new ArrayList<>(Jvm.classPath());
    entries.removeIf(Jvm::isJavaCpp);
    entries.add(Jvm.LIBRARIES.toString());
    String output = Jvm.finish(Jvm.of(cache).startWith(entries));
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels").contains("add the jar org.bytedeco");
  }

  @Test
  void platformWithoutAJar() throws Exception {
    String output = Jvm.of(cache).with("-Dos.arch=vax").run(Jvm.LIBRARIES);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .contains(Platform.system() + "-vax")
        .contains("there is no jar for");
  }

  @Test
  void propertyThatIsNoPath() throws Exception {
    assumeTrue(Platform.system().equals("windows"), "elsewhere every text is a path");
    String output = Jvm.of(cache).with("-Dnarrow.kernels.library=a?b.dll").run(Jvm.LIBRARIES);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels").contains("no path");
  }

  @Test
  void libraryOfTheSystemsPath() throws Exception {
    String output = Jvm.of(cache).with("-Djava.library.path=" + Jvm.library().getParent()).run();
    assertThat(Jvm.value(output, "kernels")).isEqualTo(Jvm.best());
    assertThat(Jvm.value(output, "loading")).contains("java.library.path: loaded");
  }

  /** Executors with CentOS 7 and libraries for newer systems: xgboost 966, spark-nlp 14272. */
  @Test
  void glibcThatIsTooOld() throws Exception {
    assumeTrue(Platform.system().equals("linux"), "glibc is Linux's");
    String library = new String(Files.readAllBytes(Jvm.library()), StandardCharsets.ISO_8859_1);
    String newer = library.replaceFirst("GLIBC_2\\.1\\d\0", "GLIBC_9.99\0");
    assertThat(newer).isNotEqualTo(library);
    Path file = directory.resolve(Jvm.LIBRARIES.relativize(Jvm.library()));
    Files.createDirectories(file.getParent());
    Files.write(file, newer.getBytes(StandardCharsets.ISO_8859_1));
    String output = Jvm.of(cache).run(directory);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(Jvm.value(output, "checksum"))
        .isEqualTo(Jvm.value(Jvm.of(cache).run(Jvm.LIBRARIES), "checksum"));
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .contains("For native ones run on a system with a newer glibc")
        .contains("version `GLIBC_9.99' not found");
  }

  @Test
  void muslIsKnownByItsLoader() throws Exception {
    Path maps = directory.resolve("maps");
    String line = "7f2e4a000000-7f2e4a014000 r--p 00000000 08:01 42   ";
    Files.writeString(maps, line + "/usr/lib/x86_64-linux-gnu/libc.so.6\n");
    assertThat(Platform.isMusl(maps, maps)).isFalse();
    Files.writeString(maps, line + "/lib/ld-musl-x86_64.so.1\n");
    assertThat(Platform.isMusl(maps, maps)).isTrue();
    assertThat(Platform.isMusl(directory.resolve("no loader"), maps)).isFalse();
  }
}
