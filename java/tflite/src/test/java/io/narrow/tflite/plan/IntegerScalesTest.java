package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import org.junit.jupiter.api.Test;

class IntegerScalesTest extends RangedModel {
  @Test
  void operandHalfAsWideAsTheGroupSharesItsScale() {
    concatenation(1, 0.5f);
    Plan plan = plan();
    assertThat(names(plan))
        .containsExactly("QUANTIZE", "QUANTIZE", "ABS", "ABS", "CONCATENATION", "DEQUANTIZE");
    assertThat(produced(plan, 3)).isEqualTo(produced(plan, 4));
    assertThat(produced(plan, 3).scale()).isEqualTo(1 / 255f);
  }

  @Test
  void operandLessThanHalfAsWideAsTheGroupIsRequantized() {
    concatenation(1, 0.49f);
    Plan plan = plan();
    assertThat(names(plan))
        .containsExactly(
            "QUANTIZE", "QUANTIZE", "ABS", "ABS", "QUANTIZE", "CONCATENATION", "DEQUANTIZE");
    assertThat(produced(plan, 3).scale()).isEqualTo(0.49f / 255);
    assertThat(produced(plan, 2)).isEqualTo(produced(plan, 4));
    Subgraph rewritten = Rewriter.rewrite(plan).subgraphs().get(0);
    assertThat(rewritten.tensors()).anyMatch(tensor -> tensor.name().equals("c_requantized"));
  }

