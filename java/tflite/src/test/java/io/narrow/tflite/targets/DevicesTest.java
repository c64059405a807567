package io.narrow.tflite.targets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.DeviceModels;
import io.narrow.tflite.shape.InputShapes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the tables claim of devices is what their tools do: with models of one operator in all forms
 * that a file has it in.
 */
class DevicesTest {
  private static final Optional<String> PYTHON =
      Optional.ofNullable(System.getProperty("NARROW_DEVICES", System.getenv("NARROW_DEVICES")));

  /** Vela takes a second for each: of models of one operator the first. */
  private static final Pattern ONE_OF_EACH = Pattern.compile("[A-Z0-9_]+@.*");

  @TempDir private static Path folder;

  private static void assumeTools() {
    assumeTrue(
        PYTHON.isPresent(),
        "skipped: NARROW_DEVICES does not name a Python with tflite-micro and ethos-u-vela");
  }

  /** What a tool says of each file. */
  private static Map<String, String> ask(String device, List<String> files)
      throws IOException, InterruptedException {
    Path script = folder.resolve("devices.py");
    Files.write(script, DevicesTest.class.getResourceAsStream("devices.py").readAllBytes());
    List<String> command =
        new ArrayList<>(List.of(PYTHON.orElseThrow(), script.toString(), device));
    files.forEach(file -> command.add(folder.resolve(file).toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    Map<String, String> said = new TreeMap<>();
    try (var lines = process.inputReader()) {
      lines
          .lines()
          .map(line -> line.split(" ", 2))
          .filter(parts -> parts.length == 2)
          .forEach(parts -> said.put(parts[0], parts[1]));
    }
    assertThat(process.waitFor()).isZero();
    assertThat(said.keySet()).containsExactlyInAnyOrderElementsOf(files);
    return said;
  }

  /** It reads int8 weights as if they were floats there, and gives NaN. */
  private static boolean computesNonsense(String file) {
    return file.startsWith("UNIDIRECTIONAL_SEQUENCE_LSTM") && file.contains("@dynamic");
  }

  @Test
  void tflmRunsWhatTheTablesSay() throws Exception {
    assumeTools();
    Map<String, Model> models = DeviceModels.write(folder);
    Map<String, String> said = ask("tflm", new ArrayList<>(models.keySet()));
    List<String> wrong = new ArrayList<>();
    said.forEach(
        (file, answer) -> {
          TargetCheck check = Target.TFLM.check(models.get(file));
          if (check.runs() != answer.equals("ok") && !computesNonsense(file)) {
            wrong.add(file + ": " + answer + "; " + check.findings());
          }
        });
    assertThat(wrong).isEmpty();
    assertThat(said.values()).filteredOn("ok"::equals).hasSizeGreaterThan(600);
    assertThat(said.values()).filteredOn(Predicate.not("ok"::equals)).hasSizeGreaterThan(400);
  }

  /** What exporters compute of shapes runs nowhere there, and is gone once these are fixed. */
  @Test
  void openShapesRunOnceTheyAreFixed() throws Exception {
    assumeTools();
    Model model = Model.read(Shared.file("models/zoo/ultraface_slim320_f32.tflite"));
    Recipe recipe = Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8);
    Quantizer data = Quantizer.DEFAULT.withSources(List.of("random:2"));
    data.quantize(model, recipe).write(folder.resolve("open.tflite"));
    Model fixed = data.withShapes(InputShapes.NONE.withBatch(1)).quantize(model, recipe);
    fixed.write(folder.resolve("fixed.tflite"));
    Map<String, String> micro = ask("tflm", List.of("open.tflite", "fixed.tflite"));
    assertThat(micro.get("open.tflite")).isNotEqualTo("ok");
    assertThat(micro).containsEntry("fixed.tflite", "ok");
    assertThat(ask("ethos-u55-128", List.of("fixed.tflite"))).containsEntry("fixed.tflite", "ok");
    TargetCheck check = Target.ETHOS_U55.check(fixed);
    assertThat(check.accelerated()).isEqualTo(check.operators());
  }

  @ParameterizedTest
  @EnumSource(names = {"ETHOS_U55", "ETHOS_U85"})
  void velaPutsOnTheAcceleratorWhatTheTablesSay(Target target) throws Exception {
    assumeTools();
    Map<String, Model> models = DeviceModels.write(folder);
    List<String> files =
        models.keySet().stream()
            .filter(file -> file.contains("@int8.") || file.contains("@int16."))
            .filter(file -> ONE_OF_EACH.matcher(file).matches())
            .toList();
    Map<String, String> said = ask(target + "-256", files);
    List<String> wrong = new ArrayList<>();
    said.forEach(
        (file, answer) -> {
          TargetCheck check = target.check(models.get(file));
          boolean all = check.accelerated() == check.operators();
          if (all != answer.equals("ok")) {
            wrong.add(file + ": " + answer + "; " + check.findings());
          }
        });
    assertThat(wrong).isEmpty();
    assertThat(said.values()).filteredOn("ok"::equals).hasSizeGreaterThan(100);
  }
}
