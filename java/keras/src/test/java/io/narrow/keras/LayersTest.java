package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Small models of every kind of layer beside what Keras computed, as {@code
 * benchmarks/peers/layers.py --examples} wrote it down.
 */
class LayersTest {
  private static final float TOLERANCE = 1e-4f;

  @TempDir private Path folder;

  static Stream<Arguments> models() throws IOException {
    return Examples.files().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void computesWhatKerasDoes(String name, Map<String, byte[]> files) throws IOException {
    Path fixed = folder.resolve("fixed.tflite");
    Examples.read(folder, files, new KerasModel.Options(Examples.BATCH, Map.of())).write(fixed);
    for (boolean xnnpack : new boolean[] {true, false}) {
      compare(fixed, xnnpack, files);
    }
    Path open = folder.resolve("open.tflite");
    Examples.read(folder, files, KerasModel.Options.DEFAULT).write(open);
    compare(open, true, files);
  }

  /**
   * Whether the model has the batch of the examples; several inputs cannot change theirs at once.
   */
  private static boolean resized(Interpreter interpreter) {
    int[] shape = interpreter.inputs().get(0).shape();
    if (shape[0] == Examples.BATCH) {
      return true;
    }
    shape[0] = Examples.BATCH;
    if (interpreter.inputs().size() > 1) {
      return false;
    }
    try {
      interpreter.resize(0, shape);
      return true;
    } catch (NarrowException e) {
      assertThat(e).hasMessageContaining("cannot be resized");
      return false;
    }
  }

  /** Names that TensorFlow's converter gives for the same files. */
  @ParameterizedTest
  @CsvSource({
    "keras3 tables,c d,y z",
    "keras2 tables,c d,dy dz",
    "keras3 shared,a b,output_0 output_1",
    "keras2 shared,a b,mean flat",
  })
  void signaturesHaveTheNamesOfTheConverter(String name, String inputs, String outputs)
      throws IOException {
    Signature signature =
        Examples.read(folder, Examples.files().get(name), KerasModel.Options.DEFAULT)
            .signatures()
            .get(0);
    assertThat(signature.key()).isEqualTo("serving_default");
    assertThat(signature.inputs()).containsOnlyKeys(inputs.split(" "));
    assertThat(signature.outputs()).containsOnlyKeys(outputs.split(" "));
  }

  private static void compare(Path file, boolean xnnpack, Map<String, byte[]> files) {
    Interpreter.Options options = Interpreter.Options.DEFAULT.withXnnpack(xnnpack);
    try (Interpreter interpreter = Interpreter.open(file, options)) {
      if (!resized(interpreter)) {
        return; // of a fixed batch of 1: the file that is imported for a batch of 2 is compared
      }
      run(interpreter, files, "");
      // A state has been kept, or every run begins anew.
      run(interpreter, files, files.containsKey("next_in0") ? "next_" : "");
    }
  }

  private static void run(Interpreter interpreter, Map<String, byte[]> files, String prefix) {
    Examples.run(interpreter, files, prefix);
    int outputs = interpreter.outputs().size();
    assertThat(files).containsKey("out" + (outputs - 1)).doesNotContainKey("out" + outputs);
    for (int i = 0; i < outputs; i++) {
      float[] expected = Examples.floats(files.get(prefix + "out" + i));
      float[] ours = interpreter.read(i);
      assertThat(ours).as("output %d", i).hasSameSizeAs(expected);
      for (int k = 0; k < ours.length; k++) {
        assertThat(Math.abs(ours[k] - expected[k]))
            .as("output %d, element %d: %s instead of %s", i, k, ours[k], expected[k])
            .isLessThanOrEqualTo(TOLERANCE);
      }
    }
  }
}
