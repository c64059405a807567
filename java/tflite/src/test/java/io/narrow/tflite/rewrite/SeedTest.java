package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The pruned ResNet-18 that this work began with, against the files of the TensorFlow converter.
 */
class SeedTest {
  // Accuracies are counts of 846 pictures: 720 are .8511, 723 are .8546.
  @TempDir private Path folder;
  private Path seed;

  @BeforeEach
  void find() {
    seed = Shared.file("models/seed/cifar10_resnet18_pruned.tflite");
  }

  private Path quantized(Recipe recipe) {
    Path file = folder.resolve("quantized.tflite");
    Rewriter.rewrite(Planner.plan(Model.read(seed), recipe)).write(file);
    return file;
  }

  private static double accuracy(Path model) {
    String data =
        "cifar10:"
            + Shared.file("data/cifar10/test_846.bin")
            + "?scale=1/255&mean=0.4914,0.4822,0.4465&std=0.2023,0.1994,0.2010";
    return Evaluator.evaluate(List.of(model), Dataset.open(data), Evaluator.Options.DEFAULT)
        .get(0)
        .accuracy()
        .orElseThrow();
  }

  @Test
  void dynamicIsAsSmallAndAsGoodAsTheConverters() throws IOException {
    Path file = quantized(Recipe.dynamic());
    assertThat(Files.size(file)).isLessThanOrEqualTo(110_600);
    assertThat(accuracy(file)).isGreaterThanOrEqualTo(720 / 846.0);
  }

  @Test
  void dynamicQuantizesExactlyTheWeightsWith1024ElementsOrMore() {
    Plan plan = Planner.plan(Model.read(seed), Recipe.dynamic());
    Model rewritten = Rewriter.rewrite(plan);
    int quantized = 0;
    for (Tensor tensor : rewritten.subgraphs().get(0).tensors()) {
      if (rewritten.isConstant(tensor) && tensor.rank() > 1 && tensor.type() != TensorType.INT32) {
        boolean large = tensor.elements() >= 1024;
        assertThat(tensor.type()).isEqualTo(large ? TensorType.INT8 : TensorType.FLOAT32);
        quantized += large ? 1 : 0;
      }
    }
    assertThat(quantized).isEqualTo(14);
  }

  @Test
  void float16IsSmallerThanTheConvertersAndAsGoodAsFloat() throws IOException {
    Path file = quantized(Recipe.float16());
    assertThat(Files.size(file)).isLessThanOrEqualTo(187_700);
    assertThat(accuracy(file)).isGreaterThanOrEqualTo(723 / 846.0);
  }

  @Test
  void weightOnlyIsAsGoodAsAiEdgeQuantizers() {
    assertThat(accuracy(quantized(Recipe.weightOnly(8)))).isGreaterThanOrEqualTo(720 / 846.0);
  }
}
