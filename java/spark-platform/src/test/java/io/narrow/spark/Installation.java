package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/**
 * A folder of Spark's jars as an installation has it, of which this project is no part, and
 * processes of it. All are on this machine and ended with the test.
 */
final class Installation implements AutoCloseable {
  /** What the build has made for {@code --jars}. */
  static final Path JAR = Path.of(System.getProperty("narrow.test.jar"));

  static final Path DIGITS = Path.of("..", "..", "examples", "digits").toAbsolutePath().normalize();

  private static final List<String> NOT_SPARKS =
      List.of(
          "narrow-",
          "javacpp-",
          "tensorflow-lite-",
          "junit-",
          "opentest4j-",
          "apiguardian-api-",
          "assertj-core-",
          "byte-buddy-",
          "surefire-",
          "failsafe-");

  private final Path home;
  private final Path work;
  private final List<Process> processes = new ArrayList<>();

  /**
   * @param work an empty folder, for what processes print and the jar of the tests' own jobs
   */
  Installation(Path work) throws IOException {
    int feature = Runtime.version().feature();
    assumeTrue(
        feature < 24, "Spark 4.0 runs on JDK 17 and 21 (Subject.getSubject), this is " + feature);
    this.work = work;
    home = Path.of(System.getProperty("narrow.test.work"), "spark-home");
    Files.createDirectories(home.resolve("jars"));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      String name = Path.of(entry).getFileName().toString();
      if (name.endsWith(".jar") && NOT_SPARKS.stream().noneMatch(name::startsWith)) {
        try {
          Files.createSymbolicLink(home.resolve("jars").resolve(name), Path.of(entry));
        } catch (FileAlreadyExistsException e) {
          continue;
        }
      }
    }
  }

  /** A jar with the classes of the tests, which are the program of a user. */
  Path jobs() throws IOException {
    Path jar = work.resolve("jobs.jar");
    Path classes = Path.of(System.getProperty("narrow.test.work"), "test-classes");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
        var files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(
            new JarEntry(classes.relativize(file).toString().replace(File.separatorChar, '/')));
        Files.copy(file, out);
      }
    }
    return jar;
  }

  /** A process, what it prints in a file. */
  record Running(Process process, Path output) {
    String printed() {
      try {
        return Files.readString(output);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Waits for an end without errors. */
    String finished() throws InterruptedException {
      assertThat(process.waitFor(400, TimeUnit.SECONDS)).as(printed()).isTrue();
      assertThat(process.exitValue()).as(printed()).isZero();
      return printed();
    }

    /** Waits for a text that is printed, to its line's end. */
    String waitFor(String text) throws InterruptedException {
      return await(
          () -> {
            boolean alive = process.isAlive();
            String all = printed();
            int at = all.indexOf(text);
            int end = at < 0 ? -1 : all.indexOf('\n', at);
            assertThat(alive || end >= 0).as(all).isTrue();
            return end < 0 ? null : all.substring(at, end).strip();
          },
          this::printed);
    }
  }

  /** Waits for a value, at most five minutes. */
  static <T> T await(Supplier<T> found, Supplier<String> what) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(300);
    while (System.nanoTime() < end) {
      T value = found.get();
      if (value != null) {
        return value;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("waited in vain: " + what.get());
  }

  /** Starts a class of Spark's. */
  Running start(String main, String... arguments) throws IOException {
    return start(List.of(), List.of(), main, arguments);
  }

  /** Starts a program whose jars come before Spark's. */
  Running start(List<Path> jars, Class<?> main, String... arguments) throws IOException {
    return start(List.of(), jars, main.getName(), arguments);
  }

  /**
   * @param under a command that starts it, none if empty
   */
  private Running start(List<String> under, List<Path> jars, String main, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(under);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1")); // they are short
    Collections.addAll(command, System.getProperty("narrow.test.opens").split(" "));
    command.add("-XX:+IgnoreUnrecognizedVMOptions");
    command.add("-Dspark.master.rest.enabled=false");
    List<String> path = new ArrayList<>(jars.stream().map(Path::toString).toList());
    path.add(home.resolve("jars") + File.separator + "*");
    command.addAll(List.of("-cp", String.join(File.pathSeparator, path), main));
    command.addAll(Arrays.asList(arguments));
    Path output = Files.createTempFile(work, main.substring(main.lastIndexOf('.') + 1), ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.directory(work.toFile());
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    processes.add(process);
    return new Running(process, output);
  }

  /** What spark-submit does. */
  Running submit(String master, List<String> options, Class<?> main, String... arguments)
      throws IOException {
    return submit(List.of(), master, options, main, arguments);
  }

  Running submit(
      List<String> under, String master, List<String> options, Class<?> main, String... arguments)
      throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--master",
                master,
                "--conf",
                "spark.ui.enabled=false",
                "--conf",
                "spark.driver.host=127.0.0.1",
                "--conf",
                "spark.sql.shuffle.partitions=2"));
    all.addAll(options);
    all.addAll(List.of("--class", main.getName(), jobs().toString()));
    all.addAll(Arrays.asList(arguments));
    return start(
        under, List.of(), "org.apache.spark.deploy.SparkSubmit", all.toArray(String[]::new));
  }

  @Override
  public void close() {
    for (Process process : processes) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().onExit().join();
    }
  }
}
