package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that were trained to be quantized: what the graph says is what is done. */
class TrainedTest {
  @TempDir private Path folder;

  /** Every operator, code and scale, without data, as the TensorFlow converter has them. */
  @ParameterizedTest
  @CsvSource({"residual, 11", "two_outputs, 9", "dense_only, 3"})
  void pairsGiveTheConvertersOperatorsAndCodes(String name, int integers) {
    Model model = Model.read(Shared.file("models/qat/qat_" + name + "_qdq.tflite"));
    Model made = Quantizer.DEFAULT.quantize(model, Recipe.int8());
    Model expected = Model.read(Shared.file("models/qat/qat_" + name + "_converter.tflite"));
    Subgraph converter = expected.subgraphs().get(0);
    List<Operator> operators = inIntegers(made);
    List<Operator> theirs = inIntegers(expected);
    assertThat(operators).hasSize(integers).hasSameSizeAs(theirs);
    for (int i = 0; i < operators.size(); i++) {
      assertThat(operators.get(i).name()).isEqualTo(theirs.get(i).name());
      for (int place = 0; place < operators.get(i).inputs().length; place++) {
        Tensor ours = made.subgraphs().get(0).tensor(operators.get(i).input(place));
        Tensor other = converter.tensor(theirs.get(i).input(place));
        if (other.type() == TensorType.INT8 && expected.isConstant(other)) {
          assertThat(made.contents(ours)).isEqualTo(expected.contents(other));
        }
        if (other.type() == TensorType.INT8) {
          assertThat(ours.zeroPoints()[0]).isEqualTo(other.zeroPoints()[0]);
          assertThat(ours.scales()[0] / other.scales()[0]).isEqualTo(1, within(1e-6f));
        }
      }
    }
  }

  private static List<Operator> inIntegers(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    return graph.operators().stream()
        .filter(o -> !o.name().endsWith("QUANTIZE"))
        .filter(o -> graph.tensor(o.outputs()[0]).type() == TensorType.INT8)
        .toList();
  }

  /** What is not rounded as in training is another model: float recipes keep the rounding. */
  @ParameterizedTest
  @ValueSource(strings = {"residual", "two_outputs", "dense_only"})
  void floatRecipesKeepTheRounding(String name) {
    Path file = Shared.file("models/qat/qat_" + name + "_qdq.tflite");
    Path wide = folder.resolve("wide.tflite");
    Quantizer.DEFAULT.quantize(Model.read(file), Recipe.of(Mode.FLOAT32)).write(wide);
    assertThat(RuntimeComparison.sqnr(file, wide, true)).isGreaterThan(100);
    assertThat(RuntimeComparison.sqnr(file, wide, false)).isGreaterThan(100);
  }

  /** {@code RELU(FULLY_CONNECTED(x, w) + b)}, rounded by FAKE_QUANT everywhere. */
  private static Model fakeQuantized(boolean narrow) {
    ModelBuilder builder = new ModelBuilder(5);
    int x = builder.floats("x", 1, 8);
    int rounded = builder.floats("rounded", 1, 8);
    int w = builder.weights("w", 4, 8);
    int codes = builder.floats("codes", 4, 8);
    int bias = builder.weights("bias", 4);
    int sum = builder.floats("sum", 1, 4);
    int y = builder.floats("y", 1, 4);
    return builder
        .operator("FAKE_QUANT", range(-1, 1, false), new int[] {x}, rounded)
        .operator("FAKE_QUANT", range(-.2f, .2f, narrow), new int[] {w}, codes)
        .operator(
            "FULLY_CONNECTED",
            Table.of("FullyConnectedOptions").with("fused_activation_function", 1),
            new int[] {rounded, codes, bias},
            sum)
        .operator("FAKE_QUANT", range(0, .9f, false), new int[] {sum}, y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  private static Table range(float min, float max, boolean narrow) {
    return Table.of("FakeQuantOptions")
        .with("min", min)
        .with("max", max)
        .with("num_bits", 8)
        .with("narrow_range", narrow ? 1 : 0);
  }

  @Test
  void fakeQuantGivesTheRangesAndTheCodes() {
    Model model = fakeQuantized(true);
    Model made = Quantizer.DEFAULT.quantize(model, Recipe.int8());
    assertThat(inIntegers(made)).extracting(Operator::name).containsExactly("FULLY_CONNECTED");
    assertThat(made.subgraphs().get(0).operators())
        .extracting(Operator::name)
        .containsExactly("QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE");
    Tensor weights = made.subgraphs().get(0).tensor(inIntegers(made).get(0).input(1));
    ByteBuffer codes = made.contents(weights);
    ByteBuffer values = model.contents(model.subgraphs().get(0).tensor(2));
    while (codes.hasRemaining()) {
      float clamped = Math.max(-.2f, Math.min(.2f, values.getFloat()));
      assertThat((int) codes.get()).isEqualTo(Math.round(clamped / (.4f / 254)));
    }
  }

  @Test
  void fakeQuantComesOutAsItRuns() {
    Model model = fakeQuantized(false); // the runtime has no other kernel
    Path before = folder.resolve("before.tflite");
    Path after = folder.resolve("after.tflite");
    model.write(before);
    Quantizer.DEFAULT.quantize(model, Recipe.int8()).write(after);
    for (boolean xnnpack : new boolean[] {true, false}) {
      // A sum on the border between two codes may fall on either side.
      assertThat(RuntimeComparison.sqnr(before, after, xnnpack)).isGreaterThan(35);
    }
  }

  @Test
  void tensorThatIsRoundedTwiceInDifferentWaysKeepsTheSecond() {
    ModelBuilder builder = new ModelBuilder(6);
    int x = builder.floats("x", 1, 8);
    int first = builder.floats("first", 1, 8);
    int second = builder.floats("second", 1, 8);
    int sum = builder.floats("sum", 1, 8);
    Model model =
        builder
            .operator("FAKE_QUANT", range(-1, 1, false), new int[] {x}, first)
            .operator("FAKE_QUANT", range(-.1f, .1f, false), new int[] {x}, second)
            .operator("ADD", Table.of("AddOptions"), new int[] {first, second}, sum)
            .inputs(x)
            .outputs(sum)
            .build();
    Folded folded = Fold.of(model);
    assertThat(folded.model().subgraphs().get(0).operators())
        .extracting(Operator::name)
        .containsExactly("FAKE_QUANT", "ADD");
  }
}
