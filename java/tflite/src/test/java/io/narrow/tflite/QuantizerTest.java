package io.narrow.tflite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.correction.BiasCorrector;
import io.narrow.tflite.correction.HeadroomTrial;
import io.narrow.tflite.correction.Rounder;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.PublishedModel;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.rewrite.Rewriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizerTest {
  private static final Path FILE = Examples.DIGITS;
  private static final String DATA = Examples.DIGITS_CALIBRATION + "?scale=1/16";
  private static final Calibrator.Options OPTIONS = Calibrator.Options.DEFAULT.withSamples(20);

  @TempDir private Path folder;

  private final Model model = Model.read(FILE);
  private final Quantizer quantizer =
      Quantizer.DEFAULT.withSources(List.of(DATA)).withCalibration(OPTIONS);

  @Test
  void itIsTheStepsOneAfterTheOther() {
    Dataset data = Dataset.open(DATA).limit(20);
    Calibration calibration =
        Calibrator.calibrate(Model.read(FILE), data, Calibrator.Options.DEFAULT);
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8(), Recipe.dynamic())) {
      Plan plan =
          recipe.needsRanges()
              ? Planner.plan(model, recipe, chosen(recipe, calibration, data))
              : Planner.plan(model, recipe);
      Plan rounded = Rounder.round(plan, Datasets.of(data), together(true));
      Model corrected = Rewriter.rewrite(BiasCorrector.correct(rounded, data));
      assertThat(quantizer.quantize(model, recipe).bytes()).isEqualTo(corrected.bytes());
      assertThat(
              Quantizer.DEFAULT
                  .withData(Datasets.of(data))
                  .withBiasCorrection(false)
                  .quantize(model, recipe)
                  .bytes())
          .isEqualTo(
              Rewriter.rewrite(Rounder.round(plan, Datasets.of(data), together(false))).bytes());
      assertThat(
              quantizer
                  .withRounding(Rounding.NEAREST)
                  .withBiasCorrection(false)
                  .quantize(model, recipe)
                  .bytes())
          .isEqualTo(Rewriter.rewrite(plan).bytes());
    }
  }

  private Calibration chosen(Recipe recipe, Calibration calibration, Dataset data) {
    return HeadroomTrial.choose(Fold.of(model), recipe, calibration, Datasets.of(data))
        .calibration();
  }

  private static Rounder.Options together(boolean corrected) {
    return new Rounder.Options(Rounding.SECOND_ORDER, corrected, Progress.NONE);
  }

  @Test
  void severalRecipesCalibrateOnceAndThoseWithoutIntegersNever() {
    Counted counted = new Counted();
    Quantizer.Prepared prepared =
        quantizer
            .withRounding(Rounding.NEAREST)
            .withCalibration(OPTIONS.withProgress(counted))
            .prepare(model);
    prepared.plan(Recipe.dynamic());
    assertThat(counted.tasks).isZero();
    prepared.plan(Recipe.int8());
    prepared.plan(Recipe.int16x8());
    assertThat(prepared.calibration().samples()).isEqualTo(20);
    assertThat(counted.tasks).isEqualTo(1);
  }

  @Test
  void savedRangesCorrectNoBiasesAndSaySo() {
    Path ranges = folder.resolve("ranges.json");
    quantizer.prepare(model).calibration().write(ranges);
    Quantizer.Prepared saved = quantizer.withSources(List.of(ranges.toString())).prepare(model);
    Plan plan = saved.plan(Recipe.int8());
    assertThat(saved.warnings(plan)).anyMatch(one -> one.code() == Code.UNCORRECTED);
    assertThat(plan.ranges()).isEqualTo(Reason.NONE);
    Plan nearest = Planner.plan(model, Recipe.int8(), Calibration.read(ranges, model));
    assertThat(Rewriter.rewrite(plan).bytes()).isEqualTo(Rewriter.rewrite(nearest).bytes());
    Quantizer.Prepared both =
        quantizer.withSources(List.of(ranges.toString(), DATA)).prepare(model);
    assertThat(both.warnings(both.plan(Recipe.int8()))).isEqualTo(plan.warnings());
    Dataset data = Dataset.open(DATA).limit(20);
    Plan rounded = Rounder.round(nearest, Datasets.of(data), together(true));
    assertThat(Rewriter.rewrite(both.plan(Recipe.int8())).bytes())
        .isEqualTo(Rewriter.rewrite(BiasCorrector.correct(rounded, data)).bytes());
  }

  @ParameterizedTest
  @CsvSource({"127.5, 127.5, 0", "0, 1, 1", "0, 255, 1"})
  void dataThatAreScaledOtherwiseThanPublishedAreTold(float mean, float std, int told) {
    Model pictures =
        PublishedModel.of(PublishedModel.PICTURE, new float[] {mean}, new float[] {std});
    Quantizer.Prepared prepared =
        Quantizer.DEFAULT.withSources(List.of("random:40")).prepare(pictures); // -1 to 1
    assertThat(prepared.warnings(prepared.plan(Recipe.int8())))
        .filteredOn(reason -> reason.code() == Code.SCALED_OTHERWISE)
        .hasSize(told)
        .allMatch(reason -> reason.names().equals(List.of("picture")));
  }

  @Test
  void savedRangesAreChosenByTheMethodAskedFor() {
    Path ranges = folder.resolve("ranges.json");
    quantizer.prepare(model).calibration().write(ranges);
    RangeMethod method = RangeMethod.percentile(99);
    assertThat(
            quantizer
                .withSources(List.of(ranges.toString()))
                .withCalibration(OPTIONS.withMethod(method))
                .prepare(model)
                .calibration()
                .method())
        .isEqualTo(method);
  }

  @Test
  void sourcesThatExcludeEachOtherAreRefused() {
    assertThatThrownBy(() -> quantizer.withSources(List.of(DATA, DATA)).prepare(model))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("there are others already");
    assertThatThrownBy(() -> quantizer.withSources(List.of("a.json", "b.json")).prepare(model))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("a.json, b.json");
    assertThatThrownBy(() -> Quantizer.DEFAULT.quantize(model, Recipe.int8()))
        .isInstanceOf(NarrowException.class)
        .hasMessage("mode int8: needs representative data to calibrate with");
  }

  private static final class Counted implements Progress {
    private int tasks;

    @Override
    public void start(String task, long total) {
      tasks++;
    }

    @Override
    public void step() {}

    @Override
    public void done() {}
  }
}
