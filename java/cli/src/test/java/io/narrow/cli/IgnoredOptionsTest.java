package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What was asked for and does not happen is said. */
class IgnoredOptionsTest {
  private static final String MODEL = NarrowTest.EXAMPLE.resolve("digits.tflite").toString();
  private static final String DATA = NarrowTest.EXAMPLE.resolve("test.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private String err;

  private int quantize(String... options) {
    List<String> arguments = new ArrayList<>(List.of("quantize", MODEL));
    arguments.addAll(List.of("-o", folder.resolve("out.tflite").toString()));
    arguments.addAll(List.of(options));
    return run(arguments.toArray(String[]::new));
  }

  private int run(String... arguments) {
    StringWriter messages = new StringWriter();
    int code =
        Narrow.run(new PrintWriter(new StringWriter()), new PrintWriter(messages), arguments);
    err = messages.toString();
    return code;
  }

  @ParameterizedTest
  @CsvSource({
    "--mode float16 --bits 4, '--bits 4, with mode float16'",
    "--mode float16 --calibrate DATA, '--calibrate, with mode float16'",
    "--mode dynamic --range mse, '--range, with mode dynamic'",
    "--mode dynamic --samples 3, '--samples, without --calibrate'",
    "--saturate, '--saturate, with mode dynamic'",
    "--mode int8 --min-elements 9 --samples 2 --calibrate DATA, '--min-elements, with mode int8'",
    "--keep-float-ops lstm, 'LSTM, which no operator of the model fits'",
  })
  void anOptionWithoutEffectIsALine(String options, String line) {
    assertThat(quantize(options.replace("DATA", DATA).split(" "))).isZero();
    assertThat(err.lines().filter(text -> text.contains("without effect")))
        .singleElement()
        .asString()
        .startsWith("narrow: without effect: ")
        .endsWith(line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--mode weight-only --bits 4",
        "--mode dynamic --min-elements 9",
        "--mode float16 --saturate",
        "--mode dynamic --calibrate DATA --samples 2",
        "--mode int8 --range mse --calibrate DATA --samples 2",
        "--keep-float-ops SOFTMAX --keep-float stem",
      })
  void othersAreNot(String options) {
    assertThat(quantize(options.replace("DATA", DATA).split(" "))).isZero();
    assertThat(err).doesNotContain("without effect");
  }

  @Test
  void protectionOfNothingIsAnError() {
    assertThat(quantize("--keep-float", "nothing like it")).isEqualTo(2);
    assertThat(err).startsWith("narrow: --keep-float nothing like it: ").hasLineCount(1);
    assertThat(folder.resolve("out.tflite")).doesNotExist();
  }

  @Test
  void anExpressionWithoutEndIsAnError() {
    assertThat(quantize("--keep-float", "(([a-z_/0-9]+)+)+;;")).isEqualTo(2);
    assertThat(err).contains("takes too long").hasLineCount(1);
    assertThat(quantize("--keep-float", "(a|b|[^x])*;;")).isEqualTo(2);
    assertThat(err).hasLineCount(1);
  }

  @Test
  void dataThatNeverChangeAreALine() throws IOException {
    Path data = folder.resolve("zero.csv");
    Files.writeString(data, ("0.25,".repeat(63) + "0.25\n").repeat(3));
    assertThat(quantize("--mode", "int8", "--calibrate", data.toString())).isZero();
    assertThat(err).containsOnlyOnce("is 0.25 throughout");
    assertThat(quantize("--mode", "int8", "--calibrate", DATA, "--samples", "3")).isZero();
    assertThat(err).doesNotContain("throughout");
  }

  @Test
  void namesAreTakenInAnyCase() {
    assertThat(run("Inspect", MODEL)).isZero();
    assertThat(quantize("--mode", "Float16", "--prefer", "Size")).isZero();
    assertThat(quantize("--keep-float-ops", "softmax")).isZero();
    assertThat(run("quantise", MODEL)).isEqualTo(2);
    assertThat(err).contains("did you mean quantize").hasLineCount(1);
    assertThat(quantize("--mod", "int8")).isEqualTo(2);
    assertThat(err).contains("did you mean --mode").hasLineCount(1);
  }
}
