package io.narrow.tflite.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter.Options;
import io.narrow.tflite.schema.Table;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models of others whose scales their kernels answer with an abort, and such just beside them. */
class KernelCheckTest {
  @TempDir private Path folder;

  /** Two operands and a result of these scales; no result scale for a comparison. */
  private Path model(String operator, TensorType type, float first, float second, float result) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.quantized("x", type, first, 4);
    int z = b.quantized("z", type, second, 4);
    boolean compares = result == 0;
    int y = compares ? b.tensor("y", TensorType.BOOL, 4) : b.quantized("y", type, result, 4);
    StringBuilder options = new StringBuilder();
    for (String word : operator.split("_")) {
      options.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
    }
    Model model =
        b.operator(operator, Table.of(options + "Options"), new int[] {x, z}, y)
            .inputs(x, z)
            .outputs(y)
            .build();
    Path file = folder.resolve("model.tflite");
    model.write(file);
    return file;
  }

  @ParameterizedTest
  @CsvSource({
    "ADD, INT8, 1, .5, 1.9e-6",
    "ADD, INT16, .5, 1, 6e-5",
    "ADD, UINT8, 1, 1, 1e-7",
    "SUB, INT8, 1, 1, 1.9073486328125e-06",
    "SUB, INT16, 1, 1, 6.103515625e-05",
    "SQUARED_DIFFERENCE, INT8, .1, 1, 2.4e-4",
    "LESS, INT8, 1, 2, 0",
    "EQUAL, INT16, .5, 1, 0",
    "GREATER_EQUAL, INT8, 1, 1, 0",
  })
  void refusesWhatWouldEndTheProcess(
      String operator, TensorType type, float first, float second, float result) {
    Path file = model(operator, type, first, second, result);
    for (boolean xnnpack : List.of(true, false)) {
      assertThatThrownBy(() -> Interpreter.open(file, Options.DEFAULT.withXnnpack(xnnpack)))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("model.tflite")
          .hasMessageContaining(operator + " (operator 0)")
          .extracting(e -> ((NarrowException) e).kind())
          .isEqualTo(Kind.UNSUPPORTED);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ADD, INT8, 1, .5, 2e-6", "ADD, INT16, .5, 1, 6.2e-5", "SUB, INT8, 1, 1, 1e-9",
    "SUB, INT8, 1, 1, 1.9e-6", "SQUARED_DIFFERENCE, INT8, .1, 1, 2.5e-4", "LESS, INT8, 2, 2, 0",
    "LESS, INT16, 1, 1, 0", "EQUAL, INT16, .5, .999, 0",
  })
  void runsWhatIsJustBesideIt(
      String operator, TensorType type, float first, float second, float result) {
    Path file = model(operator, type, first, second, result);
    for (boolean xnnpack : List.of(true, false)) {
      try (Interpreter model = Interpreter.open(file, Options.DEFAULT.withXnnpack(xnnpack))) {
        for (int i = 0; i < 2; i++) {
          model.write(i, FloatBuffer.wrap(new float[] {0, first, second, -first}));
        }
        model.run();
        assertThat(new ArrayList<>(model.outputs())).hasSize(1);
      }
    }
  }

  private void refused(Path file, String problem) {
    for (boolean xnnpack : List.of(true, false)) {
      assertThatThrownBy(() -> Interpreter.open(file, Options.DEFAULT.withXnnpack(xnnpack)))
          .isInstanceOf(NarrowException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContaining(problem)
          .extracting(e -> ((NarrowException) e).kind())
          .isEqualTo(Kind.UNSUPPORTED);
    }
  }

  @ParameterizedTest
  @CsvSource({"0", "1"})
  void refusesAMissingOperand(int place) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 4);
    int[] inputs = {x, x};
    inputs[place] = -1;
    int y = b.floats("y", 4);
    Path file = folder.resolve("model.tflite");
    b.operator("ADD", Table.of("AddOptions"), inputs, y).inputs(x).outputs(y).build().write(file);
    refused(file, "ADD (operator 0): its operand " + place + " is missing");
  }

  @Test
  void refusesAMissingOperandOfAFileThatEndedTheProcess() {
    refused(Shared.file("models/damaged/crash_strided_slice.tflite"), "STRIDED_SLICE (operator");
  }

  @Test
  void takesAnOperatorWithoutBias() {
    Path file = fullyConnected(8, new int[] {3, 8}, -1);
    for (boolean xnnpack : List.of(true, false)) {
      try (Interpreter model = Interpreter.open(file, Options.DEFAULT.withXnnpack(xnnpack))) {
        model.write(0, FloatBuffer.wrap(new float[8]));
        model.run();
        assertThat(model.read(0)).containsOnly(0);
      }
    }
  }

  /** XNNPACK takes the number of columns for what the input has, and reads on behind it. */
  @Test
  void refusesWeightsThatDoNotFitTheirInput() {
    for (int columns : new int[] {1 << 16, 16, 5}) {
      assertThatThrownBy(
              () ->
                  Interpreter.open(fullyConnected(8, new int[] {3, columns}, -1), Options.DEFAULT))
          .hasMessageEndingWith(
              "FULLY_CONNECTED (operator 0): its weights have %d columns, its input 8 values"
                  .formatted(columns));
    }
  }

  private Path fullyConnected(int channels, int[] shape, int bias) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, channels);
    int w = b.weights("w", shape);
    int y = b.floats("y", 1, shape[0]);
    Path file = folder.resolve("model.tflite");
    b.operator("FULLY_CONNECTED", Table.of("FullyConnectedOptions"), new int[] {x, w, bias}, y)
        .inputs(x)
        .outputs(y)
        .build()
        .write(file);
    return file;
  }
}
