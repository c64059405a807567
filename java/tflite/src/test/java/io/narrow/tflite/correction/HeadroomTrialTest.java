package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.data.NdArray;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadroomTrialTest {
  private static final int RESULTS = 3;
  private static final Calibrator.Options OPTIONS = Calibrator.Options.DEFAULT;

  /** Sums of the inputs, but for the first, which counts {@code first} times. */
  private static Model model(int width, float first) {
    Random random = new Random(3);
    float[] weights = new float[RESULTS * width];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (i % width == 0 ? first : 1) * (0.5f + random.nextFloat());
    }
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", 1, width);
    int y = b.floats("y", 1, RESULTS);
    int[] operands = {x, b.constant("weights", weights, RESULTS, width), -1};
    return b.operator("FULLY_CONNECTED", Table.of("FullyConnectedOptions"), operands, y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  /** Few values in each sample, any of which may be the largest of all. */
  private static List<float[]> few(int count, long seed) {
    Random random = new Random(seed);
    return Stream.generate(
            () -> new float[] {(float) random.nextGaussian(), (float) random.nextGaussian()})
        .limit(count)
        .toList();
  }

  /** Many values, the first of which is larger by far, and nobody knows how much. */
  private static List<float[]> far(int count, long seed) {
    Random random = new Random(seed);
    List<float[]> samples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] values = new float[400];
      for (int k = 0; k < values.length; k++) {
        values[k] = random.nextFloat();
      }
      values[0] = (float) (30 * Math.exp(random.nextGaussian()));
      samples.add(values);
    }
    return samples;
  }

  private static Datasets data(List<float[]> samples) {
    return Datasets.of(
        Dataset.of(
            samples.stream()
                .map(
                    values ->
                        new Sample(List.of(NdArray.of(values, 1, values.length)), Sample.NO_LABEL))
                .toList()));
  }

  private static Quantizer quantizer(List<float[]> samples) {
    return Quantizer.DEFAULT
        .withData(data(samples))
        .withRounding(Rounding.NEAREST)
        .withBiasCorrection(false);
  }

  private static Plan plan(Model model, List<float[]> samples) {
    return quantizer(samples).prepare(model).plan(Recipe.int8());
  }

  private static Plan asSeen(Model model, List<float[]> samples) {
    return Planner.plan(model, Recipe.int8(), Calibrator.calibrate(model, data(samples), OPTIONS));
  }

  private static double error(Model model, Plan plan, List<float[]> samples) {
    double sum = 0;
    try (Interpreter exact = open(model);
        Interpreter rounded = open(Rewriter.rewrite(plan))) {
      for (float[] sample : samples) {
        float[] wanted = run(exact, sample);
        float[] got = run(rounded, sample);
        for (int i = 0; i < wanted.length; i++) {
          sum += Math.pow((double) wanted[i] - got[i], 2);
        }
      }
    }
    return sum;
  }

  private static Interpreter open(Model model) {
    return Interpreter.open(model.bytes(), "model", Interpreter.Options.DEFAULT);
  }

  private static float[] run(Interpreter interpreter, float[] sample) {
    interpreter.write(0, FloatBuffer.wrap(sample));
    interpreter.run();
    return interpreter.read(0);
  }

  private static byte[] bytes(Plan plan) {
    ByteBuffer bytes = Rewriter.rewrite(plan).bytes();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void rangesOfFewValuesReachBeyondThem(long seed) {
    Model model = model(2, 1);
    List<float[]> samples = few(8, seed);
    Plan plan = plan(model, samples);
    assertThat(plan.ranges().code()).isEqualTo(Code.HEADROOM);
    assertThat(plan.ranges().text()).contains("dB less noise at the outputs");
    List<float[]> others = few(2000, -seed);
    assertThat(error(model, plan, others)).isLessThan(error(model, asSeen(model, samples), others));
  }

  @ParameterizedTest
  @ValueSource(longs = {16, 22, 26, 29, 53})
  void whatTheOutputsDoNotDependOnGetsNoHeadroom(long seed) {
    List<float[]> samples = far(8, seed);
    Model needless = model(400, 0);
    Plan plan = plan(needless, samples);
    assertThat(plan.ranges().code()).isEqualTo(Code.AS_SEEN);
    assertThat(plan.ranges().text()).contains("headroom changes the noise").contains("+");
    assertThat(bytes(plan)).isEqualTo(bytes(asSeen(needless, samples)));
    Calibration calibration = Calibrator.calibrate(needless, data(samples), OPTIONS);
    Plan headroom = Planner.plan(needless, Recipe.int8(), calibration.withHeadroom());
    List<float[]> others = far(400, -seed);
    assertThat(error(needless, headroom, others)).isGreaterThan(error(needless, plan, others));
    assertThat(plan(model(400, 1), samples).ranges().code()).isEqualTo(Code.HEADROOM);
  }

  @ParameterizedTest
  @ValueSource(strings = {"minmax", "mse", "percentile:99", "entropy", "moving-average"})
  void aMethodThatIsAskedForIsNotJudged(String method) {
    Model model = model(2, 1);
    List<float[]> samples = few(8, 1);
    Calibrator.Options options = OPTIONS.withMethod(RangeMethod.parse(method));
    Plan plan = quantizer(samples).withCalibration(options).prepare(model).plan(Recipe.int8());
    assertThat(plan.ranges()).isEqualTo(Reason.NONE);
    Calibration calibration = Calibrator.calibrate(model, data(samples), options);
    assertThat(bytes(plan)).isEqualTo(bytes(Planner.plan(model, Recipe.int8(), calibration)));
  }

  @Test
  void neitherThreadsNorTheOrderOfSamplesChangeAByte() {
    Model model = model(2, 1);
    List<float[]> samples = new ArrayList<>(few(23, 7));
    Plan plan = plan(model, samples);
    assertThat(plan.ranges().code()).isEqualTo(Code.HEADROOM);
    Plan threads =
        quantizer(samples)
            .withCalibration(OPTIONS.withThreads(3))
            .prepare(model)
            .plan(Recipe.int8());
    assertThat(bytes(threads)).isEqualTo(bytes(plan));
    Collections.shuffle(samples, new Random(1));
    assertThat(bytes(plan(model, samples))).isEqualTo(bytes(plan));
    assertThat(plan(model, samples).ranges()).isEqualTo(plan.ranges());
  }

  @Test
  void samplesThatAreAllTheSameTellNothing() {
    Model model = model(2, 1);
    List<float[]> samples = Collections.nCopies(9, new float[] {1, -2});
    assertThat(plan(model, samples).ranges()).isEqualTo(Reason.NONE);
    assertThat(bytes(plan(model, samples))).isEqualTo(bytes(asSeen(model, samples)));
  }
}
