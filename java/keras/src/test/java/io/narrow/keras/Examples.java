package io.narrow.keras;

import io.narrow.tflite.model.Model;
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
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Small models of every kind of layer, each with inputs and what Keras made of them, as {@code
 * benchmarks/peers/layers.py --examples} wrote it down.
 */
final class Examples {
  /** Size of the batch of their inputs. */
  static final int BATCH = 2;

  private Examples() {}

  /** The files of each model by the end of their names. */
  static Map<String, Map<String, byte[]>> files() throws IOException {
    Map<String, Map<String, byte[]>> models = new LinkedHashMap<>();
    for (String archive : new String[] {"keras3", "keras2", "optimized"}) {
      try (InputStream stream = Examples.class.getResourceAsStream(archive + ".zip.gz");
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

  static Model read(Path folder, Map<String, byte[]> files, KerasModel.Options options)
      throws IOException {
    String end = files.containsKey("keras") ? "keras" : "h5";
    return KerasModel.read(Files.write(folder.resolve("model." + end), files.get(end)), options);
  }

  /** Gives an interpreter the inputs whose names begin so, and runs it. */
  static void run(Interpreter interpreter, Map<String, byte[]> files, String prefix) {
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
  }

  static float[] floats(byte[] contents) {
    float[] values = new float[contents.length / Float.BYTES];
    bytes(contents).asFloatBuffer().get(values);
    return values;
  }

  private static ByteBuffer bytes(byte[] contents) {
    return ByteBuffer.wrap(contents).order(ByteOrder.LITTLE_ENDIAN);
  }
}
