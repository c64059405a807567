package io.narrow.tflite.observation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.observation.Run.Way;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObservedModelTest {
  private static final Model MODEL = Model.read(Examples.DIGITS);
  private static final Subgraph GRAPH = MODEL.subgraphs().get(0);
  private static final List<Integer> COMPUTED =
      GRAPH.operators().stream().map(operator -> operator.outputs()[0]).toList();
  private static final Dataset DATA = Dataset.open(Examples.DIGITS_TEST + "?scale=1/16").limit(13);

  @TempDir private Path folder;

  /** Copies what it sees: the input, then every computed tensor. */
  private static final class Copies implements Observer {
    private final Map<Integer, List<float[]>> seen = new TreeMap<>();

    @Override
    public void before(int sample, Tensors tensors) {
      assertThat(seen).doesNotContainKey(sample);
      seen.put(sample, new ArrayList<>(List.of(copy(tensors, GRAPH.inputs()[0]))));
    }

    @Override
    public void after(int sample, Tensors tensors) {
      for (int tensor : COMPUTED) {
        seen.get(sample).add(copy(tensors, tensor));
      }
    }

    private static float[] copy(Tensors tensors, int tensor) {
      FloatBuffer floats = tensors.values(tensor).asFloatBuffer();
      float[] copy = new float[Math.toIntExact(tensors.info(tensor).elements())];
      floats.get(copy);
      return copy;
    }
  }

  private static Map<Integer, List<float[]>> observe(Model model, int threads) {
    Map<Integer, List<float[]>> all = new TreeMap<>();
    try (ObservedModel observed = ObservedModel.open(model, COMPUTED)) {
      Inputs inputs = DATA.inputs(observed.inputs());
      for (Copies copies : observed.run(inputs, Copies::new, threads, "test", Progress.NONE)) {
        assertThat(Collections.disjoint(all.keySet(), copies.seen.keySet())).isTrue();
        all.putAll(copies.seen);
      }
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 50})
  void everyTensorOfEverySampleIsSeenOnce(int threads) {
    Map<Integer, List<float[]>> seen = observe(MODEL, threads);
    assertThat(seen).hasSize(13);
    Interpreter.Options kept =
        Interpreter.Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true);
    try (Interpreter interpreter = Interpreter.open(Examples.DIGITS, kept)) {
      Inputs inputs = DATA.inputs(interpreter.inputs());
      for (int i = 0; i < inputs.size(); i++) {
        inputs.write(i, interpreter);
        List<float[]> sample = seen.get(i);
        assertThat(sample.get(0)).isEqualTo(floats(interpreter.input(0).asFloatBuffer()));
        interpreter.run();
        for (int k = 0; k < COMPUTED.size(); k++) {
          float[] wanted = floats(interpreter.data(COMPUTED.get(k)).asFloatBuffer());
          assertThat(sample.get(k + 1))
              .as("sample %s, tensor %s", i, COMPUTED.get(k))
              .usingComparatorWithPrecision(1e-3f)
              .containsExactly(wanted);
        }
      }
    }
  }

  private static float[] floats(FloatBuffer buffer) {
    float[] copy = new float[buffer.remaining()];
    buffer.get(copy);
    return copy;
  }

  @Test
  void aModelThatIsInNoFileRunsAsOneThatIs() {
    Model changed = MODEL.withMinimumRuntime("2.5.0");
    Map<Integer, List<float[]>> inFile = observe(MODEL, 2);
    observe(changed, 2)
        .forEach(
            (sample, tensors) -> assertThat(tensors).containsExactlyElementsOf(inFile.get(sample)));
  }

  @Test
  void waysAgreeOnTheSameSampleAndNotOnAnother() {
    try (RunnableModel model = RunnableModel.of(MODEL);
        Run fast = new Run(model, COMPUTED, Way.FAST, Optional.empty(), true);
        Run sure = new Run(model, COMPUTED, Way.SURE, Optional.empty(), true)) {
      Inputs inputs = DATA.inputs(fast.interpreter().inputs());
      Observer nothing = (sample, tensors) -> {};
      fast.run(inputs, 3, nothing);
      sure.run(inputs, 3, nothing);
      assertThat(fast.agrees(sure, COMPUTED)).isTrue();
      sure.run(inputs, 4, nothing);
      assertThat(fast.agrees(sure, COMPUTED)).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void theFirstSampleThatFailsIsReported(int threads) {
    try (ObservedModel observed = ObservedModel.open(MODEL, COMPUTED)) {
      Inputs inputs = DATA.inputs(observed.inputs());
      Observer failing =
          (sample, tensors) -> {
            if (sample >= 5) {
              throw new IllegalStateException("sample " + sample);
            }
          };
      assertThatThrownBy(() -> observed.run(inputs, () -> failing, threads, "test", Progress.NONE))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("sample 5");
    }
  }

  @Test
  void theBytesOfAnUnchangedModelAreThoseOfItsFile() throws IOException {
    byte[] file = Files.readAllBytes(Examples.DIGITS);
    byte[] bytes = new byte[MODEL.bytes().remaining()];
    MODEL.bytes().get(bytes);
    assertThat(bytes).isEqualTo(file);
    MODEL.withMinimumRuntime("2.5.0").write(folder.resolve("changed.tflite"));
    assertThat(MODEL.withMinimumRuntime("2.5.0").bytes())
        .isEqualTo(Model.read(folder.resolve("changed.tflite")).bytes());
  }
}
