package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.rewrite.RecurrentModels;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An operator that goes both ways computes what two do that go one way. */
class BothWaysTest {
  private static final int STEPS = 5;
  private static final int INPUTS = 6;
  private static final int CELLS = 8;

  /** What it may have. */
  enum Feature {
    TIME_MAJOR,
    MERGED,
    COUPLED,
    PEEPHOLE,
    PROJECTED,
    CLIPPED,
    /** The way back reads another input. */
    AUXILIARY,
    /** Both ways read both inputs, with weights for each. */
    WEIGHTED,
    /** Such weights are computed. */
    COMPUTED
  }

  @TempDir private Path folder;

  /** All combinations of what the arithmetic depends on, but for contradictions. */
  static Stream<Set<Feature>> variants() {
    Feature[] all = Feature.values();
    return IntStream.range(0, 1 << (all.length - 1))
        .mapToObj(
            bits -> {
              Set<Feature> some = EnumSet.noneOf(Feature.class);
              IntStream.range(0, all.length)
                  .filter(i -> (bits >> i & 1) != 0)
                  .forEach(i -> some.add(all[i]));
              return some;
            })
        .filter(some -> !(some.contains(Feature.WEIGHTED) && some.contains(Feature.AUXILIARY)));
  }

  /**
   * Of several sequences, whose results are to be merged, the kernel (seen with 2.21) keeps the
   * states of all but the first beyond their memory, unless time comes first.
   */
  private static int batch(Set<Feature> features) {
    return features.contains(Feature.MERGED) && !features.contains(Feature.TIME_MAJOR) ? 1 : 2;
  }

  private static int[] shape(Set<Feature> features, int channels) {
    return features.contains(Feature.TIME_MAJOR)
        ? new int[] {STEPS, batch(features), channels}
        : new int[] {batch(features), STEPS, channels};
  }

  private static int random(ModelBuilder b, Random random, float size, int... shape) {
    float[] values = new float[Arrays.stream(shape).reduce(1, (x, y) -> x * y)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (random.nextFloat() - .5f) * size;
    }
    return b.constant("constant" + random.nextInt(1 << 30), values, shape);
  }

  static Model model(Set<Feature> features) {
    ModelBuilder b = new ModelBuilder(1);
    Random random = new Random(9);
    int[] in = new int[48];
    Arrays.fill(in, -1);
    in[0] = b.floats("x", shape(features, INPUTS));
    // The kernel (seen with 2.21) takes steps through both inputs of the size of the first.
    int more = INPUTS;
    boolean second = features.contains(Feature.AUXILIARY) || features.contains(Feature.WEIGHTED);
    if (second) {
      in[39] = b.floats("more", shape(features, more));
    }
    int outputs = features.contains(Feature.PROJECTED) ? 4 : CELLS;
    for (int way = 0; way < 2; way++) {
      int at = 17 * way;
      for (int gate = features.contains(Feature.COUPLED) ? 1 : 0; gate < 4; gate++) {
        in[at + 1 + gate] = random(b, random, 1.5f, CELLS, INPUTS);
        in[at + 5 + gate] = random(b, random, 1.5f, CELLS, outputs);
        in[at + 12 + gate] = random(b, random, .5f, CELLS);
        if (features.contains(Feature.PEEPHOLE) && gate != 2) {
          in[at + (gate == 3 ? 11 : 9 + gate)] = random(b, random, 1, CELLS);
        }
        if (features.contains(Feature.WEIGHTED)) {
          int weights = random(b, random, 1.5f, CELLS, more);
          if (features.contains(Feature.COMPUTED)) {
            int computed = b.floats("computed" + way + gate, CELLS, more);
            b.operator("TANH", new int[] {weights}, computed);
            weights = computed;
          }
          in[40 + 4 * way + gate] = weights;
        }
      }
      if (features.contains(Feature.PROJECTED)) {
        in[at + 16] = random(b, random, 1, outputs, CELLS);
      }
      in[35 + 2 * way] = b.variable("output state" + way, batch(features), outputs);
      in[36 + 2 * way] = b.variable("cell state" + way, batch(features), CELLS);
    }
    boolean merged = features.contains(Feature.MERGED);
    int[] out =
        merged
            ? new int[] {b.floats("y", shape(features, 2 * outputs))}
            : new int[] {
              b.floats("there", shape(features, outputs)),
              b.floats("back", shape(features, outputs))
            };
    Table options =
        Table.of("BidirectionalSequenceLSTMOptions")
            .with("fused_activation_function", 4)
            .with("cell_clip", features.contains(Feature.CLIPPED) ? .6f : 0f)
            .with("proj_clip", features.contains(Feature.CLIPPED) ? .3f : 0f)
            .with("merge_outputs", merged ? 1 : 0)
            .with("time_major", features.contains(Feature.TIME_MAJOR) ? 1 : 0);
    b.operator("BIDIRECTIONAL_SEQUENCE_LSTM", options, in, out);
    return b.inputs(second ? new int[] {in[0], in[39]} : new int[] {in[0]}).outputs(out).build();
  }

