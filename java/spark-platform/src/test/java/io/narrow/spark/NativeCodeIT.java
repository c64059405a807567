package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.kernels.Kernels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong with native libraries on executors. */
class NativeCodeIT {
  @TempDir Path directory;

  /** "Already loaded in another class loader": each session of a Spark Connect server has one. */
  @Test
  void sessionsOfOneProcessLoadTheSameLibraries() throws Exception {
    try (Installation spark = new Installation(directory)) {
      String printed =
          spark
              .submit(
                  "local[1]",
                  List.of(),
                  Loaders.class,
                  Installation.JAR.toString(),
                  spark.jobs().toString(),
                  "--",
                  Installation.DIGITS.resolve("digits.tflite").toString(),
                  Installation.DIGITS.resolve("calibration.npz").toString(),
                  directory.resolve("ranges").toString())
              .finished();
      List<String> probes = printed.lines().filter(line -> line.startsWith("probe ")).toList();
      assertThat(probes).as(printed).hasSize(3);
      assertThat(probes.stream().distinct())
          .as(printed)
          .singleElement()
          .asString()
          .startsWith("probe " + Kernels.active().name() + " ");
    }
  }

  @Test
  void noexecFolder() throws Exception {
    Path noexec = Files.createDirectory(directory.resolve("noexec"));
    String mount = "mount -t tmpfs -o noexec none " + noexec;
    String folder = "export JAVA_TOOL_OPTIONS=-Dnarrow.kernels.cache=" + noexec;
    List<String> command =
        List.of("unshare", "--mount", "sh", "-ec", mount + "\n" + folder + "\nexec \"$@\"", "sh");
    Process probe =
        new ProcessBuilder("unshare", "--mount", "sh", "-ec", mount).inheritIO().start();
    assertThat(probe.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assumeTrue(probe.exitValue() == 0, "no leave to mount");
    Path codes = directory.resolve("codes");
    try (Installation spark = new Installation(directory)) {
      String printed =
          spark
              .submit(
                  command,
                  "local[2]",
                  List.of("--jars", Installation.JAR.toString()),
                  NoexecJob.class,
                  Installation.DIGITS.resolve("digits.tflite").toString(),
                  codes.toString())
              .finished();
      assertThat(printed.lines().filter(line -> line.startsWith("kernels ")))
          .as(printed)
          .isNotEmpty()
          .allMatch(line -> line.startsWith("kernels java: ") && line.contains("noexec"));
      assertThat(printed.lines().filter(line -> line.startsWith("said ")))
          .as(printed)
          .singleElement()
          .asString()
          .startsWith("said the TFLite runtime could not be loaded: ")
          .contains("-Dnarrow.kernels.cache=DIR");
      assertThat(printed).contains("codes " + Arrays.hashCode(StandaloneIT.codes()));
    }
  }

  @Test
  void jarHoldsWhatSparkDoesNotBring() throws Exception {
    try (JarFile jar = new JarFile(Installation.JAR.toFile())) {
      List<String> names = jar.stream().map(ZipEntry::getName).toList();
      assertThat(names)
          .doesNotHaveDuplicates()
          .contains(
              "META-INF/LICENSE",
              "META-INF/NOTICE",
              "io/narrow/spark/VectorQuantizer.class",
              "io/narrow/tflite/Quantizer.class")
          .anyMatch(name -> name.matches("io/narrow/kernels/.*/[^/]*jninarrow\\.[a-z]+"))
          .anyMatch(
              name ->
                  name.matches("org/bytedeco/tensorflowlite/.*/[^/]*jnitensorflowlite\\.[a-z]+"))
          .allMatch(name -> name.matches("(META-INF|io/narrow|org/bytedeco|io|org)/.*"))
          .noneMatch(name -> name.endsWith("module-info.class"));
      String notice =
          new String(jar.getInputStream(jar.getEntry("META-INF/NOTICE")).readAllBytes());
      assertThat(notice).contains("Narrow", "TensorFlow Lite", "JavaCPP");
    }
  }
}
