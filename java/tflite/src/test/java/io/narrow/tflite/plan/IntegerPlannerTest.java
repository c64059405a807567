package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;
import static org.assertj.core.data.Percentage.withPercentage;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class IntegerPlannerTest {
  private static final Table CONCATENATION = Table.of("ConcatenationOptions").with("axis", 1);
  private static final Table FULLY_CONNECTED = Table.of("FullyConnectedOptions");

  private final ModelBuilder b = new ModelBuilder(1);
  private final Map<Integer, FloatRange> ranges = new HashMap<>();

  private int ranged(String name, float min, float max, int... shape) {
    int tensor = b.floats(name, shape);
    ranges.put(tensor, new FloatRange(min, max, 0, 0));
    return tensor;
  }

  private Plan plan(Recipe recipe) {
    return Planner.plan(
        b.build(), recipe, (subgraph, tensor, type) -> Optional.ofNullable(ranges.get(tensor)));
  }

  private Plan plan() {
    return plan(Recipe.int8());
  }

  private static Encoding produced(Plan plan, int tensor) {
    return plan.activations().stream()
        .filter(activation -> activation.tensor() == tensor)
        .findFirst()
        .orElseThrow()
        .produced();
  }

  private static List<String> names(Plan plan) {
    return Rewriter.rewrite(plan).subgraphs().get(0).operators().stream()
        .map(Operator::name)
        .toList();
  }

  /** The constant that the operator with this name reads at this place. */
  private static Tensor constant(Model model, String operator, int place) {
    Subgraph subgraph = model.subgraphs().get(0);
    return subgraph.operators().stream()
        .filter(each -> each.name().equals(operator))
        .map(each -> subgraph.tensor(each.input(place)))
        .findFirst()
        .orElseThrow();
  }

  /** Two results of kernels, of these largest values, one after another. */
  private int concatenation(float first, float second) {
    int x = ranged("x", -first, first, 1, 4);
    int z = ranged("z", -second, second, 1, 4);
    int a = ranged("a", 0, first, 1, 4);
    int c = ranged("c", 0, second, 1, 4);
    int y = ranged("y", 0, Math.max(first, second), 1, 8);
    b.operator("ABS", new int[] {x}, a)
        .operator("ABS", new int[] {z}, c)
        .operator("CONCATENATION", CONCATENATION, new int[] {a, c}, y)
        .inputs(x, z)
        .outputs(y);
    return y;
  }

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

  private void fullyConnected(float[] weights, float[] bias) {
    int inputs = weights.length / bias.length;
    int x = ranged("x", -1, 1, 1, inputs);
    int w = b.constant("w", weights, bias.length, inputs);
    int c = b.constant("bias", bias, bias.length);
    int y = ranged("y", -100, 100, 1, bias.length);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, c}, y).inputs(x).outputs(y);
  }

  /** The bias as the kernel sees it. */
  private static double[] bias(Model model) {
    Tensor tensor = constant(model, "FULLY_CONNECTED", 2);
    ByteBuffer codes = model.contents(tensor);
    double[] values = new double[tensor.dimension(0)];
    for (int c = 0; c < values.length; c++) {
      boolean wide = tensor.type() == TensorType.INT64;
      long code = wide ? codes.getLong(8 * c) : codes.getInt(4 * c);
      assertThat(Math.abs(code)).isLessThanOrEqualTo(wide ? 1L << 46 : 1L << 30);
      values[c] = code * (double) tensor.scales()[c];
    }
    return values;
  }

  @Test
  void biasThatOverflowsInt32GrowsTheWeightScale() {
    fullyConnected(new float[] {1e-9f, 1e-9f, 0.5f, 0.25f}, new float[] {100, 0.1f});
    Model rewritten = Rewriter.rewrite(plan());
    assertThat(bias(rewritten)[0]).isCloseTo(100, offset(1e-4));
    float[] scales = constant(rewritten, "FULLY_CONNECTED", 1).scales();
    assertThat(scales[0]).isGreaterThan(1e-9f / 127 * 2);
    float input =
        rewritten.subgraphs().get(0).tensors().stream()
            .filter(tensor -> tensor.name().equals("x_int8"))
            .findFirst()
            .orElseThrow()
            .scales()[0];
    float[] products = constant(rewritten, "FULLY_CONNECTED", 2).scales();
    for (int c = 0; c < 2; c++) {
      assertThat(products[c]).isCloseTo(input * scales[c], withPercentage(1e-4));
    }
  }

  @Test
  void biasOf64BitsStaysWithinThe48ThatKernelsRescale() {
    fullyConnected(new float[] {1e-9f, 1e-9f, 0.5f, 0.25f}, new float[] {100, 0.1f});
    Model rewritten = Rewriter.rewrite(plan(Recipe.int16x8()));
    assertThat(bias(rewritten)[0]).isCloseTo(100, offset(1e-4));
    float[] scales = constant(rewritten, "FULLY_CONNECTED", 1).scales();
    assertThat(scales[0]).isBetween(1e-8f, 1e-7f); // 2^16 times finer than with int32
    assertThat(scales[1]).isBetween(0.5f / 127 * 0.95f, 0.5f / 127);
    Operator operator = rewritten.subgraphs().get(0).operators().get(1);
    assertThat(operator.option("quantized_bias_type")).isEqualTo(TensorType.INT64.code());
  }

  @Test
  void deadChannelKeepsItsBias() {
    fullyConnected(new float[] {0, 0, 0.5f, 0.25f}, new float[] {0.1f, 0.1f});
    Model rewritten = Rewriter.rewrite(plan());
    assertThat(constant(rewritten, "FULLY_CONNECTED", 1).scales()[0]).isPositive();
    assertThat(bias(rewritten)[0]).isCloseTo(0.1, offset(1e-4));
  }

  @Test
  void biasOfTwoOperatorsIsStoredForEach() {
    int x = ranged("x", -1, 1, 1, 2);
    int z = ranged("z", -5, 5, 1, 2);
    int w = b.weights("w", 3, 2);
    int c = b.weights("bias", 3);
    int y = ranged("y", -1, 1, 1, 3);
    int v = ranged("v", -1, 1, 1, 3);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, c}, y)
        .operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {z, w, c}, v)
        .inputs(x, z)
        .outputs(y, v);
    Subgraph rewritten = Rewriter.rewrite(plan()).subgraphs().get(0);
    List<Operator> both =
        rewritten.operators().stream().filter(o -> o.name().equals("FULLY_CONNECTED")).toList();
    assertThat(both.get(0).input(1)).isEqualTo(both.get(1).input(1));
    assertThat(both.get(0).input(2)).isNotEqualTo(both.get(1).input(2));
  }

  private List<Integer> chainWithFloatOperators() {
    int x = ranged("x", -1, 1, 1, 4);
    int a = ranged("a", 0, 1, 1, 4);
    int n = ranged("n", -1, 0, 1, 4);
    int y = ranged("y", 0, 1, 1, 4);
    b.operator("ABS", new int[] {x}, a)
        .operator("NEG", new int[] {a}, n)
        .operator("COS", new int[] {n}, y)
        .inputs(x)
        .outputs(y);
    return List.of(x, a, n, y);
  }

  @Test
  void operatorsWithoutAKernelStayFloatBetweenConversions() {
    chainWithFloatOperators();
    Plan plan = plan();
    assertThat(names(plan)).containsExactly("QUANTIZE", "ABS", "DEQUANTIZE", "NEG", "COS");
    assertThat(plan.operators().get(1).precision()).isEqualTo(Precision.FLOAT32);
    assertThat(plan.operators().get(1).reason()).isEqualTo("NEG has no int8 kernel");
    assertThat(plan.activations().get(2).reason())
        .isEqualTo("NEG computes it as float32: NEG has no int8 kernel");
  }

  @Test
  void strictNamesAllOperatorsThatWouldStayFloat() {
    chainWithFloatOperators();
    assertThatThrownBy(() -> plan(Recipe.int8().withStrict()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("NEG (operator 1): NEG has no int8 kernel")
        .hasMessageContaining("COS (operator 2): COS has no int8 kernel");
  }

  @Test
  void tensorThatWasNeverSeenKeepsItsNeighboursFloat() {
    List<Integer> tensors = chainWithFloatOperators();
    ranges.remove(tensors.get(1));
    Plan plan = plan();
    assertThat(plan.changesAnything()).isFalse();
    assertThat(plan.operators().get(0).reason()).isEqualTo("calibration saw no value of `a`");
  }

  @Test
  void resultMuchFinerThanTheProductsIsWidened() {
    fullyConnected(new float[] {127, 127}, new float[] {0});
    ranges.put(3, new FloatRange(-1e-7f, 1e-7f, 0, 0));
    Encoding result = produced(plan(), 3);
    assertThat(result.scale()).isGreaterThan(2 / 255f / 256).isLessThan(2 / 255f / 64);
  }

  @Test
  void markForWhatIsIgnoredKeepsItsNeighboursFloat() {
    List<Integer> tensors = chainWithFloatOperators();
    ranges.put(tensors.get(1), new FloatRange(0, 1e9f, 0, 0));
    assertThat(plan().operators().get(0).reason()).startsWith("`a` reaches 1.0E9");
  }

  @Test
  void boundaryKeepsNumbersAndNames() {
    int y = concatenation(1, 1);
    Subgraph before = b.build().subgraphs().get(0);
    Plan plan = plan(Recipe.int8().withBoundary(TensorType.UINT8, TensorType.INT8));
    Subgraph after = Rewriter.rewrite(plan).subgraphs().get(0);
    assertThat(after.inputs()).isEqualTo(before.inputs());
    assertThat(after.outputs()).isEqualTo(before.outputs());
    assertThat(after.tensor(0).type()).isEqualTo(TensorType.UINT8);
    assertThat(after.tensor(0).name()).isEqualTo("x");
    assertThat(after.tensor(0).zeroPoints())
        .containsExactly(128 + Encoding.activation(TensorType.INT8, -1, 1).zeroPoint());
    assertThat(after.tensor(y).type()).isEqualTo(TensorType.INT8);
    assertThat(after.tensor(y).name()).isEqualTo("y");
    assertThat(names(plan)).containsExactly("QUANTIZE", "QUANTIZE", "ABS", "ABS", "CONCATENATION");
  }

  @Test
  void outputOfAFloatOperatorIsQuantizedForAnIntegerBoundary() {
    chainWithFloatOperators();
    Plan plan = plan(Recipe.int8().withBoundary(TensorType.INT8, TensorType.UINT8));
    assertThat(names(plan)).containsExactly("ABS", "DEQUANTIZE", "NEG", "COS", "QUANTIZE");
  }

  @Test
  void versionsAndRuntimeAreRaised() {
    fullyConnected(new float[] {0.5f, 0.25f}, new float[] {0.1f});
    Model int8 = Rewriter.rewrite(plan());
    assertThat(int8.subgraphs().get(0).operators())
        .extracting(Operator::version)
        .containsExactly(1, 4, 2);
    assertThat(int8.minimumRuntime()).isEqualTo("1.14.0");
    Model int16 = Rewriter.rewrite(plan(Recipe.int16x8()));
    assertThat(int16.subgraphs().get(0).operators())
        .extracting(Operator::version)
        .containsExactly(2, 11, 3);
    assertThat(int16.minimumRuntime()).isEqualTo("2.15.0");
  }

  @Test
  void twoPlansOfOneModelAreWrittenAlike() {
    concatenation(1, 0.3f);
    Model one = Rewriter.rewrite(plan());
    Model two = Rewriter.rewrite(plan());
    List<String> first = new ArrayList<>();
    List<String> second = new ArrayList<>();
    for (Tensor tensor : one.subgraphs().get(0).tensors()) {
      first.add(tensor + Arrays.toString(tensor.scales()));
    }
    for (Tensor tensor : two.subgraphs().get(0).tensors()) {
      second.add(tensor + Arrays.toString(tensor.scales()));
    }
    assertThat(first).isEqualTo(second);
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

  @Test
  void divisorsThatTheKernelDoesNotTakeStayFloat() {
    int x = ranged("x", -1, 1, 1, 2);
    int[] results = new int[4];
    int[] divisors = {
      b.constant("small", new float[] {1, 1e-4f}, 2),
      b.constant("negative", new float[] {1, -2}, 2),
      x,
      b.constant("good", new float[] {1, 2}, 2)
    };
    for (int i = 0; i < 4; i++) {
      results[i] = ranged("y" + i, -1, 1, 1, 2);
      b.operator("DIV", Table.of("DivOptions"), new int[] {x, divisors[i]}, results[i]);
    }
    b.inputs(x).outputs(results);
    assertThat(plan().operators().stream().map(OperatorPlan::precision))
        .containsExactly(
            Precision.FLOAT32, Precision.FLOAT32, Precision.FLOAT32, Precision.INTEGER);
  }

  @Test
  void aConstantOfTwoEncodingsLeavesNoFloatBehind() {
    int x = ranged("x", -1, 1, 1, 4);
    int z = ranged("z", -5, 5, 1, 4);
    int w = b.weights("w", 1, 4);
    int sum = ranged("sum", -2, 2, 1, 4);
    int most = ranged("most", -5, 5, 1, 4);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, w}, sum)
        .operator("MAXIMUM", Table.of("MaximumMinimumOptions"), new int[] {z, w}, most)
        .inputs(x, z)
        .outputs(sum, most);
    Model rewritten = Rewriter.rewrite(plan());
    assertThat(constant(rewritten, "ADD", 1).scales())
        .isNotEqualTo(constant(rewritten, "MAXIMUM", 1).scales());
    assertThat(rewritten.subgraphs().get(0).tensors())
        .filteredOn(rewritten::isConstant)
        .noneMatch(tensor -> tensor.type() == TensorType.FLOAT32);
  }

  @Test
  void recipesThatContradictThemselvesNameTheOption() {
    assertThatThrownBy(() -> Recipe.int8().withBoundary(TensorType.INT16, TensorType.INT8))
        .hasMessage("--input-type int16: this recipe has float32, uint8, int8");
    assertThatThrownBy(() -> Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.UINT8))
        .hasMessage("--output-type uint8: this recipe has float32, int16");
    assertThatThrownBy(() -> Recipe.dynamic().withStrict()).hasMessageStartingWith("--strict: ");
    chainWithFloatOperators();
    assertThatThrownBy(() -> Planner.plan(b.build(), Recipe.int8()))
        .hasMessageContaining("needs the ranges of a calibration");
  }
}
