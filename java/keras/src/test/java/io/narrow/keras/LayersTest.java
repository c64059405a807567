package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.NarrowException;
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
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Small models of every kind of layer beside what Keras computed, as {@code
 * benchmarks/peers/layers.py --examples} wrote it down.
 */
class LayersTest {
  private static final int BATCH = 2;
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  /** The files of each model by the end of their names. */
  static Stream<Arguments> models() throws IOException {
    Map<String, Map<String, byte[]>> models = new LinkedHashMap<>();
    for (String archive : new String[] {"keras3", "keras2"}) {
      try (InputStream stream = LayersTest.class.getResourceAsStream(archive + ".zip.gz");
          ZipInputStream zip = new ZipInputStream(new GZIPInputStream(stream))) {
        for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
          int dot = entry.getName().lastIndexOf('.');
          models
              .computeIfAbsent(
                  archive + " " + entry.getName().substring(0, dot), n -> new LinkedHashMap<>())
              .put(entry.getName().substring(dot + 1), zip.readAllBytes());
        }
      }
    }
    return models.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void computesWhatKerasDoes(String name, Map<String, byte[]> files) throws IOException {
    boolean archive = files.containsKey("keras");
    Path source = folder.resolve(archive ? "model.keras" : "model.h5");
    Files.write(source, files.get(archive ? "keras" : "h5"));
    Path fixed = folder.resolve("fixed.tflite");
    KerasModel.read(source, new KerasModel.Options(BATCH, Map.of())).write(fixed);
    for (boolean xnnpack : new boolean[] {true, false}) {
      compare(fixed, xnnpack, files);
    }
    Path open = folder.resolve("open.tflite");
    KerasModel.read(source, KerasModel.Options.DEFAULT).write(open);
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

  private static void compare(Path file, boolean xnnpack, Map<String, byte[]> files) {
    Interpreter.Options options = Interpreter.Options.DEFAULT.withXnnpack(xnnpack);
    try (Interpreter interpreter = Interpreter.open(file, options)) {
      if (!resized(interpreter)) {
        return; // of a fixed batch of 1: the file that is imported for a batch of 2 is compared
      }
      for (int i = 0; i < interpreter.inputs().size(); i++) {
        TensorInfo input = interpreter.inputs().get(i);
        ByteBuffer bytes = ByteBuffer.wrap(files.get("in" + i)).order(ByteOrder.LITTLE_ENDIAN);
        if (input.type() == TensorType.FLOAT32) {
          interpreter.write(i, bytes.asFloatBuffer());
        } else {
          interpreter.write(i, bytes.asLongBuffer());
        }
      }
      interpreter.run();
      int outputs = (int) files.keySet().stream().filter(end -> end.startsWith("out")).count();
      assertThat(interpreter.outputs()).hasSize(outputs);
      for (int i = 0; i < outputs; i++) {
        ByteBuffer bytes = ByteBuffer.wrap(files.get("out" + i)).order(ByteOrder.LITTLE_ENDIAN);
        float[] expected = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(expected);
        float[] ours = interpreter.read(i);
        assertThat(ours).as("output %d", i).hasSameSizeAs(expected);
        for (int k = 0; k < ours.length; k++) {
          assertThat(Math.abs(ours[k] - expected[k]))
              .as("output %d, element %d: %s instead of %s", i, k, ours[k], expected[k])
              .isLessThanOrEqualTo((float) TOLERANCE);
        }
      }
    }
  }
}
