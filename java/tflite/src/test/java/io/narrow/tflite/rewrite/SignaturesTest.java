package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Shared;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.correction.BiasCorrector;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models with several entry points: each is calibrated and computes in integers. */
class SignaturesTest {
  private static final Calibrator.Options OPTIONS = Calibrator.Options.DEFAULT;

  @TempDir private Path folder;

  private static Path zoo(String name) {
    return Shared.file("models/zoo/" + name + ".tflite");
  }

  @ParameterizedTest
  @CsvSource({
    "aeq_two_signatures, 2, 36",
    "aeq_const_sharing_fcs, 2, 25",
    "aeq_weight_sharing_fcs, 2, 30",
    "aeq_kv_cache_multisig, 2, 5",
    "odd_multi_signature, 3, 34",
    "mp_two_signature, 2, 34"
  })
  void everySignatureComputesInIntegers(String name, int entries, double sqnr) {
    Path file = zoo(name);
    Model model = Model.read(file);
    assertThat(model.entries()).hasSize(entries);
    Dataset data = Dataset.open("random:100");
    Calibration calibration = Calibrator.calibrate(Model.read(file), data, OPTIONS);
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Plan plan = BiasCorrector.correct(Planner.plan(model, recipe, calibration), data);
      Model quantized = Rewriter.rewrite(plan);
      for (int entry : model.entries()) {
        assertThat(plan.operators())
            .filteredOn(operator -> operator.subgraph() == entry)
            .anyMatch(operator -> operator.precision() == Precision.INTEGER);
        Path before = folder.resolve("before.tflite");
        Path after = folder.resolve("after.tflite");
        model.withEntry(entry).write(before);
        quantized.withEntry(entry).write(after);
        for (boolean xnnpack : List.of(true, false)) {
          assertThat(RuntimeComparison.sqnr(before, after, xnnpack))
              .as("%s, %s, entry %s, XNNPACK %s", name, recipe, entry, xnnpack)
              .isGreaterThan(sqnr);
        }
      }
    }
  }

  @Test
  void dataForOneSignatureAreForThatAlone() {
    Path file = zoo("aeq_two_signatures");
    Model model = Model.read(file);
    Datasets data = Datasets.NONE.with("multiply", Dataset.open("random:4"));
    Calibration calibration = Calibrator.calibrate(Model.read(file), data, OPTIONS);
    Plan plan = Planner.plan(model, Recipe.int8(), calibration);
    assertThat(plan.operators())
        .allMatch(
            operator ->
                (operator.precision() == Precision.INTEGER) == operator.name().equals("MUL"));
    assertThat(plan.warnings()).anyMatch(warning -> warning.text().contains("ADD stays float32"));
  }

  @Test
  void signaturesThatAreNotThereAreNamed() {
    Path file = zoo("aeq_two_signatures");
    Datasets data = Datasets.NONE.with("divide", Dataset.open("random:4"));
    assertThatThrownBy(() -> Calibrator.calibrate(Model.read(file), data, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("no signature `divide`, it has add, multiply");
  }
}
