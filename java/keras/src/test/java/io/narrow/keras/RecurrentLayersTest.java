package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What layers over steps of time keep from one run to the next, and what quantization makes of
 * them.
 */
class RecurrentLayersTest {
  private static final KerasModel.Options FIXED = new KerasModel.Options(Examples.BATCH, Map.of());

  @TempDir private Path folder;

  private Model imported(String name) throws IOException {
    return Examples.read(folder, Examples.files().get(name), FIXED);
  }

  @Test
  void onlyStatefulModelsKeepAStateAndSayOfWhichLayer() throws IOException {
    for (Map.Entry<String, Map<String, byte[]>> example : Examples.files().entrySet()) {
      String name = example.getKey();
      Model model = Examples.read(folder, example.getValue(), FIXED);
      boolean kept = name.contains("stateful");
      assertThat(!model.states().isEmpty()).as(name).isEqualTo(kept);
      assertThat(model.description().contains("keeps the state of")).as(name).isEqualTo(kept);
      if (kept) {
        String layer = model.states().get(0).name().split("/")[0];
        assertThat(model.description()).endsWith("keeps the state of " + layer);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "stateful_lstm, output_state cell_state",
    "stateful_simplernn, state",
    "stateful_gru, state_0"
  })
  void whatIsKeptHasANameInItsLayer(String name, String states) throws IOException {
    assertThat(imported("keras3 " + name).states())
        .extracting(state -> state.name().split("/")[1])
        .containsExactly(states.split(" "));
  }

  /** A WHILE leaves them as it finds them: random memory, NaN now and then. */
  @ParameterizedTest
  @ValueSource(strings = {"gru", "lstm_state", "bidirectional_gru", "convlstm1d"})
  void resultsOfALoopThatNobodyReadsHaveNoRange(String name) throws IOException {
    Model model = imported("keras3 " + name);
    Calibration ranges =
        Calibrator.calibrate(model, Dataset.open("random:3"), Calibrator.Options.DEFAULT);
    Subgraph main = model.subgraphs().get(0);
    int unread = 0;
    for (Operator operator : main.operators()) {
      for (int result : operator.outputs()) {
        if (operator.name().equals("WHILE") && main.reads(result) == 0) {
          assertThat(ranges.range(0, result, true)).isEmpty();
          unread++;
        } else if (operator.name().equals("FULLY_CONNECTED")) {
          assertThat(ranges.range(0, result, true)).isPresent();
        }
      }
    }
    assertThat(unread).isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "lstm, 30",
    "lstm_backwards, 30",
    "bidirectional_lstm, 30",
    "simplernn, 30",
    "bidirectional_simplernn, 30",
    "gru, 30",
    "bidirectional_gru, 30",
    "time_lstm, 30",
  })
  void integersAreAsGoodInTheSecondRunAsInTheFirst(String name, double least) throws IOException {
    Map<String, byte[]> files = Examples.files().get("keras3 " + name);
    Dataset data = Dataset.open("random:30");
    Model model =
        Quantizer.DEFAULT
            .withData(Datasets.of(data))
            .quantize(imported("keras3 " + name), Recipe.int8());
    Path file = folder.resolve("int8.tflite");
    model.write(file);
    float[] wanted = Examples.floats(files.get("out0"));
    for (boolean xnnpack : new boolean[] {true, false}) {
      try (Interpreter interpreter =
          Interpreter.open(file, Interpreter.Options.DEFAULT.withXnnpack(xnnpack))) {
        for (int run = 0; run < 2; run++) {
          Examples.run(interpreter, files, "");
          assertThat(sqnr(wanted, interpreter.read(0))).as("run %d", run).isGreaterThan(least);
        }
      }
    }
  }

  private static double sqnr(float[] wanted, float[] found) {
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < wanted.length; i++) {
      signal += (double) wanted[i] * wanted[i];
      noise += Math.pow((double) wanted[i] - found[i], 2);
    }
    return 10 * Math.log10(signal / noise);
  }
}
