package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;
import static org.assertj.core.data.Percentage.withPercentage;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class IntegerWeightsTest extends RangedModel {
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
}
