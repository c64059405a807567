package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.rewrite.RuntimeComparison;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a composite stands for computes the same in its place, and becomes integers. */
class InlineTest {
  @ParameterizedTest
  @ValueSource(strings = {"odd_l2_norm_composite", "aeq_sdpa_composite"})
  void compositesAreWhatTheyStandFor(String name, @TempDir Path folder) {
    Path file = Shared.file("models/zoo/" + name + ".tflite");
    Model model = Model.read(file);
    Model inlined = Fold.of(model).model();
    assertThat(inlined.subgraphs()).hasSize(1);
    assertThat(inlined.subgraphs().get(0).operators())
        .noneMatch(operator -> operator.name().equals("STABLEHLO_COMPOSITE"));
    Path after = folder.resolve("inlined.tflite");
    inlined.write(after);
    for (boolean xnnpack : List.of(true, false)) {
      // XNNPACK adds up in another order where it takes more operators at once.
      assertThat(RuntimeComparison.sqnr(file, after, xnnpack)).isGreaterThan(110);
    }
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Plan plan =
          Quantizer.DEFAULT
              .withData(Datasets.of(Dataset.open("random:8")))
              .prepare(model)
              .plan(recipe);
      assertThat(plan.operators())
          .noneMatch(operator -> operator.precision().computesFloat())
          .extracting(OperatorPlan::name)
          .contains("MUL");
      Rewriter.rewrite(plan).write(after);
      for (boolean xnnpack : List.of(true, false)) {
        assertThat(RuntimeComparison.sqnr(file, after, xnnpack)).isGreaterThan(20);
      }
    }
  }
}
