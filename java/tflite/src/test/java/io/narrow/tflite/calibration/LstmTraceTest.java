package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.rewrite.RecurrentModels;
import io.narrow.tflite.rewrite.RecurrentModels.Feature;
import io.narrow.tflite.rewrite.SlowLstm;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is computed again of an LSTM, against a slow one that gives what the runtime gives. */
class LstmTraceTest {
  private static final Dataset DATA = Dataset.open("random:3");
  private static final Calibrator.Options OPTIONS =
      Calibrator.Options.DEFAULT.withMethod(RangeMethod.MINMAX);
  private static final float CLOSE = 2e-5f;

  @TempDir Path folder;

  static Stream<Set<Feature>> variants() {
    return RecurrentModels.variants().stream();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void rangesAreThoseOfEveryStep(Set<Feature> features) {
    Path file = write(features);
    Model model = Model.read(file);
    SlowLstm slow = new SlowLstm(model);
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      List<Sample> samples = DATA.samples(interpreter.inputs());
      for (int i = 0; i < samples.size(); i++) {
        interpreter.resetVariableTensors();
        slow.reset();
        samples.get(i).inputs().get(0).writeTo(interpreter, 0);
        float[] output = slow.run(SlowLstm.floats(interpreter.input(0)));
        interpreter.run();
        assertThat(interpreter.read(0)).containsExactly(output, within(CLOSE));
      }
    }
    Calibration calibration = Calibrator.calibrate(Model.read(file), DATA, OPTIONS);
    Operator operator = model.subgraphs().get(0).operators().get(0);
    int cell = operator.input(Lstm.CELL_STATE);
    assertClose(calibration.range(0, cell, true), slow.ranges().get(SlowLstm.CELL));
    List<Integer> known = new Lstm(operator).intermediates();
    for (int i = 0; i < Lstm.INTERMEDIATES.size(); i++) {
      Optional<FloatRange> range = calibration.intermediate(0, operator.outputs()[0], i, true);
      if (known.contains(i)) {
        assertClose(range, slow.ranges().get(i));
      } else {
        assertThat(range).isEmpty();
      }
    }
  }

  private static void assertClose(Optional<FloatRange> found, FloatRange wanted) {
    assertThat(found.orElseThrow().min()).isCloseTo(wanted.min(), within(CLOSE));
    assertThat(found.orElseThrow().max()).isCloseTo(wanted.max(), within(CLOSE));
  }

  @Test
  void savedAndMergedIntermediatesStayThoseOfAllSamplesInAnyOrder() throws IOException {
    Set<Feature> features = EnumSet.of(Feature.SEQUENCE, Feature.NORMALIZED, Feature.PROJECTED);
    Path file = write(features);
    Path once = folder.resolve("once.json");
    Calibrator.calibrate(Model.read(file), DATA, OPTIONS).write(once);
    Path parallel = folder.resolve("parallel.json");
    Calibrator.calibrate(Model.read(file), DATA, OPTIONS.withThreads(2)).write(parallel);
    assertThat(parallel).hasSameBinaryContentAs(once);
    Calibration first = Calibrator.calibrate(Model.read(file), DATA.limit(1), OPTIONS);
    Path saved = folder.resolve("first.json");
    first.write(saved);
    assertThat(Files.readString(saved)).contains("\"intermediate\":4");
    Calibration read = Calibration.read(saved, Model.read(file));
    assertThat(read.statistics()).containsExactlyElementsOf(first.statistics());
    Path merged = folder.resolve("merged.json");
    Calibrator.calibrate(Model.read(file), DATA, OPTIONS).merge(read).write(merged);
    Path other = folder.resolve("other.json");
    read.merge(Calibrator.calibrate(Model.read(file), DATA, OPTIONS)).write(other);
    assertThat(other).hasSameBinaryContentAs(merged);
  }

  @Test
  void fileOfAiEdgeHasNoIntermediates() {
    Path file = write(EnumSet.of(Feature.SEQUENCE, Feature.PROJECTED));
    Model model = Model.read(file);
    int output = model.subgraphs().get(0).outputs()[0];
    Path json = folder.resolve("ai-edge.json");
    Calibrator.calibrate(Model.read(file), DATA, OPTIONS).writeAiEdge(json, model);
    Calibration read = Calibration.read(json, model);
    assertThat(read.range(0, output, false)).isPresent();
    assertThat(read.intermediate(0, output, Lstm.HIDDEN, false)).isEmpty();
  }

  @Test
  void incompleteLstmsAreNotLookedInto() {
    Model whole = Model.read(write(EnumSet.complementOf(EnumSet.of(Feature.SHORT))));
    Operator operator = whole.subgraphs().get(0).operators().get(0);
    assertThat(LstmTrace.of(whole)).hasSize(1);
    for (int place : new int[] {0, 2, 6, 8, 13, 18, 19, 22}) {
      Model model = RecurrentModels.with(whole, operator.withInput(place, -1));
      assertThat(LstmTrace.of(model)).isEmpty();
      assertThat(Activation.of(model)).noneMatch(a -> a.role() == Activation.Role.TRACED);
    }
  }

  private Path write(Set<Feature> features) {
    Path file = folder.resolve("lstm.tflite");
    RecurrentModels.lstm(new ModelBuilder(5), features).build().write(file);
    return file;
  }
}
