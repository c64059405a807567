package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Examples;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Integer activations on trained models, against the files of the TensorFlow converter. */
class IntegerSeedTest {
  private static final String NORMALIZED =
      "?scale=1/255&mean=0.4914,0.4822,0.4465&std=0.2023,0.1994,0.2010";

  @TempDir private Path folder;

  private static String cifar(String file) {
    return "cifar10:" + Shared.file("data/cifar10/" + file) + NORMALIZED;
  }

  private Path quantized(Path model, Recipe recipe, String calibration) {
    Path file = folder.resolve("quantized.tflite");
    Dataset samples = Dataset.open(calibration).limit(100);
    Rewriter.rewrite(Planner.plan(Model.read(model), recipe, MeasuredRanges.of(model, samples)))
        .write(file);
    return file;
  }

  private static Evaluation evaluate(Path model, Path quantized, String data) {
    return evaluate(model, quantized, Integer.MAX_VALUE, data);
  }

  private static Evaluation evaluate(Path model, Path quantized, int samples, String data) {
    return Evaluator.evaluate(
            List.of(model, quantized),
            Dataset.open(data),
            Evaluator.Options.DEFAULT.withSamples(samples))
        .get(1);
  }

  private Path seed(Recipe recipe) {
    return quantized(seed(), recipe, cifar("train_4660.bin"));
  }

  private static Path seed() {
    return Shared.file("models/seed/cifar10_resnet18_pruned.tflite");
  }

  @Test
  void int8IsAsSmallAndBetterThanTheConverters() throws IOException {
    Path file = seed(Recipe.int8());
    assertThat(Files.size(file)).isLessThanOrEqualTo(113_500);
    Evaluation lossless = evaluate(seed(), file, cifar("test_846.bin"));
    Evaluation jpeg = evaluate(seed(), file, cifar("test_jpeg_2000.bin"));
    assertThat(lossless.accuracy().orElseThrow()).isGreaterThanOrEqualTo(.8522);
    assertThat(jpeg.sqnrDb()).isGreaterThan(25.53); // the converter's file
  }

  @Test
  void int16IsBetterThanTheConverters() {
    Path file = seed(Recipe.int16x8());
    Evaluation jpeg = evaluate(seed(), file, 200, cifar("test_jpeg_2000.bin"));
    assertThat(jpeg.sqnrDb()).isGreaterThan(29.31); // the converter's file, on all 2000
  }

  @Test
  void digitsWithIntegerBoundary() {
    String calibration = Examples.DIGITS.resolveSibling("calibration.npz") + "?scale=1/16";
    for (TensorType type : List.of(TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8)) {
      Recipe recipe = Recipe.int8().withStrict().withBoundary(type, type);
      Path file = quantized(Examples.DIGITS, recipe, calibration);
      Evaluation digits = evaluate(Examples.DIGITS, file, Examples.DIGITS_TEST + "?scale=1/16");
      assertThat(digits.accuracy().orElseThrow()).isGreaterThan(.985);
    }
  }
}
