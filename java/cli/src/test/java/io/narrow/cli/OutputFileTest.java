package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where results go, and what is said if they cannot. */
class OutputFileTest {
  private static final String DATA = NarrowTest.EXAMPLE.resolve("test.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private Path model;
  private String out;
  private String err;

  @BeforeEach
  void copyModel() throws IOException {
    model = folder.resolve("model.tflite");
    Files.copy(NarrowTest.EXAMPLE.resolve("digits.tflite"), model);
  }

  private int run(String... arguments) {
    StringWriter results = new StringWriter();
    StringWriter messages = new StringWriter();
    int code = Narrow.run(new PrintWriter(results), new PrintWriter(messages), arguments);
    out = results.toString();
    err = messages.toString();
    return code;
  }

  @Test
  void theInputIsReplacedOnlyByForce() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link.tflite"), Path.of("model.tflite"));
    byte[] before = Files.readAllBytes(model);
    for (Path output : List.of(model, link)) {
      assertThat(run("quantize", model.toString(), "-o", output.toString())).isEqualTo(2);
      assertThat(err).startsWith("narrow: -o " + output).contains("--force").hasLineCount(1);
      assertThat(model).hasBinaryContent(before);
    }
    assertThat(run("quantize", model.toString(), "-o", link.toString(), "--force")).isZero();
    assertThat(out).contains("127,356 -> ");
    assertThat(Files.size(model)).isLessThan(75_000);
    assertThat(link).isSymbolicLink();
  }

  @Test
  void whatIsWrittenBesideDoesNotReplaceAnInput() throws IOException {
    byte[] before = Files.readAllBytes(model);
    String file = model.toString();
    String other = folder.resolve("out.tflite").toString();
    for (String[] command :
        new String[][] {
          {"quantize", file, "-o", other, "--save-recipe", file},
          {"inspect", file, "--html", file},
          {"evaluate", file, "--data", DATA, "--junit", file},
          {"compare", file, file, "--data", DATA, "--csv", file},
        }) {
      assertThat(run(command)).as(Arrays.toString(command)).isEqualTo(2);
      assertThat(err).contains("is an input").hasLineCount(1);
      assertThat(model).hasBinaryContent(before);
    }
  }

  @Test
  void textGivesWayToAFileOnStandardOutput() {
    assertThat(run("quantize", model.toString(), "-o", "/dev/stdout", "--json")).isEqualTo(2);
    assertThat(err)
        .isEqualTo("narrow: --json: standard output is taken by -o" + System.lineSeparator());
  }

  @EnabledOnOs(OS.LINUX)
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aModelCanBeWrittenToStandardOutput(boolean file) throws Exception {
    Path target = folder.resolve("out.tflite");
    ProcessBuilder builder = narrow("quantize", model.toString(), "-o", "/dev/stdout");
    if (file) {
      builder.redirectOutput(target.toFile());
    }
    Process process = builder.redirectError(folder.resolve("text").toFile()).start();
    if (!file) {
      Files.copy(process.getInputStream(), target);
    }
    assertThat(process.waitFor()).isZero();
    assertThat(Model.read(target).subgraphs()).hasSize(1);
    assertThat(folder.resolve("text")).content().contains("127,356 -> ");
  }

  @EnabledOnOs(OS.LINUX)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "standard output: No space left on device,2,>/dev/full",
        "-Dnarrow.kernels=avx9 names no kernels,2,-Dnarrow.kernels=avx9",
        "out of memory: Cannot reserve,5,-XX:MaxDirectMemorySize=1k",
        "out of memory: Java heap space,5,-Xmx9m",
      })
  void whatIsLackingIsOneLine(String row) throws Exception {
    String[] cells = row.split(",");
    Path data = folder.resolve("large.csv");
    Files.writeString(data, ("0.5,".repeat(63) + "0.25\n").repeat(20_000));
    List<String> options = cells[2].startsWith("-") ? List.of(cells[2]) : List.of();
    ProcessBuilder builder =
        narrow(
            options,
            "quantize",
            model.toString(),
            "--calibrate",
            data.toString(),
            "--mode",
            "int8",
            "-o",
            folder.resolve("out.tflite").toString());
    builder.redirectOutput(
        options.isEmpty() ? Path.of("/dev/full").toFile() : folder.resolve("text").toFile());
    Process process = builder.start();
    List<String> lines =
        new String(process.getErrorStream().readAllBytes())
            .lines()
            .filter(line -> !line.startsWith("INFO: ")) // TensorFlow Lite's own
            .toList();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(lines).singleElement().asString().startsWith("narrow: " + cells[0]);
    assertThat(process.exitValue()).isEqualTo(Integer.parseInt(cells[1]));
  }

  private static ProcessBuilder narrow(String... arguments) {
    return narrow(List.of(), arguments);
  }

  private static ProcessBuilder narrow(List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Narrow.class.getName()));
    return new ProcessBuilder(Stream.concat(command.stream(), Arrays.stream(arguments)).toList());
  }
}
