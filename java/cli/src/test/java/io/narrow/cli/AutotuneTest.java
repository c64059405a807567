package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class AutotuneTest {
  private static final String MODEL = NarrowTest.EXAMPLE.resolve("digits.tflite").toString();
  private static final String CALIBRATION =
      NarrowTest.EXAMPLE.resolve("calibration.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private String out;
  private String err;

  private int run(List<String> arguments) {
    StringWriter results = new StringWriter();
    StringWriter messages = new StringWriter();
    int code =
        Narrow.run(
            new PrintWriter(results), new PrintWriter(messages), arguments.toArray(String[]::new));
    out = results.toString();
    err = messages.toString();
    return code;
  }

  private static List<String> command(Path output, String... more) {
    List<String> command = new ArrayList<>(List.of("autotune", MODEL, "-o", output.toString()));
    command.addAll(List.of("--calibrate", CALIBRATION, "--samples", "16"));
    command.addAll(List.of(more));
    return command;
  }

  private Path again(Path recipe, String samples) {
    Path again = folder.resolve("again.tflite");
    String[] quantize = {
      "quantize",
      MODEL,
      "-o",
      again.toString(),
      "--recipe",
      recipe.toString(),
      "--calibrate",
      CALIBRATION,
      "--samples",
      samples
    };
    assertThat(run(List.of(quantize))).as(err).isZero();
    assertThat(err).doesNotContain("without effect");
    return again;
  }

  @Test
  void fileAndRecipeAreWrittenAndTheRecipeMakesTheFile() throws IOException {
    Path file = folder.resolve("best.tflite");
    Path recipe = folder.resolve("best.recipe.json");
    assertThat(run(command(file, "--max-bytes", "30k", "--json"))).as(err).isZero();
    JsonObject document = JsonParser.parseString(out).getAsJsonObject();
    long bytes = document.getAsJsonObject("best").get("bytes").getAsLong();
    assertThat(bytes).isEqualTo(Files.size(file)).isLessThanOrEqualTo(30_000);
    assertThat(document.get("recipe").getAsString()).isEqualTo(recipe.toString());
    assertThat(document.get("calibration_samples").getAsInt()).isEqualTo(12);
    assertThat(document.get("interrupted").getAsBoolean()).isFalse();
    assertThat(document.getAsJsonArray("sqnr_db_of_calibration_halves")).hasSize(2);
    assertThat(document.getAsJsonArray("sensitivities")).hasSizeGreaterThan(30);
    List<JsonElement> front =
        StreamSupport.stream(document.getAsJsonArray("trials").spliterator(), false)
            .filter(trial -> trial.getAsJsonObject().get("front").getAsBoolean())
            .toList();
    assertThat(front)
        .extracting(trial -> trial.getAsJsonObject().get("sqnr_db").getAsDouble())
        .isSorted();
    assertThat(again(recipe, "12")).hasSameBinaryContentAs(file);
  }

  @Test
  void badBudgetsAreALine() {
    Path file = folder.resolve("best.tflite");
    for (String[] wrong :
        new String[][] {
          {},
          {"--max-bytes", "many"},
          {"--max-bytes", "0"},
          {"--max-bytes", "30k", "--min-sqnr", "30"},
          {"--max-drop", "-1"},
          {"--max-latency", "2h"},
          {"--max-bytes", "30k", "--data-samples", "0"},
          {"--max-bytes", "30k", "--data", "none.npz"},
        }) {
      assertThat(run(command(file, wrong))).as("%s: %s", List.of(wrong), err).isEqualTo(2);
      assertThat(err.lines()).as("%s", List.of(wrong)).hasSize(1);
    }
    assertThat(run(List.of("autotune", MODEL, "-o", file.toString(), "--max-bytes", "30k")))
        .isEqualTo(2);
    assertThat(err).contains("needs representative data");
    assertThat(file).doesNotExist();
  }

  /** The command, at which Ctrl-C is pressed as soon as there is something to keep. */
  public static final class Interrupting {
    public static void main(String[] arguments) {
      AutotuneCommand command = new AutotuneCommand();
      Thread pressing =
          new Thread(
              () -> {
                try {
                  while (command.best.get() == null) {
                    Thread.sleep(1);
                  }
                  String self = String.valueOf(ProcessHandle.current().pid());
                  new ProcessBuilder("kill", "-INT", self).start();
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      pressing.setDaemon(true);
      pressing.start();
      System.exit(new CommandLine(command).execute(arguments));
    }
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void interruptedItKeepsTheBestSoFarAndSaysSo() throws IOException, InterruptedException {
    Path file = folder.resolve("best.tflite");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), Interrupting.class.getName()));
    List<String> arguments = command(file, "--max-bytes", "50k");
    command.addAll(arguments.subList(1, arguments.size()));
    Path errors = folder.resolve("errors");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String text = new String(process.getInputStream().readAllBytes());
    int code = process.waitFor();
    assertThat(Files.readString(errors)).contains("interrupted: " + file + " is the best so far");
    assertThat(code).isEqualTo(130);
    assertThat(text).contains(MODEL + " -> " + file).contains("--samples 12");
    assertThat(Files.size(file)).isLessThanOrEqualTo(50_000);
    assertThat(again(folder.resolve("best.recipe.json"), "12")).hasSameBinaryContentAs(file);
  }
}
