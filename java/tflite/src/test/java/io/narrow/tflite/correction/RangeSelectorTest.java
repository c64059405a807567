package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RangeSelectorTest {
  private static final int WIDTH = 2048;
  private static final int RESULTS = 8;
  private static final int FAR = 64; // every so many a value that can be large

  @TempDir private Path folder;

  /**
   * Adds values up with random signs; those that can be large count {@code weight} times as much as
   * the others.
   */
  private record Case(float weight, long seed) {
    float[] sums() {
      Random random = new Random(seed);
      float[] weights = new float[RESULTS * WIDTH];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (random.nextBoolean() ? 1 : -1) * (i % FAR == 0 ? weight : 1);
      }
      return weights;
    }

    Model model() {
      ModelBuilder b = new ModelBuilder(3);
      int x = b.floats("x", 1, WIDTH);
      int y = b.floats("y", 1, RESULTS);
      int[] operands = {x, b.constant("sums", sums(), RESULTS, WIDTH), -1};
      return b.operator("FULLY_CONNECTED", Table.of("FullyConnectedOptions"), operands, y)
          .inputs(x)
          .outputs(y)
          .build();
    }

    List<float[]> samples(int count) {
      Random random = new Random(seed + 1);
      List<float[]> samples = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        float[] values = new float[WIDTH];
        for (int k = 0; k < WIDTH; k++) {
          double value = random.nextGaussian();
          values[k] = (float) (k % FAR == 0 ? Math.pow(value, 3) : value / 2);
        }
        samples.add(values);
      }
      return samples;
    }

    /** Mean squared error of the sums where values are rounded to codes of a range. */
    double error(List<float[]> samples, FloatRange range) {
      double low = Math.min(0, range.min());
      double high = Math.max(0, range.max());
      double step = (high - low) / 255;
      double zero = Math.rint(-128 - low / step);
      float[] weights = sums();
      double sum = 0;
      for (float[] sample : samples) {
        for (int r = 0; r < RESULTS; r++) {
          double error = 0;
          for (int k = 0; k < WIDTH; k++) {
            double code = Math.max(-128, Math.min(127, Math.rint(sample[k] / step) + zero));
            error += weights[r * WIDTH + k] * ((code - zero) * step - sample[k]);
          }
          sum += error * error;
        }
      }
      return sum / samples.size();
    }
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

  private static Plan plan(Model model, Dataset data, Calibrator.Options options) {
    return Quantizer.DEFAULT
        .withData(Datasets.of(data))
        .withCalibration(options)
        .prepare(model)
        .plan(Recipe.int8());
  }

  /** How the sums read their operand. */
  private static Encoding read(Plan plan) {
    return plan.integerOperators().get(0).inputs().get(0);
  }

  private static Encoding read(Model model, Dataset data, RangeMethod method) {
    return read(plan(model, data, Calibrator.Options.DEFAULT.withMethod(method)));
  }

  @ParameterizedTest
  @CsvSource({"0, 2", "0, 3", "0, 5", "0.1, 4", "8, 1", "8, 2", "8, 3", "20, 4"})
  void theRangeIsThatOfTheSmallerErrorAtTheOutputs(float weight, long seed) {
    Case given = new Case(weight, seed);
    List<float[]> samples = given.samples(32);
    Model model = given.model();
    Calibration calibration =
        Calibrator.calibrate(model, data(samples), Calibrator.Options.DEFAULT);
    double whole = given.error(samples, calibration.range(0, 0, RangeMethod.MINMAX).orElseThrow());
    double cut = given.error(samples, calibration.range(0, 0, RangeMethod.MSE).orElseThrow());
    RangeMethod better = whole <= cut ? RangeMethod.MINMAX : RangeMethod.MSE;
    Plan plan = plan(model, data(samples), Calibrator.Options.DEFAULT);
    assertThat(Math.abs(Math.log(whole / cut))).as("a clear case").isGreaterThan(Math.log(1.1));
    assertThat(read(plan)).isEqualTo(read(model, data(samples), better));
    assertThat(plan.activations().get(0).reason().text())
        .contains(better.equals(RangeMethod.MSE) ? ": least squared error" : ": minimum and max")
        .contains("32 samples");
  }

  @Test
  void neitherThreadsNorTheOrderOfSamplesChangeAByte() {
    Case given = new Case(0, 5);
    List<float[]> samples = given.samples(23);
    byte[] expected = bytes(plan(given.model(), data(samples), Calibrator.Options.DEFAULT));
    assertThat(bytes(plan(given.model(), data(samples), Calibrator.Options.DEFAULT.withThreads(3))))
        .isEqualTo(expected);
    Collections.shuffle(samples, new Random(1));
    assertThat(bytes(plan(given.model(), data(samples), Calibrator.Options.DEFAULT)))
        .isEqualTo(expected);
  }

  private static byte[] bytes(Plan plan) {
    ByteBuffer bytes = Rewriter.rewrite(plan).bytes();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void samplesTooFewToJudgeByCutNothingOff(int count) {
    Case given = new Case(8, 6);
    Dataset data = data(given.samples(count));
    assertThat(read(given.model(), data, RangeMethod.AUTO))
        .isEqualTo(read(given.model(), data, RangeMethod.MINMAX));
  }

  @ParameterizedTest
  @ValueSource(strings = {"minmax", "mse", "percentile:99", "entropy"})
  void aMethodThatIsAskedForIsNotJudged(String method) {
    Case given = new Case(1, 7);
    Dataset data = data(given.samples(16));
    Calibration calibration = Calibrator.calibrate(given.model(), data, Calibrator.Options.DEFAULT);
    FloatRange wanted = calibration.range(0, 0, RangeMethod.parse(method)).orElseThrow();
    Plan found =
        plan(given.model(), data, Calibrator.Options.DEFAULT.withMethod(RangeMethod.parse(method)));
    assertThat(read(found).scale() * 255)
        .isCloseTo(Math.max(0, wanted.max()) - Math.min(0, wanted.min()), within(1e-4f));
    assertThat(found.activations().get(0).reason().text()).doesNotContain("outputs");
  }
}
