package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationFileTest {
  private static final Calibrator.Options OPTIONS = Calibrator.Options.DEFAULT;

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("ranges.json");
  }

  /** Two activations, x and y, and a constant, w. */
  private static Model small() {
    ModelBuilder builder = new ModelBuilder(1);
    int x = builder.floats("x", 1, 4);
    int w = builder.weights("w", 1, 4);
    int y = builder.floats("y", 1, 4);
    return builder.operator("ADD", new int[] {x, w}, y).inputs(x).outputs(y).build();
  }

  private Calibration read(String text) throws IOException {
    Files.writeString(file, text);
    return Calibration.read(file, small());
  }

  @Test
  void whatIsReadIsWhatWasWritten() throws IOException {
    Model model = Model.read(Examples.DIGITS);
    Calibration calibration =
        Calibrator.calibrate(
            Model.read(Examples.DIGITS),
            Dataset.open(Examples.DIGITS_TEST + "?scale=1/16"),
            OPTIONS.withSamples(20).withMethod(RangeMethod.MOVING_AVERAGE));
    calibration.write(file);
    Calibration read = Calibration.read(file, model);
    assertThat(read.samples()).isEqualTo(20);
    for (int t = 0; t < model.subgraphs().get(0).tensors().size(); t++) {
      for (RangeMethod method :
          new RangeMethod[] {
            RangeMethod.MINMAX,
            RangeMethod.MOVING_AVERAGE,
            RangeMethod.PERCENTILE,
            RangeMethod.MSE,
            RangeMethod.ENTROPY
          }) {
        assertThat(read.range(0, t, method)).isEqualTo(calibration.range(0, t, method));
      }
    }
    Path again = folder.resolve("again.json");
    read.write(again);
    assertThat(again).hasSameBinaryContentAs(file);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).as("nothing half-written").hasSize(2);
    }
  }

  @Test
  void rangesOfAiEdgeQuantizerAreFoundByName() throws IOException {
    Calibration calibration =
        read(
            """
            {"model_qsvs": {"x": {"min": [[-1.02]], "max": [[3.4]]},
                            "y": {"min": [[-0.5, -2.5]], "max": [[0.25, 7]], "hessian": [[1]]},
                            "w": {"min": [[-9]], "max": [[9]]},
                            "other": {"min": [[0]], "max": [[0]]}},
             "metadata": {"num_samples_calibrated": 256}}
            """);
    assertThat(calibration.samples()).isEqualTo(256);
    assertThat(calibration.range(0, 0, RangeMethod.MINMAX))
        .contains(new FloatRange(-1.02f, 3.4f, 0, 0));
    assertThat(calibration.range(0, 2, RangeMethod.MINMAX))
        .contains(new FloatRange(-2.5f, 7, 0, 0));
    assertThat(calibration.range(0, 1, RangeMethod.MINMAX)).as("a constant").isEmpty();
    assertThatThrownBy(() -> calibration.range(0, 0, RangeMethod.MSE))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("mse", "`x`", "no histogram");
    Calibration old = read("{\"x\": {\"min\": -1, \"max\": 2}}");
    assertThat(old.range(0, 0, RangeMethod.MINMAX)).contains(new FloatRange(-1, 2, 0, 0));
    assertThat(old.samples()).isZero();
  }

  @Test
  void aiEdgeFilesHaveArraysAsDeepAsTheTensor() throws IOException {
    Model model = small();
    Calibration calibration = Calibration.of(model, 3, Map.of("x", new FloatRange(-1, 2.5f, 0, 0)));
    calibration.writeAiEdge(file, model);
    assertThat(file)
        .hasContent(
            "{\"model_qsvs\":{\"x\":{\"min\":[[-1.0]],\"max\":[[2.5]]}},"
                + "\"metadata\":{\"num_samples_calibrated\":3}}");
    assertThat(Calibration.read(file, model).range(0, 0, RangeMethod.MINMAX))
        .isEqualTo(calibration.range(0, 0, RangeMethod.MINMAX));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "no json",
        "{\"format\": \"other\"}",
        "{\"format\": \"narrow-calibration\"}",
        "{\"format\": \"narrow-calibration\", \"version\": 2, \"samples\": 1, \"tensors\": []}",
        "{\"format\": \"narrow-calibration\", \"version\": 1, \"samples\": -1, \"tensors\": []}",
        "{\"format\": \"narrow-calibration\", \"version\": 1, \"samples\": 1, \"tensors\": [3]}",
        "{\"x\": {\"min\": [NaN], \"max\": [1]}}",
        "{\"x\": {\"min\": [1], \"max\": [Infinity]}}",
        "{\"x\": {\"min\": [2], \"max\": [1]}}",
        "{\"x\": {\"min\": [\"a\"], \"max\": [1]}}",
        "{\"x\": {\"min\": [], \"max\": []}}",
        "{\"x\": 3}",
        "{\"z\": {\"min\": [0], \"max\": [1]}}"
      })
  void otherDocumentsAreRefused(String text) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(NarrowException.class)
        .satisfies(
            e -> assertThat(((NarrowException) e).kind()).isEqualTo(NarrowException.Kind.INPUT));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'tensor': 1",
        "'tensor': 7",
        "'subgraph': 1",
        "'name': 'y'",
        "'min': 3",
        "'max': 'NaN'",
        "'histogram': {'exponent': -9, 'first': -512, 'counts': [1, 2]}",
        "'histogram': {'exponent': -10, 'first': -1024, 'counts': []}",
        "'histogram': {'exponent': -10, 'first': -1026, 'counts': [1, 1]}",
        "'histogram': {'exponent': -10, 'first': 1024, 'counts': [1, 1]}",
        "'histogram': {'exponent': -10, 'first': 0, 'counts': [1, -1]}",
        "'histogram': {'exponent': -10, 'first': 0, 'counts': [0.5]}",
        "'moving_average': {'factor': 2, 'min': 0, 'max': 1}"
      })
  void tensorsThatAreWrongInOneThingAreRefused(String wrong) throws IOException {
    String tensor =
        "{'subgraph': 0, 'tensor': 0, 'name': 'x', 'min': -1, 'max': 0.75,"
            + " 'histogram': {'exponent': -10, 'first': -1024, 'counts': [1, 0, 4]},"
            + " 'moving_average': {'factor': 0.95, 'min': -1, 'max': 1}}";
    String document =
        "{'format': 'narrow-calibration', 'version': 1, 'samples': 2, 'tensors': [%s]}";
    Calibration right = read(document.formatted(tensor).replace('\'', '"'));
    assertThat(right.range(0, 0, RangeMethod.MOVING_AVERAGE)).contains(new FloatRange(-1, 1, 0, 0));
    String key = wrong.substring(0, wrong.indexOf(':'));
    String value =
        key.equals("'histogram'") || key.equals("'moving_average'") ? "\\{.*?\\}" : "[^,]+";
    String changed = tensor.replaceFirst(key + ": " + value, wrong);
    assertThat(changed).isNotEqualTo(tensor);
    assertThatThrownBy(() -> read(document.formatted(changed).replace('\'', '"')))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("ranges.json");
  }

  @Test
  void filesOfOtherModelsAreRefused() {
    Calibrator.calibrate(
            Model.read(Examples.DIGITS),
            Dataset.open(Examples.DIGITS_TEST + "?scale=1/16"),
            OPTIONS.withSamples(1))
        .write(file);
    assertThatThrownBy(() -> Calibration.read(file, small()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("ranges.json", "built.tflite", "another model's");
    assertThatThrownBy(() -> Calibration.read(folder.resolve("none.json"), small()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("none.json");
    assertThatThrownBy(() -> Calibration.EMPTY.write(folder.resolve("none/ranges.json")))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("no such file or folder");
    assertThatThrownBy(() -> Calibration.EMPTY.write(folder))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("is a directory");
  }
}
