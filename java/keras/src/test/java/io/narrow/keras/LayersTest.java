package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
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
  private static final int BATCH = 2;
  private static final float TOLERANCE = 1e-4f;

  @TempDir private Path folder;

  /** The files of each model by the end of their names. */
  private static Map<String, Map<String, byte[]>> files() throws IOException {
    Map<String, Map<String, byte[]>> models = new LinkedHashMap<>();
    for (String archive : new String[] {"keras3", "keras2"}) {
      try (InputStream stream = LayersTest.class.getResourceAsStream(archive + ".zip.gz");
          ZipInputStream zip = new ZipInputStream(new GZIPInputStream(stream))) {
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
          String[] name = entry.getName().split("\\.");
          models
              .computeIfAbsent(archive + " " + name[0], n -> new LinkedHashMap<>())
              .put(name[1], zip.readAllBytes());
        }
      }
    }
    return models;
  }

  static Stream<Arguments> models() throws IOException {
    return files().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  private Model read(Map<String, byte[]> files, KerasModel.Options options) throws IOException {
    String end = files.containsKey("keras") ? "keras" : "h5";
    return KerasModel.read(Files.write(folder.resolve("model." + end), files.get(end)), options);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void computesWhatKerasDoes(String name, Map<String, byte[]> files) throws IOException {
    Path fixed = folder.resolve("fixed.tflite");
    read(files, new KerasModel.Options(BATCH, Map.of())).write(fixed);
    for (boolean xnnpack : new boolean[] {true, false}) {
      compare(fixed, xnnpack, files);
    }
    Path open = folder.resolve("open.tflite");
    read(files, KerasModel.Options.DEFAULT).write(open);
    compare(open, true, files);
  }

  /**
   * Whether the model has the batch of the examples; several inputs cannot change theirs at once.
   */
  private static boolean resized(Interpreter interpreter) {
    int[] shape = interpreter.inputs().get(0).shape();
    if (shape[0] == BATCH) {
      return true;
    }
    shape[0] = BATCH;
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
    Signature signature = read(files().get(name), KerasModel.Options.DEFAULT).signatures().get(0);
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
    for (int i = 0; i < interpreter.inputs().size(); i++) {
      TensorInfo input = interpreter.inputs().get(i);
      ByteBuffer bytes = bytes(files.get(prefix + "in" + i));
      if (input.type() == TensorType.FLOAT32) {
        interpreter.write(i, bytes.asFloatBuffer());
      } else {
        interpreter.write(i, bytes.asLongBuffer());
      }
    }
    interpreter.run();
    int outputs = interpreter.outputs().size();
    assertThat(files).containsKey("out" + (outputs - 1)).doesNotContainKey("out" + outputs);
    for (int i = 0; i < outputs; i++) {
      ByteBuffer bytes = bytes(files.get(prefix + "out" + i));
      float[] expected = new float[bytes.remaining() / Float.BYTES];
      bytes.asFloatBuffer().get(expected);
      float[] ours = interpreter.read(i);
      assertThat(ours).as("output %d", i).hasSameSizeAs(expected);
      for (int k = 0; k < ours.length; k++) {
        assertThat(Math.abs(ours[k] - expected[k]))
            .as("output %d, element %d: %s instead of %s", i, k, ours[k], expected[k])
            .isLessThanOrEqualTo(TOLERANCE);
      }
    }
  }

  private static ByteBuffer bytes(byte[] contents) {
    return ByteBuffer.wrap(contents).order(ByteOrder.LITTLE_ENDIAN);
  }
}
