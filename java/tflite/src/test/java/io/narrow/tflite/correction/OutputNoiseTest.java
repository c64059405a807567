package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutputNoiseTest {
  private static final int ROWS = 2;
  private static final int CLASSES = 3;
  private static final int SAMPLES = 12;
  private static final int ALIKE = 5;

  private static Model model(String last) {
    ModelBuilder b = new ModelBuilder(3);
    int x = b.floats("x", ROWS, CLASSES);
    int read = b.floats("read", ROWS, CLASSES);
    int y = b.floats("y", ROWS, CLASSES);
    Table options = last.equals("SOFTMAX") ? Table.of("SoftmaxOptions").with("beta", 1f) : null;
    b.operator("RELU", new int[] {x}, read);
    return (options == null
            ? b.operator(last, new int[] {read}, y)
            : b.operator(last, options, new int[] {read}, y))
        .inputs(x)
        .outputs(y)
        .build();
  }

  private static double[] last(String name, float[] read) {
    double[] given = new double[read.length];
    for (int row = 0; row < read.length; row += CLASSES) {
      double sum = 0;
      for (int i = row; i < row + CLASSES; i++) {
        sum += Math.exp(read[i]);
      }
      for (int i = row; i < row + CLASSES; i++) {
        given[i] =
            switch (name) {
              case "SOFTMAX" -> Math.exp(read[i]) / sum;
              case "LOGISTIC" -> 1 / (1 + Math.exp(-read[i]));
              default -> read[i];
            };
      }
    }
    return given;
  }

  /** Errors so small that what comes of them is what their derivatives say. */
  @ParameterizedTest
  @ValueSource(strings = {"SOFTMAX", "LOGISTIC", "RELU"})
  void noiseIsWhatTheErrorsOfEachSampleDoToThoseAlike(String name) {
    Random random = new Random(4);
    OutputNoise noise = new OutputNoise(model(name));
    List<float[][]> got = new ArrayList<>();
    List<float[]> exact = new ArrayList<>();
    List<float[]> errors = new ArrayList<>();
    for (int s = 0; s < SAMPLES; s++) {
      float[] values = new float[ROWS * CLASSES];
      float[] rounded = new float[values.length];
      float[] error = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (2 * random.nextGaussian());
        rounded[i] = (float) (values[i] + 1e-3 * random.nextGaussian());
        error[i] = rounded[i] - values[i];
      }
      exact.add(values);
      errors.add(error);
      noise.want(new float[][] {values});
      got.add(new float[][] {rounded});
    }
    for (boolean paired : new boolean[] {false, true}) {
      assertThat(noise.decibels(got, paired))
          .isCloseTo(decibels(name, exact, errors, paired), within(0.05));
    }
  }

  private static double decibels(
      String name, List<float[]> exact, List<float[]> errors, boolean paired) {
    double signal = 0;
    double sum = 0;
    int alike = name.equals("RELU") || !paired ? 1 : ALIKE;
    List<double[]> given = exact.stream().map(values -> last(name, values)).toList();
    List<Integer> order =
        IntStream.range(0, SAMPLES)
            .boxed()
            .sorted(
                Comparator.comparing(s -> DoubleStream.of(given.get(s)).map(p -> p - p * p).sum()))
            .toList();
    for (int place = 0; place < SAMPLES; place++) {
      int s = order.get(place);
      int first = Math.min(Math.max(place - alike / 2, 0), SAMPLES - alike);
      double[] before = given.get(s);
      for (double value : before) {
        signal += value * value;
      }
      for (int other : order.subList(first, first + alike)) {
        float[] moved = exact.get(s).clone();
        for (int i = 0; i < moved.length; i++) {
          moved[i] += errors.get(other)[i];
        }
        double[] after = last(name, moved);
        for (int i = 0; i < after.length; i++) {
          sum += Math.pow(after[i] - before[i], 2) / alike;
        }
      }
    }
    return 10 * Math.log10(sum / signal);
  }

  @ParameterizedTest
  @ValueSource(strings = {"SOFTMAX", "LOGISTIC"})
  void whatTheLastOperatorReadsIsExposedInFilesToo(String name) {
    Model model = model(name);
    Plan plan = Planner.plan(model, Recipe.int8(), Ranges.ASSUMED);
    OutputNoise noise = new OutputNoise(plan.model());
    for (Model file : List.of(plan.model(), Rewriter.rewrite(plan))) {
      Model exposed = noise.exposed(file);
      int output = exposed.subgraphs().get(0).outputs()[0];
      assertThat(exposed.subgraphs().get(0).tensor(output).name()).startsWith("read");
    }
  }

  @Test
  void theLouderFileHasMoreDecibels() {
    OutputNoise noise = new OutputNoise(model("RELU"));
    noise.want(new float[][] {{1, 2, 3, 4, 5, 6}});
    double quiet = noise.decibels(List.<float[][]>of(new float[][] {{1, 2, 3, 4, 5, 6.1f}}), true);
    double loud = noise.decibels(List.<float[][]>of(new float[][] {{1, 2, 3, 4, 5, 7}}), true);
    assertThat(loud - quiet).isCloseTo(20, within(0.01));
  }
}
