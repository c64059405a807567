package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.keras.graph.Encoding;
import io.narrow.keras.graph.Pairs;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models trained with fake quantization, beside what TensorFlow's converter makes of the same. */
class QuantizationAwareTest {
  /** Of a probability; a code more or less in between, by rounding, is far from it. */
  private static final double TOLERANCE = 5e-3;

  @TempDir private Path folder;

  /** What QUANTIZE makes of constants, by their shape, and the scales of computed numbers. */
  private record Pairs(Map<String, int[]> codes, Map<String, float[]> scales, List<String> others) {
    static Pairs of(Model model) {
      Pairs pairs = new Pairs(new TreeMap<>(), new TreeMap<>(), new ArrayList<>());
      Subgraph main = model.subgraphs().get(0);
      List<Operator> operators = main.operators();
      for (Operator operator : operators) {
        if (!operator.name().equals("QUANTIZE")) {
          continue;
        }
        Tensor given = main.tensor(operator.inputs()[0]);
        Tensor codes = main.tensor(operator.outputs()[0]);
        assertThat(operators)
            .as("%s goes through DEQUANTIZE alone", codes.name())
            .filteredOn(reader -> contains(reader.inputs(), operator.outputs()[0]))
            .allMatch(reader -> reader.name().equals("DEQUANTIZE"))
            .hasSize(1);
        if (given.buffer() == 0 || model.buffer(given.buffer()).remaining() == 0) {
          pairs.others().add(codes.scales()[0] + " " + codes.zeroPoints()[0]);
        } else {
          FloatBuffer numbers =
              model.buffer(given.buffer()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
          assertThat(pairs.codes().put(given.shapeText(), codes(numbers, given, codes))).isNull();
          pairs.scales().put(given.shapeText(), codes.scales());
        }
      }
      pairs.others().sort(null);
      return pairs;
    }

    private static boolean contains(int[] list, int number) {
      return Arrays.stream(list).anyMatch(element -> element == number);
    }

    private static int[] codes(FloatBuffer numbers, Tensor given, Tensor quantized) {
      float[] scales = quantized.scales();
      int[] codes = new int[numbers.remaining()];
      long inner = scales.length == 1 ? 1 : given.inner(quantized.quantizedDimension());
      for (int i = 0; i < codes.length; i++) {
        int channel = (int) (i / inner % scales.length);
        long code =
            Math.round(numbers.get(i) / (double) scales[channel]) + quantized.zeroPoints()[channel];
        codes[i] = (int) Math.max(0, Math.min(255, code));
      }
      return codes;
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "qat_residual.h5",
        "qat_residual.keras",
        "qat_two_outputs.h5",
        "qat_dense_only.h5"
      })
  void pairsAreThoseOfTheConverter(String name) {
    Path theirs = TestFiles.shared("models/qat/" + name.replaceFirst("\\.[^.]*$", "_qdq.tflite"));
    Model model = TestFiles.read(TestFiles.shared("models/qat/" + name));
    Pairs pairs = Pairs.of(model);
    Pairs expected = Pairs.of(Model.read(theirs));
    assertThat(pairs.others()).isNotEmpty().isEqualTo(expected.others());
    assertThat(pairs.codes()).isNotEmpty().containsOnlyKeys(expected.codes().keySet());
    expected
        .codes()
        .forEach(
            (shape, codes) -> {
              assertThat(pairs.codes().get(shape)).as(shape).isEqualTo(codes);
              float[] scales = expected.scales().get(shape);
              assertThat(pairs.scales().get(shape)).hasSameSizeAs(scales);
              for (int i = 0; i < scales.length; i++) {
                // TensorFlow rounds the factors of batch normalization twice.
                assertThat((double) pairs.scales().get(shape)[i] / scales[i])
                    .isBetween(1 - 3e-7, 1 + 3e-7);
              }
            });
    Path ours = folder.resolve("imported.tflite");
    model.write(ours);
    assertThat(TestFiles.namedDifference(ours, theirs)).isLessThan(TOLERANCE);
  }

