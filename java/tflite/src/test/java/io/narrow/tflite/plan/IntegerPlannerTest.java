package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class IntegerPlannerTest extends RangedModel {
  private List<Integer> chainWithFloatOperators() {
    int x = ranged("x", -1, 1, 1, 4);
    int a = ranged("a", 0, 1, 1, 4);
    int n = ranged("n", -1, 0, 1, 4);
    int y = ranged("y", 0, 1, 1, 4);
    b.operator("ABS", new int[] {x}, a)
        .operator("SIN", new int[] {a}, n)
        .operator("COS", new int[] {n}, y)
        .inputs(x)
        .outputs(y);
    return List.of(x, a, n, y);
  }

  @Test
  void operatorsWithoutAKernelStayFloatBetweenConversions() {
    chainWithFloatOperators();
    Plan plan = plan();
    assertThat(names(plan)).containsExactly("QUANTIZE", "ABS", "DEQUANTIZE", "SIN", "COS");
    assertThat(plan.operators().get(1).precision()).isEqualTo(Precision.FLOAT32);
    assertThat(plan.operators().get(1).reason().text()).isEqualTo("SIN has no int8 kernel");
    assertThat(plan.activations().get(2).reason().text())
        .isEqualTo("SIN computes it as float32: SIN has no int8 kernel");
  }

  @Test
  void strictNamesAllOperatorsThatWouldStayFloat() {
    chainWithFloatOperators();
    assertThatThrownBy(() -> plan(Recipe.int8().withStrict()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("SIN (operator 1): SIN has no int8 kernel")
        .hasMessageContaining("COS (operator 2): COS has no int8 kernel");
  }

  @Test
  void tensorThatWasNeverSeenKeepsItsNeighboursFloat() {
    List<Integer> tensors = chainWithFloatOperators();
    ranges.remove(tensors.get(1));
    Plan plan = plan();
    assertThat(plan.changesAnything()).isFalse();
    assertThat(plan.operators().get(0).reason().text())
        .isEqualTo("calibration saw no value of `a`");
  }

  @Test
  void markForWhatIsIgnoredKeepsItsNeighboursFloat() {
    List<Integer> tensors = chainWithFloatOperators();
    ranges.put(tensors.get(1), new FloatRange(0, 1e9f, 0, 0));
    assertThat(plan().operators().get(0).reason().text()).startsWith("`a` reaches 1.0E9");
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
    assertThat(names(plan)).containsExactly("ABS", "DEQUANTIZE", "SIN", "COS", "QUANTIZE");
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
  void recipesThatContradictThemselvesNameTheOption() {
    assertThatThrownBy(() -> Recipe.int8().withBoundary(TensorType.INT16, TensorType.INT8))
        .hasMessage("input type int16: this recipe has float32, uint8, int8");
    assertThatThrownBy(() -> Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.UINT8))
        .hasMessage("output type uint8: this recipe has float32, int16");
    assertThatThrownBy(() -> Recipe.dynamic().withStrict()).hasMessageStartingWith("strict: ");
    chainWithFloatOperators();
    assertThatThrownBy(() -> Planner.plan(b.build(), Recipe.int8()))
        .hasMessageContaining("needs the ranges of a calibration");
  }
}
