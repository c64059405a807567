package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Imported models beside those that TensorFlow's converter made of the same files. */
class KerasModelTest {
  @TempDir private Path folder;

  private Path imported(Path file) {
    Path out = folder.resolve("imported.tflite");
    TestFiles.read(file).write(out);
    return out;
  }

  private static List<String> operators(Path file) {
    return Model.read(file).subgraphs().get(0).operators().stream().map(Operator::name).toList();
  }

  @Test
  void exampleIsAsTheConverterMakesIt() throws IOException {
    Path converted = TestFiles.digits("digits.tflite");
    Path ours = imported(TestFiles.digits("digits.h5"));
    assertThat(TestFiles.difference(ours, converted)).isLessThan(1e-5);
    assertThat(operators(ours)).isEqualTo(operators(converted));
    assertThat(Files.size(ours)).isLessThanOrEqualTo(Files.size(converted));
  }

  @Test
  void tensorsHaveTheNamesOfLayersAndTheBatchIsOpen() {
    Model model = TestFiles.read(TestFiles.digits("digits.h5"));
    Subgraph main = model.subgraphs().get(0);
    assertThat(main.tensors()).extracting(Tensor::name).contains("image", "block1_out", "digit");
    assertThat(main.tensors()).extracting(Tensor::name).doesNotHaveDuplicates();
    assertThat(model.signatures().get(0).key()).isEqualTo("serving_default");
    assertThat(model.signatures().get(0).inputs()).containsOnlyKeys("image");
    assertThat(model.signatures().get(0).outputs()).containsOnlyKeys("output_0");
    Path file = imported(TestFiles.digits("digits.h5"));
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      interpreter.resize(0, 5, 8, 8, 1);
      interpreter.run();
      assertThat(interpreter.outputs().get(0).shape()).containsExactly(5, 10);
    }
  }

  @Test
  void batchAndShapeAreTheOnesAskedFor() {
    KerasModel.Options options = new KerasModel.Options(4, Map.of("", List.of(16, 24, 1)));
    Model model = KerasModel.read(TestFiles.digits("digits.h5"), options);
    Subgraph main = model.subgraphs().get(0);
    assertThat(main.tensor(main.inputs()[0]).shape()).containsExactly(4, 16, 24, 1);
    assertThat(main.tensor(main.outputs()[0]).shape()).containsExactly(4, 10);
  }

  @Test
  void seedIsAsTheConverterMadeIt() throws IOException {
    Path converted = TestFiles.shared("models/seed/cifar10_resnet18_pruned.tflite");
    Path ours = imported(TestFiles.shared("models/seed/cifar10_resnet18_pruned.h5"));
    assertThat(TestFiles.difference(ours, converted)).isLessThan(1e-5);
    assertThat(operators(ours)).containsExactlyInAnyOrderElementsOf(operators(converted));
    assertThat(Files.size(ours)).isLessThanOrEqualTo(336_708);
    String images =
        TestFiles.shared("data/cifar10/test_846.bin")
            + "?scale=1/255&mean=0.4914,0.4822,0.4465&std=0.2023,0.1994,0.2010";
    List<Evaluation> evaluations =
        Evaluator.evaluate(
            List.of(converted, ours), Dataset.open("cifar10:" + images), Evaluator.Options.DEFAULT);
    assertThat(evaluations.get(1).agreement()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "tiny_ic_resnet8.h5,tiny_ic_resnet8_f32",
    "tiny_ic_resnet8.keras,tiny_ic_resnet8_f32",
    "tiny_vww_mnv1.h5,tiny_vww_mnv1_f32",
    "stm_yamnet_256_f32.h5,stm_yamnet_256_f32",
    "gen_gru_kws.keras,gen_gru_kws_while",
  })
  void modelOfTheZooIsAsTheConverterMadeIt(String keras, String converted) throws IOException {
    Path theirs = TestFiles.shared("models/zoo/" + converted + ".tflite");
    Path ours = imported(TestFiles.shared("models/keras/" + keras));
    assertThat(TestFiles.difference(ours, theirs)).isLessThan(1e-5);
    assertThat(Files.size(ours)).isLessThanOrEqualTo(Files.size(theirs));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny_ad.h5", "fizzbuzz.h5"})
  void modelWithoutPeerRuns(String keras) {
    Path ours = imported(TestFiles.shared("models/keras/" + keras));
    assertThat(TestFiles.outputs(ours).get(0)).doesNotContain(Float.NaN);
  }

  @Test
  void weightsOnlyAreRefused() {
    Path file = TestFiles.shared("models/keras/dtln.h5");
    assertThatThrownBy(() -> TestFiles.read(file))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("holds weights only");
  }

  @Test
  void contentTellsWhatAFileIs() throws IOException {
    assertThat(KerasModel.isKeras(TestFiles.digits("digits.h5"))).isTrue();
    assertThat(KerasModel.isKeras(TestFiles.digits("digits.tflite"))).isFalse();
    assertThat(KerasModel.isKeras(folder)).isFalse();
    assertThat(KerasModel.isKeras(folder.resolve("none"))).isFalse();
    Path empty = Files.write(folder.resolve("empty.h5"), new byte[0]);
    assertThat(KerasModel.isKeras(empty)).isFalse();
  }

  @Test
  void truncatedFileIsRefused() throws IOException {
    byte[] bytes = Files.readAllBytes(TestFiles.digits("digits.h5"));
    for (int length : new int[] {0, 7, 8, 100, 2000, bytes.length / 2, bytes.length - 1}) {
      Path cut = Files.write(folder.resolve("cut.h5"), Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> TestFiles.read(cut))
          .as("%d bytes", length)
          .isInstanceOfSatisfying(
              NarrowException.class,
              e -> assertThat(e.kind()).isEqualTo(NarrowException.Kind.INPUT))
          .hasMessageStartingWith(cut.toString());
    }
  }
}
