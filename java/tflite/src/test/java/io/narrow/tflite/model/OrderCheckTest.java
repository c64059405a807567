package io.narrow.tflite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Shared;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrderCheckTest {
  @TempDir private Path folder;
  private final ModelBuilder b = new ModelBuilder(1);
  private final int x = b.floats("x", 1, 4);
  private final int y = b.floats("y", 1, 4);
  private final int z = b.floats("z", 1, 4);
  private final int w = b.weights("w", 1, 4);

  private ModelBuilder relu(int from, int... to) {
    return b.operator("RELU", new int[] {from}, to);
  }

  private void refused(String problem) {
    Path file = folder.resolve("model.tflite");
    b.outputs(z).build().write(file);
    assertThatThrownBy(() -> Model.read(file))
        .isInstanceOf(NarrowException.class)
        .hasMessage(file + ": is damaged: subgraph 0: " + problem);
  }

  @Test
  void aConstantIsNoInput() {
    relu(w, z);
    b.inputs(w);
    refused("input tensor `w` is a constant");
  }

  @Test
  void nothingIsReadBeforeItIsWritten() {
    relu(y, z);
    relu(x, y);
    b.inputs(x);
    refused("RELU (operator 0) reads tensor `y`, which RELU (operator 1) writes later");
  }

  @Test
  void whatIsReadIsWritten() {
    relu(y, z);
    b.inputs(x);
    refused("RELU (operator 0) reads tensor `y`, which nothing writes");
  }

  @Test
  void inputsConstantsAndWhatAnotherWritesAreNotWritten() {
    relu(y, x);
    b.inputs(x, y);
    refused("RELU (operator 0) writes the input tensor `x`");
  }

  @Test
  void constantsAreNotWritten() {
    relu(x, w);
    b.inputs(x);
    refused("RELU (operator 0) writes the constant tensor `w`");
  }

  @Test
  void nothingIsWrittenTwice() {
    relu(x, y);
    relu(x, y);
    b.inputs(x);
    refused("RELU (operator 1) writes tensor `y`, as RELU (operator 0) does");
  }

  @Test
  void operatorsHaveOutputs() {
    relu(x);
    b.inputs(x);
    refused("RELU (operator 0) has no output");
  }

  @Test
  void variablesAndWhatIsEmptyNeedNotBeWritten() {
    int state = b.variable("state", 1, 4);
    int empty = b.floats("empty", 0, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, state}, y);
    b.operator(
        "CONCATENATION", Table.of("ConcatenationOptions").with("axis", 0), new int[] {y, empty}, z);
    Path file = folder.resolve("model.tflite");
    b.inputs(x).outputs(z).build().write(file);
    assertThat(Model.read(file).subgraphs().get(0).operators()).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource({
    "crash_constant_input,is a constant",
    "crash_calibrate_partition,writes the input",
    "bug_operator_without_outputs,has no output",
  })
  void damagedFilesAreNamed(String name, String problem) {
    Path file = Shared.file("models/damaged/" + name + ".tflite");
    assertThatThrownBy(() -> Model.read(file))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(file + ": is damaged: ")
        .hasMessageContaining(problem);
  }
}
