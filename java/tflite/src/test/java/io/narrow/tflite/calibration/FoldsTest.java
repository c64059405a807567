package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FoldsTest {
  private static final int WIDTH = 50;

  @TempDir private Path folder;

  private static Model chain(int operators) {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 1, WIDTH);
    int last = x;
    for (int i = 0; i < operators; i++) {
      int next = b.floats("y" + i, 1, WIDTH);
      b.operator("RELU", new int[] {last}, next);
      last = next;
    }
    return b.inputs(x).outputs(last).build();
  }

  private static List<float[]> samples(int count) {
    Random random = new Random(count);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] values = new float[WIDTH];
      for (int k = 0; k < WIDTH; k++) {
        values[k] = (float) Math.pow(random.nextGaussian(), 3);
      }
      samples.add(values);
    }
    return samples;
  }

  private Dataset data(List<float[]> samples) {
    ByteBuffer bytes =
        ByteBuffer.allocate(samples.size() * WIDTH * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float[] sample : samples) {
      for (float value : sample) {
        bytes.putFloat(value);
      }
    }
    try {
      return Dataset.open(
          "raw:" + Files.write(Files.createTempFile(folder, "", ""), bytes.array()));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int[] judged(Model model, Dataset data) {
    try (Interpreter interpreter =
        Interpreter.open(model.bytes(), "model", Interpreter.Options.DEFAULT)) {
      Feed feed = data.feed(interpreter.inputs());
      return Folds.judged(model, feed);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5, 23, 60})
  void aFoldHasTheStatisticsOfAllSamplesButItsOwn(int count) {
    Model model = chain(2);
    List<float[]> samples = samples(count);
    int[] judged = judged(model, data(samples));
    Calibration calibration =
        Calibrator.calibrate(model, data(samples), Calibrator.Options.DEFAULT.withThreads(2));
    assertThat(judged).hasSize(Math.min(32, count)).doesNotHaveDuplicates();
    assertThat(calibration.samples()).isEqualTo(count);
    assertThat(calibration.folds()).hasSize(Folds.COUNT);
    for (int fold = 0; fold < Folds.COUNT; fold++) {
      int left = fold;
      Set<Integer> own =
          IntStream.range(0, judged.length)
              .filter(i -> i % Folds.COUNT == left)
              .mapToObj(i -> judged[i])
              .collect(Collectors.toSet());
      List<float[]> others =
          IntStream.range(0, count).filter(i -> !own.contains(i)).mapToObj(samples::get).toList();
      Calibration expected = Calibrator.calibrate(model, data(others), Calibrator.Options.DEFAULT);
      Calibration found = calibration.folds().get(fold);
      assertThat(found.samples()).isEqualTo(others.size());
      assertThat(List.copyOf(found.statistics())).isEqualTo(List.copyOf(expected.statistics()));
    }
  }

  @Test
  void theSameSamplesAreJudgedOnInAnyOrder() {
    Model model = chain(2);
    List<float[]> samples = samples(60);
    List<float[]> shuffled = new ArrayList<>(samples);
    Collections.shuffle(shuffled, new Random(1));
    List<float[]> some = new ArrayList<>();
    List<float[]> same = new ArrayList<>();
    IntStream.of(judged(model, data(samples))).forEach(i -> some.add(samples.get(i)));
    IntStream.of(judged(model, data(shuffled))).forEach(i -> same.add(shuffled.get(i)));
    assertThat(some).isEqualTo(same);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void tooFewSamplesHaveNoFolds(int count) {
    Dataset data = data(samples(count));
    assertThat(judged(chain(2), data)).isEmpty();
    assertThat(Calibrator.calibrate(chain(2), data, Calibrator.Options.DEFAULT).folds()).isEmpty();
  }

  @Test
  void aGraphTooLargeToTryHasNoFolds() {
    Dataset data = data(samples(8));
    assertThat(judged(chain(100), data)).hasSize(8);
    assertThat(judged(chain(2000), data)).isEmpty();
  }

  @Test
  void aMethodThatIsAskedForNeedsNoFolds() {
    Calibrator.Options options = Calibrator.Options.DEFAULT.withMethod(RangeMethod.MINMAX);
    assertThat(Calibrator.calibrate(chain(2), data(samples(8)), options).folds()).isEmpty();
  }
}
