package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.OwnProcess;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Processes that end as one does whose runtime crashes: by a fault while it runs a model. */
@EnabledOnOs(OS.LINUX)
class CrashTest {
  private static final String MODEL = NarrowTest.EXAMPLE.resolve("digits.tflite").toString();
  private static final String DATA = NarrowTest.EXAMPLE.resolve("test.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private int code;

  /** The command, but for that every model whose name says so crashes as it is run. */
  public static final class Crashing {
    public static void main(String[] arguments) throws Exception {
      List<String> gone = List.of(System.getenv().getOrDefault("NARROW_CRASHED", "").split("\n"));
      for (String argument : arguments) {
        if (argument.contains("crash")
            && argument.endsWith(".tflite")
            && !gone.contains(argument)) {
          OwnProcess.claim(Crashed.command(arguments));
          try (Interpreter interpreter =
              Interpreter.open(Path.of(argument), Interpreter.Options.DEFAULT)) {
            interpreter.run();
            Class<?> unsafe = Class.forName("sun.misc.Unsafe");
            Field field = unsafe.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            unsafe.getMethod("putInt", long.class, int.class).invoke(field.get(null), 8L, 1);
          }
        }
      }
      Narrow.main(arguments);
    }
  }

  private List<String> run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+SuppressFatalErrorMessage");
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Crashing.class.getName()));
    command.addAll(List.of(arguments));
    Path errors = folder.resolve("errors");
    Process process =
        new ProcessBuilder(command)
            .directory(Files.createDirectories(folder.resolve("work")).toFile())
            .redirectError(errors.toFile())
            .start();
    String text = new String(process.getInputStream().readAllBytes());
    code = process.waitFor();
    try (Stream<Path> litter = Files.list(folder.resolve("work"))) {
      assertThat(litter).isEmpty();
    }
    return Stream.concat(text.lines(), Files.readString(errors).lines().map(line -> "E " + line))
        .toList();
  }

  private String model(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.copy(Path.of(MODEL), file);
    return file.toString();
  }

  @Test
  void aCrashIsALineAndAnExitCode() throws Exception {
    String crash = model("crash é.tflite");
    assertThat(run("run", crash, "--input", "random:1"))
        .containsExactly("E narrow: " + crash + ": " + OwnProcess.CRASHED);
    assertThat(code).isEqualTo(4);
  }

  @Test
  void resultsOfOtherModelsAreNotLost() throws Exception {
    String first = model("crash1.tflite");
    String second = model("crash2.tflite");
    List<String> lines = run("evaluate", MODEL, first, second, "--data", DATA, "--samples", "20");
    assertThat(lines).hasSize(4);
    assertThat(lines.get(1)).startsWith("digits.tflite");
    assertThat(lines.subList(2, 4))
        .containsExactly(
            "E narrow: " + first + ": " + OwnProcess.CRASHED,
            "E narrow: " + second + ": " + OwnProcess.CRASHED);
    assertThat(code).isEqualTo(4);
  }

  @Test
  void whereAllCrashThereIsALineForEach() throws Exception {
    String only = model("crash.tflite");
    assertThat(run("evaluate", only, "--data", DATA))
        .containsExactly("E narrow: " + only + ": " + OwnProcess.CRASHED);
    assertThat(code).isEqualTo(4);
  }

  @Test
  void linesOfTheRuntimeAreFoldedIntoOurs() throws Exception {
    assertThat(run("evaluate", MODEL, "--data", DATA, "--samples", "3"))
        .noneMatch(line -> line.contains("INFO"));
    assertThat(code).isZero();
  }
}
