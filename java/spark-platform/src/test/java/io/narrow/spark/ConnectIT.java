package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server of Spark Connect with this project's jar from a repository, and a client without. */
class ConnectIT {
  private static final Path CONNECT = Path.of(System.getProperty("narrow.test.work"), "connect");

  @TempDir Path directory;

  /** A repository in a folder, as it is published, and settings that know no other. */
  private Path repository() throws IOException {
    String version = System.getProperty("narrow.test.version");
    Path root = directory.resolve("repository");
    Path folder = root.resolve("io/narrow/narrow-spark-platform").resolve(version);
    Path file = Files.createDirectories(folder).resolve("narrow-spark-platform-" + version);
    Files.copy(Installation.JAR, Path.of(file + ".jar"));
    Files.copy(
        Path.of(System.getProperty("narrow.test.work"), "flattened-pom.xml"),
        Path.of(file + ".pom"));
    return Files.writeString(
        directory.resolve("ivysettings.xml"),
        "<ivysettings><settings defaultResolver='here'/><resolvers><ibiblio name='here' m2compatible='true' root='"
            + root.toUri()
            + "'/></resolvers></ivysettings>");
  }

  @Test
  void functionsOfSql() throws Exception {
    try (Installation spark = new Installation(directory)) {
      Path model = directory.resolve("model");
      Installation.Running server =
          spark.submit(
              "local[1]",
              List.of(
                  "--jars",
                  CONNECT.resolve("spark-connect_2.13.jar").toString(),
                  "--packages",
                  "io.narrow:narrow-spark-platform:" + System.getProperty("narrow.test.version"),
                  "--conf",
                  "spark.jars.ivySettings=" + repository(),
                  "--conf",
                  "spark.jars.ivy=" + directory.resolve("ivy"),
                  "--conf",
                  "spark.sql.extensions=" + SqlFunctions.class.getName(),
                  "--conf",
                  "spark.connect.grpc.binding.address=127.0.0.1",
                  "--conf",
                  "spark.connect.grpc.binding.port=0"),
              ConnectServer.class,
              model.toString());
      String port = server.waitFor("serving ").substring(8);
      String printed =
          spark
              .start(
                  List.of(CONNECT.resolve("spark-connect-client-jvm_2.13.jar"), spark.jobs()),
                  ConnectClient.class,
                  port,
                  "SELECT narrow_unpack(narrow_pack(array(1.5D, -2D), 'FLOAT16'), 'FLOAT16', 2)",
                  "SELECT hex(narrow_quantize(array(155D, 0D), '%s'))".formatted(model),
                  "SELECT narrow_pack(array(1D), 'INT8')",
                  "SELECT narrow_quantize(array(1D), '%s')".formatted(model))
              .finished();
      assertThat(printed.lines().filter(line -> line.matches("(row|said) .*")))
          .as(printed)
          .satisfiesExactly(
              line -> assertThat(line).endsWith("(1.5, -2.0)"),
              line -> assertThat(line).isEqualTo("row 7F80"),
              line ->
                  assertThat(line)
                      .contains("format INT8: one without ranges is needed, of FLOAT16"),
              line ->
                  assertThat(line)
                      .contains("narrow_quantize: a vector has 1 values, 2 are needed"));
    }
  }
}
