package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.RecurrentModels;
import io.narrow.tflite.rewrite.RecurrentModels.Feature;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GateCorrectorTest {
  private static final int SAMPLES = 50;
  private static final Recipe COARSE = Recipe.weightOnly(4);

  @TempDir private Path folder;

  /** Inputs from 0 to 2: their means, and so what rounding does to those of sums, are not 0. */
  private Dataset data(Model model) throws IOException {
    int size =
        (int) model.subgraphs().get(0).tensor(model.subgraphs().get(0).inputs()[0]).elements();
    ByteBuffer bytes =
        ByteBuffer.allocate(SAMPLES * size * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(8);
    while (bytes.hasRemaining()) {
      bytes.putFloat(2 * random.nextFloat());
    }
    return Dataset.open("raw:" + Files.write(folder.resolve("samples.raw"), bytes.array()));
  }

  private static List<float[]> outputs(Model model, Dataset data) {
    List<float[]> outputs = new ArrayList<>();
    try (Interpreter interpreter =
        Interpreter.open(model.bytes(), "model", Interpreter.Options.DEFAULT)) {
      data.samples(interpreter.inputs())
          .forEach(
              sample -> {
                interpreter.resetVariableTensors();
                sample.inputs().get(0).writeTo(interpreter, 0);
                interpreter.run();
                outputs.add(interpreter.read(0).clone());
              });
    }
    return outputs;
  }

  private static double error(List<float[]> wanted, List<float[]> found) {
    double error = 0;
    for (int i = 0; i < wanted.size(); i++) {
      for (int k = 0; k < wanted.get(i).length; k++) {
        error += Math.pow(wanted.get(i)[k] - found.get(i)[k], 2);
      }
    }
    return error;
  }

  static Stream<Set<Feature>> gates() {
    return Stream.of(
        EnumSet.of(Feature.SEQUENCE),
        EnumSet.of(Feature.SEQUENCE, Feature.COUPLED, Feature.PEEPHOLE),
        EnumSet.of(Feature.SEQUENCE, Feature.TIME_MAJOR),
        EnumSet.of(Feature.COUPLED));
  }

  @ParameterizedTest
  @MethodSource("gates")
  void outputsComeNearerToThoseOfTheFloatModel(Set<Feature> features) throws IOException {
    Model model = RecurrentModels.lstm(new ModelBuilder(4), features).build();
    Dataset data = data(model);
    Plan plan = Planner.plan(model, COARSE);
    List<float[]> wanted = outputs(model, data);
    double before = error(wanted, outputs(Rewriter.rewrite(plan), data));
    Plan corrected = BiasCorrector.correct(plan, data);
    double after = error(wanted, outputs(Rewriter.rewrite(corrected), data));
    assertThat(after).isLessThan(before / 2);
  }

  @Test
  void gatesWithLayerNormalizationStayAsTheyAre() throws IOException {
    Set<Feature> features = EnumSet.of(Feature.SEQUENCE, Feature.NORMALIZED);
    Model model = RecurrentModels.lstm(new ModelBuilder(4), features).build();
    Plan plan = Planner.plan(model, COARSE);
    assertThat(BiasCorrector.correct(plan, data(model))).isSameAs(plan);
  }

  @Test
  void whatFollowsGatesIsCorrectedByTheMeansOfTheModelBeforeTheyWere() throws IOException {
    ModelBuilder b = RecurrentModels.lstm(new ModelBuilder(4), EnumSet.of(Feature.SEQUENCE));
    Subgraph graph = b.build().subgraphs().get(0);
    Tensor y = graph.tensor(graph.outputs()[0]);
    int units = y.dimension(2);
    int z = b.floats("z", y.dimension(0), y.dimension(1), 6);
    Table options = Table.of("FullyConnectedOptions").with("keep_num_dims", 1);
    int[] operands = {graph.outputs()[0], b.weights("w", 6, units), b.weights("c", 6)};
    Model model = b.operator("FULLY_CONNECTED", options, operands, z).outputs(z).build();
    Dataset data = data(model).limit(1); // whose means are met to the float
    Plan corrected = BiasCorrector.correct(Planner.plan(model, COARSE), data);
    double[] wanted = means(outputs(model, data), 6);
    double[] found = means(outputs(Rewriter.rewrite(corrected), data), 6);
    for (int i = 0; i < wanted.length; i++) {
      assertThat(found[i]).isCloseTo(wanted[i], within(1e-5));
    }
  }

  private static double[] means(List<float[]> outputs, int channels) {
    double[] means = new double[channels];
    for (float[] values : outputs) {
      for (int i = 0; i < values.length; i++) {
        means[i % channels] += (double) values[i] * channels / values.length / outputs.size();
      }
    }
    return means;
  }
}