  @Test
  void groupHasTheUnionOfTheRangesOfItsMembers() {
    int x = ranged("x", -7, 2, 1, 8);
    int z = ranged("z", -7, 9, 1, 8);
    int a = ranged("a", -7, 9, 1, 8);
    int y = ranged("y", -1, 9, 2, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, z}, a)
        .operator("RESHAPE", new int[] {a}, y)
        .inputs(x, z)
        .outputs(y);
    Encoding encoding = produced(plan(), y);
    assertThat((Byte.MIN_VALUE - encoding.zeroPoint()) * encoding.scale())
        .isCloseTo(-7, offset(encoding.scale()));
    assertThat(encoding).isEqualTo(produced(plan(), a));
  }

  @Test
  void fixedResultIsNotWidenedByItsGroup() {
    int x = ranged("x", -6, 6, 1, 4);
    int p = ranged("p", 0, 1, 1, 4);
    int y = ranged("y", -6, 6, 1, 8);
    b.operator("LOGISTIC", new int[] {x}, p)
        .operator("CONCATENATION", CONCATENATION, new int[] {x, p}, y)
        .inputs(x)
        .outputs(y);
    Plan plan = plan();
    assertThat(produced(plan, p)).isEqualTo(Encoding.of(TensorType.INT8, 1f / 256, -128));
    assertThat(names(plan))
        .containsExactly("QUANTIZE", "LOGISTIC", "QUANTIZE", "CONCATENATION", "DEQUANTIZE");
  }

  @Test
  void reshapedProbabilitiesKeepTheFixedScale() {
    int x = ranged("x", -6, 6, 1, 4);
    int p = ranged("p", 0, 0.7f, 1, 4);
    int y = ranged("y", 0, 0.7f, 4);
    b.operator("SOFTMAX", Table.of("SoftmaxOptions"), new int[] {x}, p)
        .operator("RESHAPE", new int[] {p}, y)
        .inputs(x)
        .outputs(y);
    assertThat(produced(plan(), y)).isEqualTo(Encoding.of(TensorType.INT8, 1f / 256, -128));
  }

  @Test
  void fillerOfAPaddingIsClampedIntoTheRange() {
    int x = ranged("x", -2, 3, 1, 4);
    int by = b.constant("by", new int[] {0, 0, 1, 1}, 2, 2);
    int filler = b.constant("filler", new float[] {-Float.MAX_VALUE});
    int a = ranged("a", -2, 3, 1, 4);
    int y = ranged("y", -Float.MAX_VALUE, 3, 1, 6);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, a)
        .operator("PADV2", new int[] {a, by, filler}, y)
        .inputs(x)
        .outputs(y);
    Plan plan = plan();
    assertThat(produced(plan, y)).isEqualTo(Encoding.activation(TensorType.INT8, -2, 3));
    Model rewritten = Rewriter.rewrite(plan);
    Tensor stored = constant(rewritten, "PADV2", 2);
    assertThat(rewritten.contents(stored).get(0)).isEqualTo(Byte.MIN_VALUE);
    assertThat(stored.scales()).containsExactly(produced(plan, y).scale());
  }

  @Test
  void divisionWithAnActivationThatNoIntegerKernelHasStaysFloat() {
    int x = ranged("x", -2, 3, 1, 4);
    int a = ranged("a", -2, 3, 1, 4);
    int y = ranged("y", -1, 1, 1, 4);
    int divisor = b.constant("divisor", new float[] {2, 3, 4, 5});
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, a)
        .operator(
            "DIV",
            Table.of("DivOptions").with("fused_activation_function", 4),
            new int[] {a, divisor},
            y)
        .inputs(x)
        .outputs(y);
    assertThat(plan().integerOperators()).hasSize(1);
  }

  @Test
  void maximaOfWhatIsPaddedWithTheLeastValueAreIntegers() {
    int x = ranged("x", -2, 3, 1, 4, 4, 2);
    int by = b.constant("by", new int[] {0, 0, 1, 1, 1, 1, 0, 0}, 4, 2);
    int filler = b.constant("filler", new float[] {Float.NEGATIVE_INFINITY});
    int a = ranged("a", -2, 3, 1, 4, 4, 2);
    int padded = ranged("padded", -Float.MAX_VALUE, 3, 1, 6, 6, 2);
    int y = ranged("y", -1, 3, 1, 4, 4, 2);
    Table pool =
        Table.of("Pool2DOptions")
            .with("padding", 1)
            .with("stride_w", 1)
            .with("stride_h", 1)
            .with("filter_width", 3)
            .with("filter_height", 3);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, a)
        .operator("PADV2", new int[] {a, by, filler}, padded)
        .operator("MAX_POOL_2D", pool, new int[] {padded}, y)
        .inputs(x)
        .outputs(y);
    Plan plan = plan();
    assertThat(plan.integerOperators()).hasSize(3);
    assertThat(produced(plan, y)).isEqualTo(Encoding.activation(TensorType.INT8, -2, 3));
  }

  @Test
  void boundOfAMinimumIsClampedIntoTheRange() {
    int x = ranged("x", -2, 3, 1, 4);
    int bound = b.constant("bound", new float[] {1000});
    int a = ranged("a", -2, 3, 1, 4);
    int y = ranged("y", -2, 3, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, a)
        .operator("MINIMUM", new int[] {a, bound}, y)
        .inputs(x)
        .outputs(y);
    Plan plan = plan();
    assertThat(produced(plan, y)).isEqualTo(Encoding.activation(TensorType.INT8, -2, 3));
    Model rewritten = Rewriter.rewrite(plan);
    assertThat(rewritten.contents(constant(rewritten, "MINIMUM", 1)).get(0))
        .isEqualTo(Byte.MAX_VALUE);
  }

  @Test
  void resultMuchFinerThanTheProductsIsWidened() {
    fullyConnected(new float[] {127, 127}, new float[] {0});
    ranges.put(3, new FloatRange(-1e-7f, 1e-7f, 0, 0));
    Encoding result = produced(plan(), 3);
    assertThat(result.scale()).isGreaterThan(2 / 255f / 256).isLessThan(2 / 255f / 64);
  }

  @Test
  void whatIsOnlyClampedHasTheStepsOfWhatRemains() {
    int x = ranged("x", -1, 1, 1, 4);
    int sum = ranged("sum", -8, 4, 1, 4);
    int positive = ranged("positive", 0, 4, 1, 4);
    int product = ranged("product", -3, 3, 1, 4);
    int most = ranged("most", 1, 4, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, sum)
        .operator("RELU", new int[] {sum}, positive)
        .operator("MUL", Table.of("MulOptions"), new int[] {x, x}, product)
        .operator(
            "MAXIMUM",
            Table.of("MaximumMinimumOptions"),
            new int[] {product, b.constant("one", new float[] {1}, 1)},
            most)
        .inputs(x)
        .outputs(positive, most);
    Plan plan = plan();
    assertThat(produced(plan, sum)).isEqualTo(produced(plan, positive));
    assertThat(produced(plan, sum)).isEqualTo(Encoding.activation(TensorType.INT8, 0, 4));
    assertThat(produced(plan, product)).isEqualTo(Encoding.activation(TensorType.INT8, 0, 4));
    assertThat(produced(plan, most)).isEqualTo(produced(plan, product));
  }

  @Test
  void whatIsReadByOthersAsWellKeepsItsRange() {
    int x = ranged("x", -1, 1, 1, 4);
    int sum = ranged("sum", -8, 4, 1, 4);
    int positive = ranged("positive", 0, 4, 1, 4);
    int square = ranged("square", 0, 64, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, sum)
        .operator("RELU", new int[] {sum}, positive)
        .operator("MUL", Table.of("MulOptions"), new int[] {sum, sum}, square)
        .inputs(x)
        .outputs(positive, square);
    Plan plan = plan();
    assertThat(produced(plan, sum)).isEqualTo(Encoding.activation(TensorType.INT8, -8, 4));
    assertThat(produced(plan, positive)).isEqualTo(Encoding.activation(TensorType.INT8, 0, 4));
  }

  @Test
  void gatesGetNoCodesForWhatTheySaturate() {
    int x = ranged("x", -1, 1, 1, 4);
    int sum = ranged("sum", -285, 483, 1, 4);
    int moved = ranged("moved", -285, 483, 4, 1);
    int gate = ranged("gate", 0, 1, 4, 1);
    int cell = ranged("cell", -1, 1, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, sum)
        .operator("RESHAPE", new int[] {sum}, moved)
        .operator("LOGISTIC", new int[] {moved}, gate)
        .operator("TANH", new int[] {sum}, cell)
        .inputs(x)
        .outputs(gate, cell);
    assertThat(produced(plan(), sum)).isEqualTo(Encoding.activation(TensorType.INT8, -8, 8));
    assertThat(produced(plan(Recipe.int16x8()), sum))
        .isEqualTo(Encoding.activation(TensorType.INT16, -285, 483));
  }

  @Test
  void anOutputKeepsWhatGatesDoNotTellApart() {
    int x = ranged("x", -1, 1, 1, 4);
    int sum = ranged("sum", -285, 483, 1, 4);
    int gate = ranged("gate", 0, 1, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, x}, sum)
        .operator("LOGISTIC", new int[] {sum}, gate)
        .inputs(x)
        .outputs(gate, sum);
    assertThat(produced(plan(), sum)).isEqualTo(Encoding.activation(TensorType.INT8, -285, 483));
  }

  /** Half of an input is small, half is large: each half is quantized with its own step. */
  @Test
  void partsOfAFloatInputAreQuantizedApart() {
    int x = ranged("x", -60, 60, 2, 4);
    int small = ranged("small", -1, 1, 1, 4);
    int large = ranged("large", -60, 60, 1, 4);
    int sum = ranged("sum", -61, 61, 1, 4);
    int size = b.constant("size", new int[] {1, 4}, 2);
    int first = b.constant("first", new int[] {0, 0}, 2);
    int second = b.constant("second", new int[] {1, 0}, 2);
    b.operator("SLICE", new int[] {x, first, size}, small)
        .operator("SLICE", new int[] {x, second, size}, large)
        .operator("ADD", Table.of("AddOptions"), new int[] {small, large}, sum)
        .inputs(x)
        .outputs(sum);
    Plan plan = plan();
    assertThat(produced(plan, small)).isEqualTo(Encoding.activation(TensorType.INT8, -1, 1));
    assertThat(produced(plan, large)).isEqualTo(Encoding.activation(TensorType.INT8, -60, 60));
    assertThat(names(plan)).filteredOn(name -> name.equals("QUANTIZE")).hasSize(2);
    Plan whole = plan(Recipe.int8().withBoundary(TensorType.INT8, TensorType.FLOAT32));
    assertThat(produced(whole, small)).isEqualTo(produced(whole, large));
  }
}