  /** From the Keras file to integers: as many operators, the same codes, as near to Keras. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "qat_residual.h5",
        "qat_residual.keras",
        "qat_two_outputs.h5",
        "qat_dense_only.h5"
      })
  void integersAreThoseOfTheConverter(String name) throws IOException {
    String base = "models/qat/" + name.replaceFirst("\\.[^.]*$", "");
    Model imported = TestFiles.read(TestFiles.shared("models/qat/" + name));
    Model made = Quantizer.DEFAULT.quantize(imported, Recipe.int8());
    Path ours = folder.resolve("ours.tflite");
    made.write(ours);
    Path converter = TestFiles.shared(base + "_converter.tflite");
    Model theirs = Model.read(converter);
    assertThat(weights(made)).isNotEmpty().containsExactlyInAnyOrderElementsOf(weights(theirs));
    assertThat(integers(made)).containsExactlyInAnyOrderElementsOf(integers(theirs));
    Path trained = TestFiles.shared(base + "_qdq.tflite"); // 139 dB from the Keras model
    Path images = folder.resolve("x.npy"); // without labels, which are those of one output only
    try (ZipFile archive = new ZipFile(TestFiles.shared(base + "_expected.npz").toFile())) {
      Files.copy(archive.getInputStream(archive.getEntry("x.npy")), images);
    }
    Dataset data = Dataset.open(images + "?scale=1/255");
    List<Evaluation> all =
        Evaluator.evaluate(List.of(trained, converter, ours), data, Evaluator.Options.DEFAULT);
    assertThat(all.get(2).samples()).isEqualTo(60);
    assertThat(all.get(2).sqnrDb()).isGreaterThan(all.get(1).sqnrDb() - .5);
    assertThat(all.get(2).agreement()).isGreaterThanOrEqualTo(all.get(1).agreement());
  }

  /** Shape and codes of each constant of int8. */
  private static List<String> weights(Model model) {
    return model.subgraphs().get(0).tensors().stream()
        .filter(tensor -> tensor.type() == TensorType.INT8 && model.isConstant(tensor))
        .map(
            tensor -> {
              ByteBuffer codes = model.contents(tensor);
              byte[] bytes = new byte[codes.remaining()];
              codes.get(bytes);
              return tensor.shapeText() + Arrays.toString(bytes);
            })
        .toList();
  }

  private static List<String> integers(Model model) {
    Subgraph main = model.subgraphs().get(0);
    return main.operators().stream()
        .filter(operator -> !operator.name().endsWith("QUANTIZE"))
        .filter(operator -> main.tensor(operator.outputs()[0]).type() == TensorType.INT8)
        .map(Operator::name)
        .toList();
  }

  /** The same arithmetic in the order of TensorFlow's kernel, on ranges that have no exact zero. */
  @Test
  void rangesMoveSoThatZeroHasACode() {
    Encoding encoding = Encoding.of(new float[] {-1f}, new float[] {2.1f}, false, false);
    assertThat(encoding.scales()[0]).isEqualTo(((double) 2.1f + 1) / 255);
    assertThat(encoding.zeroPoints()).containsExactly(82); // 255 / 3.1 = 82.26
    assertThat(encoding.rounded(0, 0)).isZero();
    assertThat(encoding.rounded(-5, 0)).isEqualTo(-82 * encoding.written()[0]);
    assertThat(encoding.rounded(5, 0)).isEqualTo(173 * encoding.written()[0]);
  }

  @Test
  void rangeAwayFromZeroBeginsThere() {
    Encoding above = Encoding.of(new float[] {1f}, new float[] {3f}, false, false);
    assertThat(above.zeroPoints()).containsExactly(0);
    assertThat(above.rounded(9, 0)).isEqualTo(255 * above.written()[0]).isEqualTo(2f);
    Encoding below = Encoding.of(new float[] {-3f}, new float[] {-1f}, false, false);
    assertThat(below.zeroPoints()).containsExactly(255);
  }

  @Test
  void narrowRangeLeavesTheLeastCodeOut() {
    Encoding encoding = Encoding.of(new float[] {-1.27f}, new float[] {1.27f}, true, true);
    assertThat(encoding.zeroPoints()).containsExactly(128);
    assertThat(encoding.isSymmetric()).isTrue();
    assertThat(encoding.rounded(-9, 0)).isEqualTo(-127 * encoding.written()[0]);
  }

  @Test
  void factorsOfEitherSignKeepCodesAndScalesPositive() {
    Encoding encoding = Encoding.of(new float[] {-1f}, new float[] {1f}, true, true);
    double scale = encoding.scales()[0];
    Encoding folded = encoding.times(new float[] {2, -3, 0, 1e-40f}, 0);
    assertThat(folded.scales()).containsExactly(2 * scale, 3 * scale, scale, scale);
    assertThat(folded.zeroPoints()).containsOnly(128);
  }

  @Test
  void channelsOfDepthwiseKernelsShareTheRangesInTurn() {
    Encoding encoding =
        Encoding.of(new float[] {-1f, -2f}, new float[] {1f, 2f}, true, true).along(3, 4);
    double scale = 2 / 254.0;
    assertThat(encoding.axis()).isEqualTo(3);
    assertThat(encoding.scales()).containsExactly(scale, 2 * scale, scale, 2 * scale);
  }
}
