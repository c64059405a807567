package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Progress on a terminal, which {@code script} of util-linux plays. */
class BarTest {
  private static final Path EXAMPLE = Path.of("../../examples/digits/digits.tflite");

  private static String onTerminal(String command, long after) throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "script"))),
        "skipped: no script here (Debian: apt-get install bsdutils)");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder =
        new ProcessBuilder(
                "script",
                "-qec",
                java + " -Dnarrow.progress.after=" + after + " io.narrow.cli.Narrow " + command,
                "/dev/null")
            .redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.put("CLASSPATH", System.getProperty("java.class.path"));
    environment.put("TERM", "dumb");
    environment.remove("CI");
    Process process = builder.start();
    process.getOutputStream().close();
    String shown = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(shown).isZero();
    return shown;
  }

  /** The runtime, whose lines are kept, is loaded before, while or after the bar is shown. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "compare %s %s --data random:50",
        "check %s --mode int8",
        "check %s --target tflm",
        "quantize %s --mode dynamic -o /dev/null",
        "import ../../examples/digits/digits.h5 -o /dev/null",
        "inspect %s --why --mode int8",
        "export %s --c -o target/exported",
        "run %s --input random:1",
        "benchmark %s --runs 5 --seconds 0.5"
      })
  void aBarIsShownAndGone(String command) throws Exception {
    String shown = onTerminal(command.replace("%s", EXAMPLE.toString()), 0);
    String task = command.substring(0, command.indexOf(' '));
    int bar = shown.indexOf("\r" + task);
    assertThat(bar).as(shown).isNotNegative();
    assertThat(shown.substring(bar)).contains("[").doesNotContain("│");
    String[] lines = shown.split("\r");
    int last = 0;
    for (int i = 0; i < lines.length; i++) {
      last = lines[i].startsWith(task + " ") ? i : last;
    }
    assertThat(lines[last + 1].isBlank() || lines[last + 2].isBlank()).as(shown).isTrue();
  }

  @Test
  void whatIsShortHasNone() throws Exception {
    String shown = onTerminal("check " + EXAMPLE + " --mode int8", 600_000);
    assertThat(shown).doesNotContain("\rcheck").contains("size ");
  }
}
