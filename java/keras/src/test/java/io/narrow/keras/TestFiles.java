package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Files that tests read, and what models make of seeded inputs. */
final class TestFiles {
  private static final String SHARED = "NARROW_SHARED";
  private static final int RUNS = 3;

  private TestFiles() {}

  static Path digits(String name) {
    return above("examples/digits").resolve("examples/digits").resolve(name);
  }

  /** A file of the shared folder; the test is skipped if there is none. */
  static Path shared(String path) {
    String named = System.getProperty(SHARED, System.getenv(SHARED));
    Path folder = named == null ? above("shared/models") : Path.of(named);
    assumeTrue(
        folder != null, "skipped: no shared folder next to the repository, nor in " + SHARED);
    Path file = (named == null ? folder.resolve("shared") : folder).resolve(path);
    assumeTrue(Files.exists(file), "skipped: the shared folder has no " + path);
    return file;
  }

  private static Path above(String inside) {
    Path up = Path.of("").toAbsolutePath();
    while (up != null && !Files.isDirectory(up.resolve(inside))) {
      up = up.getParent();
    }
    return up;
  }

  static Model read(Path file) {
    return KerasModel.read(file, KerasModel.Options.DEFAULT);
  }

  /** Output 0 of a few runs with the default kernels, one after another. */
  static List<float[]> outputs(Path file) {
    return outputs(file, 0);
  }

  private static List<float[]> outputs(Path file, int output) {
    List<float[]> outputs = new ArrayList<>();
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      for (int run = 0; run < RUNS; run++) {
        Random random = new Random(run);
        for (int i = 0; i < interpreter.inputs().size(); i++) {
          TensorInfo info = interpreter.inputs().get(i);
          int elements = 1;
          for (int size : info.shape()) {
            elements *= size;
          }
          FloatBuffer values = FloatBuffer.allocate(elements);
          while (values.hasRemaining()) {
            values.put(random.nextFloat() * 2 - 1);
          }
          interpreter.write(i, values.flip());
        }
        interpreter.run();
        outputs.add(interpreter.read(output).clone());
      }
    }
    return outputs;
  }

  static double difference(Path a, Path b) {
    return difference(outputs(a), outputs(b));
  }

  /** The largest difference of all outputs, which the signatures name. */
  static double namedDifference(Path a, Path b) {
    Map<String, Integer> places = places(a);
    Map<String, Integer> others = places(b);
    assertThat(places).isNotEmpty().containsOnlyKeys(others.keySet());
    return places.keySet().stream()
        .mapToDouble(name -> difference(outputs(a, places.get(name)), outputs(b, others.get(name))))
        .max()
        .orElseThrow();
  }

  /** Places among the outputs by their names. */
  private static Map<String, Integer> places(Path file) {
    Model model = Model.read(file);
    Map<String, Integer> places = new HashMap<>();
    int[] outputs = model.subgraphs().get(0).outputs();
    model
        .signatures()
        .get(0)
        .outputs()
        .forEach(
            (name, tensor) -> {
              for (int i = 0; i < outputs.length; i++) {
                if (outputs[i] == tensor) {
                  places.put(name, i);
                }
              }
            });
    return places;
  }

  private static double difference(List<float[]> x, List<float[]> y) {
    double largest = 0;
    for (int i = 0; i < x.size(); i++) {
      if (x.get(i).length != y.get(i).length) {
        return Double.NaN;
      }
      for (int k = 0; k < x.get(i).length; k++) {
        largest = Math.max(largest, Math.abs((double) x.get(i)[k] - y.get(i)[k]));
      }
    }
    return largest;
  }
}
