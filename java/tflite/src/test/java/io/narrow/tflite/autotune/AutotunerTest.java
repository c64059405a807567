package io.narrow.tflite.autotune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AutotunerTest {
  private static final String CALIBRATION = Examples.DIGITS_CALIBRATION + "?scale=1/16";
  private static final Dataset TEST = Dataset.open(Examples.DIGITS_TEST + "?scale=1/16");
  private static final Autotuner.Options OPTIONS = Autotuner.Options.DEFAULT.withSamples(60);

  /** What was found already: looking takes seconds. */
  private static final Map<Budget, Tuning> KNOWN = new HashMap<>();

  @TempDir private Path folder;

  private final Model model = Model.read(Examples.DIGITS);
  private final Quantizer quantizer =
      Quantizer.DEFAULT
          .withSources(List.of(CALIBRATION))
          .withCalibration(Calibrator.Options.DEFAULT.withSamples(16));

  private Tuning tune(Budget budget) {
    Tuning known = KNOWN.get(budget);
    if (known == null) {
      known = anew(budget);
      KNOWN.put(budget, known);
    }
    return known;
  }

  private Tuning anew(Budget budget) {
    return Autotuner.tune(model, quantizer, Optional.of(TEST), budget, OPTIONS);
  }

  @Test
  void fileKeepsToItsSizeAndNoFileOfOneModeThatDoesHasLessNoise() {
    Tuning tuning = tune(Budget.bytes(30_000));
    assertThat(tuning.best().bytes())
        .isLessThanOrEqualTo(30_000)
        .isEqualTo(tuning.model().bytes().remaining());
    List<Path> files = new ArrayList<>(List.of(Examples.DIGITS, folder.resolve("best.tflite")));
    tuning.model().write(files.get(1));
    for (Recipe recipe :
        List.of(Recipe.weightOnly(4), Recipe.dynamic().withBits(4), Recipe.int8().withBits(4))) {
      Model one = quantizer.quantize(model, recipe);
      if (one.bytes().remaining() <= 30_000) {
        files.add(folder.resolve(files.size() + ".tflite"));
        one.write(files.get(files.size() - 1));
      }
    }
    assertThat(files).hasSizeGreaterThan(3);
    List<Evaluation> results =
        Evaluator.evaluate(files, TEST, Evaluator.Options.DEFAULT.withSamples(60));
    Evaluation best = results.get(1);
    assertThat(best.sqnrDb()).isCloseTo(tuning.best().sqnrDb(), within(1e-9));
    assertThat(best.agreement()).isEqualTo(tuning.best().agreement());
    assertThat(best.accuracy()).isEqualTo(tuning.best().accuracy());
    assertThat(results.subList(2, results.size()))
        .allSatisfy(one -> assertThat(best.sqnrDb()).isGreaterThan(one.sqnrDb() + 3));
  }

  @Test
  void recipeInAFileMakesTheSameBytes() {
    Tuning tuning = tune(Budget.bytes(30_000));
    Path recipe = folder.resolve("recipe.json");
    tuning.best().recipe().write(recipe);
    assertThat(quantizer.quantize(model, Recipe.read(recipe)).bytes())
        .isEqualTo(tuning.model().bytes());
    assertThat(tuning.calibrationSamples()).contains(16);
    Tuning again = anew(Budget.bytes(30_000));
    assertThat(again.model().bytes()).isEqualTo(tuning.model().bytes());
    assertThat(again.trials().stream().map(Trial::sqnrDb))
        .isEqualTo(tuning.trials().stream().map(Trial::sqnrDb).toList());
  }

  @Test
  void smallestFileIsLookedForThatIsAccurateEnough() {
    Tuning tuning = tune(Budget.sqnr(42));
    assertThat(tuning.best().sqnrDb()).isGreaterThanOrEqualTo(42);
    assertThat(tuning.trials())
        .filteredOn(trial -> trial.sqnrDb() >= 42)
        .allSatisfy(
            trial -> assertThat(trial.bytes()).isGreaterThanOrEqualTo(tuning.best().bytes()));
    assertThat(tuning.best().bytes())
        .isLessThan(quantizer.quantize(model, Recipe.weightOnly(8)).bytes().remaining());
    assertThat(tune(Budget.drop(0.01)).best())
        .satisfies(
            best -> {
              assertThat(best.drop()).isLessThanOrEqualTo(0.01);
              assertThat(best.bytes()).isLessThan(tuning.best().bytes());
            });
  }

  @Test
  void withoutOtherDataTheLastQuarterIsNotCalibratedWith() {
    List<Tuning> told = new ArrayList<>();
    Tuning tuning =
        Autotuner.tune(
            model,
            quantizer,
            Optional.empty(),
            Budget.bytes(30_000),
            OPTIONS.withWatcher(told::add));
    assertThat(tuning.best().samples()).isEqualTo(4);
    assertThat(tuning.calibrationSamples()).contains(12);
    Calibrator.Options twelve = Calibrator.Options.DEFAULT.withSamples(12);
    assertThat(quantizer.withCalibration(twelve).quantize(model, tuning.best().recipe()).bytes())
        .isEqualTo(tuning.model().bytes());
    assertThat(told).isNotEmpty();
    assertThat(told).allSatisfy(one -> assertThat(tuning.budget().met(one.best())).isTrue());
    assertThat(told.stream().map(one -> one.best().sqnrDb())).isSorted();
    assertThat(told.get(told.size() - 1).best()).isEqualTo(tuning.best());
  }

  @Test
  void whatCannotBeReachedIsSaidWithWhatCan() {
    assertThatThrownBy(() -> tune(Budget.bytes(1000)))
        .isInstanceOf(NarrowException.class)
        .hasMessageMatching(
            "digits.tflite: no mix keeps to at most 1,000 bytes; the least that was reached is"
                + " 2\\d,\\d+ bytes \\(.+\\)");
    assertThatThrownBy(() -> Budget.bytes(0)).hasMessage("budget: 0.0 is not above 0");
    assertThatThrownBy(() -> Budget.drop(Double.NaN)).isInstanceOf(NarrowException.class);
    assertThatThrownBy(() -> Budget.sqnr(Double.NaN)).isInstanceOf(NarrowException.class);
  }

  @Test
  void whatHasNothingToChooseIsRefused() {
    Model integers =
        quantizer.quantize(
            model,
            Recipe.int8()
                .withBoundary(
                    io.narrow.tflite.model.TensorType.INT8,
                    io.narrow.tflite.model.TensorType.INT8));
    assertThatThrownBy(
            () ->
                Autotuner.tune(
                    integers, quantizer, Optional.of(TEST), Budget.bytes(30_000), OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("computes in integers already");
    assertThatThrownBy(
            () ->
                Autotuner.tune(
                    model, Quantizer.DEFAULT, Optional.of(TEST), Budget.bytes(30_000), OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessage("autotune: needs representative data to calibrate with");
  }
}