  private static List<String> names(Model model) {
    return model.subgraphs().get(0).operators().stream().map(Operator::name).toList();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void computesTheSameFromRunToRun(Set<Feature> features) {
    Model model = model(features);
    Model folded = Fold.of(model).model();
    assertThat(names(folded))
        .contains("UNIDIRECTIONAL_SEQUENCE_LSTM", "REVERSE_V2")
        .doesNotContain("BIDIRECTIONAL_SEQUENCE_LSTM");
    Path before = folder.resolve("before.tflite");
    Path after = folder.resolve("after.tflite");
    model.write(before);
    folded.write(after);
    for (boolean xnnpack : List.of(true, false)) {
      List<float[]> wanted = RuntimeComparison.outputs(before, xnnpack);
      List<float[]> got = RuntimeComparison.outputs(after, xnnpack);
      for (int i = 0; i < wanted.size(); i++) {
        assertThat(got.get(i)).containsExactly(wanted.get(i), within(1e-5f));
      }
    }
  }

  @Test
  void computesInIntegers() {
    Set<Feature> features = EnumSet.of(Feature.MERGED);
    Model model = model(features);
    Path before = folder.resolve("before.tflite");
    Path after = folder.resolve("after.tflite");
    model.write(before);
    Plan plan =
        Quantizer.DEFAULT
            .withData(Datasets.of(Dataset.open("random:100")))
            .prepare(model)
            .plan(Recipe.int8());
    assertThat(plan.operators()).allMatch(operator -> operator.precision() == Precision.INTEGER);
    Model quantized = Rewriter.rewrite(plan);
    quantized.write(after);
    assertThat(quantized.subgraphs().get(0).tensors())
        .noneMatch(t -> t.isVariable() && t.type() == TensorType.FLOAT32);
    for (boolean xnnpack : List.of(true, false)) {
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack)).isGreaterThan(25);
    }
  }

  private static List<Precision> lstms(Model model, Recipe recipe) {
    Plan plan =
        Quantizer.DEFAULT
            .withData(Datasets.of(Dataset.open("random:4")))
            .prepare(model)
            .plan(recipe);
    return plan.operators().stream()
        .filter(operator -> operator.name().equals("UNIDIRECTIONAL_SEQUENCE_LSTM"))
        .map(OperatorPlan::precision)
        .toList();
  }

  /** A rule of a recipe knows nothing of what takes the place of the operator that it names. */
  @Test
  void rulesForItAreForWhatTakesItsPlace() {
    String name = "BIDIRECTIONAL_SEQUENCE_LSTM";
    Recipe before = Recipe.int8();
    for (Feature merged : List.of(Feature.MERGED, Feature.TIME_MAJOR)) {
      Model model = model(EnumSet.of(merged));
      assertThat(lstms(model, before)).hasSize(2).containsOnly(Precision.INTEGER);
      assertThat(lstms(model, before.keepingFloatOperator(name)))
          .hasSize(2)
          .containsOnly(Precision.FLOAT32);
      RecipeRule elsewhere = new RecipeRule("other", name, OperatorConfiguration.FLOAT32);
      assertThat(lstms(model, before.with(List.of(elsewhere)))).containsOnly(Precision.INTEGER);
      // The last rule that fits still counts.
      RecipeRule again = new RecipeRule("^(y|there);", name, OperatorConfiguration.of(Mode.INT8));
      assertThat(lstms(model, before.keepingFloatOperator(name).with(List.of(again))))
          .containsOnly(Precision.INTEGER);
    }
  }

  /** Another LSTM of the model goes one way from the start. */
  @Test
  void rulesForItAreForNoOther() {
    Recipe recipe = Recipe.int8().keepingFloatOperator("BIDIRECTIONAL_SEQUENCE_LSTM");
    Model plain =
        RecurrentModels.lstm(new ModelBuilder(4), EnumSet.of(RecurrentModels.Feature.SEQUENCE))
            .build();
    assertThat(Fold.recipe(recipe, plain)).isEqualTo(recipe);
    assertThat(lstms(plain, recipe)).containsOnly(Precision.INTEGER);
  }

  @Test
  void weightsThatAreComputedLeaveItAsItIs() {
    Model model = model(EnumSet.of(Feature.WEIGHTED, Feature.COMPUTED));
    assertThat(names(Fold.of(model).model())).contains("BIDIRECTIONAL_SEQUENCE_LSTM");
  }

  @Test
  void otherModesKeepTheOneOperator() {
    Model model = model(EnumSet.of(Feature.MERGED));
    assertThat(names(Fold.constantsOf(model).model())).containsOnly("BIDIRECTIONAL_SEQUENCE_LSTM");
  }
}
