package io.narrow.tflite.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is foretold without data is held against what comes out with them. */
class PreflightTest {
  private static final double SCALES_AND_BIASES = 0.03;

  @ParameterizedTest
  @ValueSource(strings = {"dynamic", "float16", "weight-only", "weight-only4", "int8", "int16x8"})
  void foretellsPrecisionsAndSizeOfTheExample(String mode) {
    foretells(Model.read(Examples.DIGITS), Sweep.ALL.get(mode));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dynamic", "int8", "int16x8"})
  void foretellsAModelThatStaysFloatInPlaces(String mode) {
    foretells(
        Model.read(Shared.file("models/zoo/text_classification_f32.tflite")), Sweep.ALL.get(mode));
  }

  private static void foretells(Model model, Recipe recipe) {
    Preflight foretold = Preflight.of(Quantizer.DEFAULT.prepare(model), recipe);
    Plan plan =
        Quantizer.DEFAULT
            .withData(Datasets.of(Dataset.open("random:2")))
            .prepare(model)
            .plan(recipe);
    assertThat(precisions(foretold.plan())).isEqualTo(precisions(plan));
    double bytes = Rewriter.rewrite(plan).bytes().remaining();
    assertThat((double) foretold.bytes()).isCloseTo(bytes, within(SCALES_AND_BIASES * bytes));
    assertThat(foretold.refusal()).isEmpty();
    assertThat(foretold.left()).hasSizeLessThanOrEqualTo(foretold.operators());
  }

  private static List<OperatorPlan.Precision> precisions(Plan plan) {
    return plan.operators().stream().map(OperatorPlan::precision).toList();
  }

  @Test
  void operatorThatTheRuntimeLacksIsNamed() {
    Model model = Model.read(Shared.file("models/zoo/odd_custom_op.tflite"));
    Preflight result = Preflight.of(Quantizer.DEFAULT.prepare(model), Recipe.dynamic());
    assertThat(result.refusal().orElseThrow()).contains("custom operator `Assign`");
  }
}
