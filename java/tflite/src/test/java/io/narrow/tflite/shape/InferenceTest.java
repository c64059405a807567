package io.narrow.tflite.shape;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.rewrite.DeviceModels;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shapes that are inferred are those that the runtime has after a run. */
class InferenceTest {
  @TempDir private Path folder;

  /** Tensors of the main subgraph whose shape is known, and is not that of the runtime. */
  private static List<String> wrong(Model model, Inference inference, Interpreter interpreter) {
    Subgraph graph = model.subgraphs().get(0);
    List<String> wrong = new ArrayList<>();
    for (int t = 0; t < graph.tensors().size(); t++) {
      Fact fact = inference.of(0, t);
      boolean computed = graph.producer(t).isPresent();
      int[] shape = interpreter.tensor(t).shape();
      if (computed && fact.isKnown() && !Arrays.equals(fact.shape(), shape)) {
        String operator = graph.operators().get(graph.producer(t).get()).toString();
        wrong.add(operator + ": " + fact.text() + ", not " + Fact.text(shape));
      }
    }
    return wrong;
  }

  /** Zeros are indices that there are. */
  private static void runOnZeros(Interpreter interpreter) {
    for (int i = 0; i < interpreter.inputs().size(); i++) {
      ByteBuffer input = interpreter.input(i);
      input.put(new byte[input.remaining()]);
    }
    interpreter.run();
  }

  @Test
  void modelsOfOneOperator() {
    TreeSet<String> known = new TreeSet<>();
    TreeSet<String> unknown = new TreeSet<>();
    List<String> wrong = new ArrayList<>();
    DeviceModels.write(folder)
        .forEach(
            (file, model) -> {
              if (!file.contains("@float32")) {
                return;
              }
              Inference inference = Inference.of(model);
              try (Interpreter interpreter =
                  Interpreter.open(
                      folder.resolve(file), Interpreter.Options.DEFAULT.withXnnpack(false))) {
                runOnZeros(interpreter);
                wrong(model, inference, interpreter).forEach(w -> wrong.add(file + ": " + w));
              } catch (NarrowException e) {
                return; // such a model is not run at all
              }
              Subgraph graph = model.subgraphs().get(0);
              boolean all =
                  Arrays.stream(graph.outputs()).allMatch(t -> inference.of(0, t).isKnown());
              (all ? known : unknown).add(graph.operators().get(0).name());
            });
    assertThat(wrong).isEmpty();
    assertThat(known).hasSizeGreaterThan(75);
    assertThat(unknown)
        .as("operators without a rule, or whose shapes depend on values")
        .containsExactly(
            "BIDIRECTIONAL_SEQUENCE_RNN",
            "DILATE",
            "LSTM",
            "MATRIX_DIAG",
            "RNN",
            "STABLEHLO_MAXIMUM",
            "STABLEHLO_MINIMUM",
            "VAR_HANDLE");
  }

  private static int operators(Model model) {
    return model.subgraphs().stream().mapToInt(graph -> graph.operators().size()).sum();
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/zoo", "models/seed"})
  void publishedModels(String place) throws IOException {
    List<String> wrong = new ArrayList<>();
    int tensors = 0;
    int known = 0;
    try (Stream<Path> files = Files.list(Shared.file(place))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".tflite")).sorted().toList()) {
        Model model = Model.read(file);
        Model fixed = StaticShapes.of(InputShapes.NONE.withBatch(1).fix(model)).model();
        Inference inference = Inference.of(fixed);
        Path written = folder.resolve(file.getFileName());
        fixed.write(written);
        try (Interpreter interpreter =
            Interpreter.open(written, Interpreter.Options.DEFAULT.withXnnpack(false))) {
          runOnZeros(interpreter);
          wrong(fixed, inference, interpreter)
              .forEach(w -> wrong.add(file.getFileName() + ": " + w));
        } catch (NarrowException e) {
          continue; // strings, operators that the runtime does not have
        }
        Subgraph graph = fixed.subgraphs().get(0);
        for (int t = 0; t < graph.tensors().size(); t++) {
          tensors += graph.producer(t).isPresent() ? 1 : 0;
          known += graph.producer(t).isPresent() && inference.of(0, t).isKnown() ? 1 : 0;
        }
        if (operators(fixed) < operators(model)) {
          try {
            List<float[]> before = RuntimeComparison.outputs(file, false);
            assertThat(RuntimeComparison.outputs(written, false))
                .as(file.toString())
                .usingElementComparator(Arrays::compare)
                .isEqualTo(before);
          } catch (NarrowException e) {
            continue; // random values that it does not take
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
    assertThat(known).isGreaterThan(tensors * 9 / 10);
  }
}
