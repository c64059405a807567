package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
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

/** Shapes that a file leaves open, fixed by options. */
class ShapeOptionsTest {
  private static final String MODEL = NarrowTest.EXAMPLE.resolve("digits.tflite").toString();
  private static final String DATA = NarrowTest.EXAMPLE.resolve("calibration.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private String err;

  private int run(String command, String output, String... options) {
    List<String> arguments = new ArrayList<>(List.of(command, MODEL));
    arguments.addAll(List.of("-o", folder.resolve(output).toString()));
    arguments.addAll(List.of(options));
    StringWriter messages = new StringWriter();
    int code =
        Narrow.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(messages),
            arguments.toArray(String[]::new));
    err = messages.toString();
    return code;
  }

  @ParameterizedTest
  @ValueSource(strings = {"--batch=1", "--input-shape=x=1,8,8,1"})
  void rangesAreThoseOfTheFixedModel(String shape) throws IOException {
    String option = shape.replace("=x=", "=" + input() + "=");
    String ranges = folder.resolve("ranges.json").toString();
    assertThat(run("calibrate", "ranges.json", "--data", DATA, option)).as(err).isZero();
    assertThat(run("quantize", "a.tflite", "--mode", "int8", "--calibrate", ranges, option))
        .as(err)
        .isZero();
    String[] same = {
      "--mode", "int8", "--calibrate", DATA, option, "--rounding", "nearest", "--no-bias-correction"
    };
    assertThat(run("quantize", "b.tflite", same)).as(err).isZero();
    assertThat(folder.resolve("a.tflite")).hasSameBinaryContentAs(folder.resolve("b.tflite"));
    assertThat(run("quantize", "open.tflite", "--mode", "float32")).isZero();
    assertThat(run("quantize", "fixed.tflite", "--mode", "float32", option)).isZero();
    assertThat(Files.readAllBytes(folder.resolve("fixed.tflite")))
        .isNotEqualTo(Files.readAllBytes(folder.resolve("open.tflite")));
  }

  private static String input() {
    return Model.read(Path.of(MODEL)).signatures().get(0).inputs().keySet().iterator().next();
  }

  @ParameterizedTest
  @CsvSource({
    "--batch=0, batch 0",
    "--batch=many, many",
    "'--input-shape=nothing=1,8,8,1', nothing",
    "'--input-shape=1,8,8,1', 'NAME=1,224,224,3'",
  })
  void wrongShapesAreALine(String option, String named) {
    for (String command : List.of("quantize", "calibrate")) {
      String[] options =
          command.equals("quantize")
              ? new String[] {option}
              : new String[] {option, "--data", DATA};
      assertThat(run(command, "out", options)).isEqualTo(2);
      assertThat(err).contains(named).doesNotContain("\tat ");
      assertThat(folder.resolve("out")).doesNotExist();
    }
  }

  @Test
  void anOperatorThatDoesNotTakeTheShapeIsNamed() {
    assertThat(run("quantize", "out", "--input-shape", input() + "=1,8,8,3")).isEqualTo(2);
    assertThat(err.lines()).hasSize(1);
  }
}
