package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Examples;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recipes with several modes: the stock runtime runs what comes out, and its outputs are near. */
class MixedRecipeTest {
  @TempDir private Path folder;

  static Stream<Recipe> recipes() {
    List<Recipe> recipes = new ArrayList<>();
    for (Mode first : Mode.values()) {
      for (Mode second : Mode.values()) {
        recipes.add(Recipe.of(first).with(List.of(rule("CONV_2D", second))));
        recipes.add(
            Recipe.of(first).with(List.of(rule("FULLY_CONNECTED", second), rule("ADD", first))));
      }
    }
    RecipeRule block =
        new RecipeRule("/block2_", RecipeRule.ALL, OperatorConfiguration.of(Mode.INT16X8));
    recipes.add(Recipe.int8().with(List.of(block)));
    recipes.add(
        Recipe.int8().with(List.of(block)).withBoundary(TensorType.UINT8, TensorType.INT16));
    return recipes.stream();
  }

  private static RecipeRule rule(String operator, Mode mode) {
    boolean weighted = mode != Mode.DYNAMIC && mode != Mode.WEIGHT_ONLY;
    return new RecipeRule(
        RecipeRule.ANYWHERE,
        operator,
        OperatorConfiguration.of(weighted || !operator.equals("ADD") ? mode : Mode.FLOAT32));
  }

  private Plan plan(Recipe recipe) {
    Dataset samples =
        Dataset.open(Examples.DIGITS.resolveSibling("calibration.npz") + "?scale=1/16").limit(30);
    return Planner.plan(
        Model.read(Examples.DIGITS), recipe, MeasuredRanges.of(Examples.DIGITS, samples));
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void runs(Recipe recipe) {
    Path file = folder.resolve("mixed.tflite");
    Rewriter.rewrite(plan(recipe)).write(file);
    for (boolean xnnpack : List.of(true, false)) {
      Evaluation evaluation =
          Evaluator.evaluate(
                  List.of(Examples.DIGITS, file),
                  Dataset.open(Examples.DIGITS_TEST + "?scale=1/16"),
                  Evaluator.Options.DEFAULT.withSamples(50).withXnnpack(xnnpack))
              .get(1);
      assertThat(evaluation.sqnrDb()).as("%s, XNNPACK %s", recipe, xnnpack).isGreaterThan(33);
    }
  }

  @Test
  void whatIsKeptFloatHasOneConversionForEachTensorOfItsBoundary() {
    Plan plan = plan(Recipe.int8().keepingFloat("/block2_"));
    Model model = Rewriter.rewrite(plan);
    Subgraph graph = model.subgraphs().get(0);
    Map<Integer, Long> conversions =
        graph.operators().stream()
            .filter(operator -> operator.name().equals("DEQUANTIZE"))
            .collect(Collectors.groupingBy(operator -> operator.input(0), Collectors.counting()));
    assertThat(conversions).isNotEmpty().allSatisfy((tensor, count) -> assertThat(count).isOne());
    List<Operator> kept =
        graph.operators().stream()
            .filter(operator -> writes(graph, operator).contains("/block2_"))
            .filter(operator -> !operator.name().endsWith("QUANTIZE"))
            .toList();
    assertThat(kept)
        .isNotEmpty()
        .allSatisfy(
            operator ->
                assertThat(Arrays.stream(operator.inputs()).filter(t -> t >= 0).boxed())
                    .noneMatch(t -> graph.tensor(t).type() == TensorType.INT8));
  }

  private static String writes(Subgraph graph, Operator operator) {
    return graph.tensor(operator.outputs()[0]).name();
  }
}
