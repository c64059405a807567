package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, in JVMs of their own: the choice is made once per process. */
class LoadingTest {
  private static final Path LIBRARIES = Path.of(System.getProperty("narrow.test.libraries"));

  @TempDir Path directory;
  private Path cache;
  private Path jar;

  @BeforeEach
  void makeJar() throws IOException {
    cache = directory.resolve("cache");
    jar = directory.resolve("native.jar");
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      out.putNextEntry(new JarEntry(LIBRARIES.relativize(library()).toString().replace('\\', '/')));
      Files.copy(library(), out);
    }
  }

  /** What a JVM is asked to do: print its kernels, a checksum of their results, and the trail. */
  static final class Probe {
    private Probe() {}

    public static void main(String[] args) {
      try {
        Kernels kernels = Kernels.active();
        kernels = Kernels.active();
        System.out.println("kernels=" + kernels.name());
        System.out.println("checksum=" + checksum(kernels));
      } catch (IllegalArgumentException | IllegalStateException e) {
        System.out.println("error=" + e);
      }
      System.out.println("loading=" + Kernels.loading().replace("\n", " | "));
    }

    private static int checksum(Kernels kernels) {
      float[] x = new float[1000];
      for (int i = 0; i < x.length; i++) {
        x[i] = Float.intBitsToFloat(i * 0x01234567);
      }
      byte[] y = new byte[x.length];
      short[] halves = new short[x.length];
      kernels.quantize(Span.of(x), Quantization.perTensor(QuantizedType.INT8, 0.1f, 3), Span.of(y));
      kernels.toFloat16(Span.of(x), Span.of(halves));
      return 31 * Arrays.hashCode(y)
          + Arrays.hashCode(halves)
          + kernels.range(Span.of(x)).hashCode();
    }
  }

  @Test
  void libraryInAJarIsKeptInTheCache() throws Exception {
    String first = run(jar.toString());
    String second = run(jar.toString());
    List<String> available = Kernels.available();
    assertThat(value(first, "kernels")).isEqualTo(available.get(available.size() - 1));
    assertThat(first).contains("loaded").doesNotContain("WARNING: No native");
    assertThat(value(second, "loading")).isEqualTo(value(first, "loading"));
    assertThat(files(cache)).singleElement().matches(f -> f.toString().contains("jninarrow-"));
  }

  @Test
  void processesThatStartTogetherShareTheCache() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start(jar.toString(), "-Xint"));
    }
    for (Process process : processes) {
      assertThat(finish(process)).contains("loaded");
    }
    assertThat(files(cache)).hasSize(1);
  }

  @Test
  void damagedFileInTheCacheIsReplaced() throws Exception {
    run(jar.toString());
    Path file = files(cache).get(0);
    Files.write(file, new byte[100]);
    assertThat(run(jar.toString())).contains("loaded");
    assertThat(file).hasSameBinaryContentAs(library());
  }

  @Test
  void cacheThatCannotBeWrittenTo() throws Exception {
    Files.writeString(cache, "a file, not a directory");
    String output = run(jar.toString());
    assertThat(value(output, "kernels")).isEqualTo("java");
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .contains("cannot write to " + cache)
        .contains("-Dnarrow.kernels.cache=DIR");
  }

  @Test
  void withoutTheLibraryOneWarningAndTheSameBytes() throws Exception {
    String with = run(LIBRARIES.toString());
    String without = run("");
    assertThat(value(without, "kernels")).isEqualTo("java");
    assertThat(value(without, "checksum")).isEqualTo(value(with, "checksum"));
    assertThat(without)
        .containsOnlyOnce("No native kernels")
        .contains("add the jar narrow-kernels with the classifier " + Platform.name());
    assertThat(with).doesNotContain("No native kernels");
  }

  @Test
  void javaKernelsOnRequestWarnOfNothing() throws Exception {
    String output = run("", "-Dnarrow.kernels=java");
    assertThat(value(output, "kernels")).isEqualTo("java");
    assertThat(output).doesNotContain("No native kernels");
  }

  @Test
  void everyAvailableNameCanBeForced() throws Exception {
    List<String> checksums = new ArrayList<>();
    for (String name : Kernels.available()) {
      String output = run(LIBRARIES.toString(), "-Dnarrow.kernels=" + name);
      assertThat(value(output, "kernels")).isEqualTo(name);
      checksums.add(value(output, "checksum"));
    }
    assertThat(checksums).containsOnly(checksums.get(0));
  }

  @Test
  void unknownNameIsAnError() throws Exception {
    assertThat(value(run(LIBRARIES.toString(), "-Dnarrow.kernels=avx1024"), "error"))
        .startsWith("java.lang.IllegalArgumentException: narrow.kernels=avx1024 names no kernels")
        .contains(String.join(", ", Kernels.available()));
  }

  @Test
  void nameThatCannotRunHereIsAnError() throws Exception {
    String foreign = Platform.name().endsWith("arm64") ? "avx2" : "neon";
    assertThat(value(run(LIBRARIES.toString(), "-Dnarrow.kernels=" + foreign), "error"))
        .startsWith("java.lang.IllegalStateException: narrow.kernels=" + foreign)
        .contains(String.join(", ", Kernels.available()));
    assertThat(value(run("", "-Dnarrow.kernels=scalar"), "error"))
        .startsWith("java.lang.IllegalStateException: narrow.kernels=scalar")
        .contains("available: java.");
  }

  @Test
  void namedLibraryIsTheOnlyOneTried() throws Exception {
    String right = run("", "-Dnarrow.kernels.library=" + library());
    assertThat(right).contains("loaded").doesNotContain("No native kernels");
    String wrong = run(LIBRARIES.toString(), "-Dnarrow.kernels.library=/nowhere/lib.so");
    assertThat(value(wrong, "kernels")).isEqualTo("java");
    assertThat(wrong).contains("does not exist").containsOnlyOnce("No native kernels");
  }

  @Test
  void fileThatIsNoLibrary() throws Exception {
    Path file = Files.writeString(directory.resolve("lib.so"), "no library");
    String output = run("", "-Dnarrow.kernels.library=" + file);
    assertThat(value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels");
  }

  @Test
  void withoutJavaCpp() throws Exception {
    assumeTrue(classPath().stream().anyMatch(LoadingTest::isJavaCpp));
    List<String> entries = new ArrayList<>(classPath());
    entries.removeIf(LoadingTest::isJavaCpp);
    entries.add(LIBRARIES.toString());
    String output = finish(start(entries));
    assertThat(value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels").contains("add the jar org.bytedeco");
  }

  private static boolean isJavaCpp(String entry) {
    return entry.contains("javacpp") && entry.endsWith(".jar");
  }

  private static Path library() {
    return LIBRARIES
        .resolve("io/narrow/kernels/internal")
        .resolve(Platform.name())
        .resolve(System.mapLibraryName("jninarrow"));
  }

  /** The class path of the tests but for the library. */
  private static List<String> classPath() {
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(all.split(System.getProperty("path.separator")))
        .filter(entry -> !Path.of(entry).equals(LIBRARIES))
        .toList();
  }

  private String run(String entry, String... options) throws Exception {
    return finish(start(entry, options));
  }

  private Process start(String entry, String... options) throws IOException {
    List<String> entries = new ArrayList<>(classPath());
    entries.add(entry);
    return start(entries, options);
  }

  private Process start(List<String> entries, String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dnarrow.kernels.cache=" + cache);
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of(options));
    String separator = System.getProperty("path.separator");
    command.addAll(List.of("-cp", String.join(separator, entries), Probe.class.getName()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String finish(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(output).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  private static String value(String output, String key) {
    return output
        .lines()
        .filter(line -> line.startsWith(key + "="))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + key + " in " + output))
        .substring(key.length() + 1);
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.collect(Collectors.toList());
    }
  }
}
