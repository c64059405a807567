package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.TensorPlan.Use;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlannerTest {
  private static final Table FULLY_CONNECTED = Table.of("FullyConnectedOptions");
  private static final int NONE = -1;

  /** A model of one FULLY_CONNECTED operator with weights of this shape. */
  private static ModelBuilder fullyConnected(int outputs, int inputs) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, inputs);
    int w = b.weights("w", outputs, inputs);
    int y = b.floats("y", 1, outputs);
    return b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y)
        .inputs(x)
        .outputs(y);
  }

  private static TensorPlan plan(Model model, Recipe recipe, String tensor) {
    return Planner.plan(model, recipe).tensors().stream()
        .filter(plan -> plan.name().equals(tensor))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void weightsOf1023ElementsStayFloatAndOf1024DoNot() {
    TensorPlan small = plan(fullyConnected(33, 31).build(), Recipe.dynamic(), "w");
    assertThat(small.type()).isEqualTo(TensorType.FLOAT32);
    assertThat(small.reason().text()).isEqualTo("1023 elements, fewer than 1024");
    TensorPlan large = plan(fullyConnected(32, 32).build(), Recipe.dynamic(), "w");
    assertThat(large.type()).isEqualTo(TensorType.INT8);
    assertThat(large.encoding().axis()).isZero();
    assertThat(large.use()).isEqualTo(Use.DIRECT);
  }

  @Test
  void scalesReachTheLargestMagnitudeOfTheirChannel() {
    ModelBuilder b = fullyConnected(32, 32);
    Model model = b.build();
    TensorPlan plan = plan(model, Recipe.dynamic(), "w");
    var values = model.contents(model.subgraphs().get(0).tensor(1)).asFloatBuffer();
    for (int c = 0; c < 32; c++) {
      float largest = 0;
      for (int i = 0; i < 32; i++) {
        largest = Math.max(largest, Math.abs(values.get(c * 32 + i)));
      }
      assertThat(plan.encoding().scales()[c]).isEqualTo(largest / 127);
    }
  }

  @Test
  void channelThatIsZeroHasAPositiveScale() {
    ModelBuilder b = new ModelBuilder(1);
    float[] values = new float[64 * 32];
    Arrays.fill(values, 32, values.length, 0.5f);
    int x = b.floats("x", 1, 32);
    int w = b.constant("w", values, 64, 32);
    int y = b.floats("y", 1, 64);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y).inputs(x).outputs(y);
    assertThat(plan(b.build(), Recipe.dynamic(), "w").encoding().scales()[0]).isPositive();
  }

  @Test
  void weightsWithNaNStayFloat() {
    ModelBuilder b = new ModelBuilder(1);
    float[] values = new float[2048];
    values[77] = Float.NaN;
    int x = b.floats("x", 1, 32);
    int w = b.constant("w", values, 64, 32);
    int y = b.floats("y", 1, 64);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y).inputs(x).outputs(y);
    TensorPlan plan = plan(b.build(), Recipe.dynamic(), "w");
    assertThat(plan.isFloat()).isTrue();
    assertThat(plan.reason().text()).isEqualTo("holds NaN or infinity in channel 2");
  }

  @Test
  void biasStaysFloat() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 8);
    int w = b.weights("w", 2000, 8);
    int bias = b.weights("bias", 2000);
    int y = b.floats("y", 1, 2000);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, bias}, y).inputs(x).outputs(y);
    assertThat(plan(b.build(), Recipe.dynamic(), "bias").reason().text())
        .isEqualTo("FULLY_CONNECTED reads it as bias, which stays float32");
  }

  @Test
  void readerWithoutAKernelKeepsTheFloatWeights() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 32);
    int w = b.weights("w", 64, 32);
    int y = b.floats("y", 1, 64);
    int z = b.floats("z", 64, 32);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y)
        .operator("MUL", Table.of("MulOptions"), new int[] {x, w}, z)
        .inputs(x)
        .outputs(y, z);
    Model model = b.build();
    TensorPlan plan = plan(model, Recipe.dynamic(), "w");
    assertThat(plan.readers()).containsExactly(0);
    assertThat(plan.reason().text()).contains("MUL keeps a float32 copy");
    Subgraph rewritten = Rewriter.rewrite(Planner.plan(model, Recipe.dynamic())).subgraphs().get(0);
    Tensor read = rewritten.tensor(rewritten.operators().get(0).input(1));
    assertThat(read.type()).isEqualTo(TensorType.INT8);
    assertThat(rewritten.tensor(rewritten.operators().get(1).input(1)).type())
        .isEqualTo(TensorType.FLOAT32);
  }

  @Test
  void weightsSharedByTwoSubgraphsStayShared() {
    ModelBuilder b = fullyConnected(64, 32);
    b.subgraph();
    int x = b.floats("x2", 1, 32);
    int w = b.sharing("w2", 0, 1);
    int y = b.floats("y2", 1, 64);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y).inputs(x).outputs(y);
    Model rewritten = Rewriter.rewrite(Planner.plan(b.build(), Recipe.dynamic()));
    Tensor first = rewritten.subgraphs().get(0).tensor(1);
    Tensor second = rewritten.subgraphs().get(1).tensor(1);
    assertThat(first.type()).isEqualTo(TensorType.INT8);
    assertThat(second.buffer()).isEqualTo(first.buffer());
    assertThat(rewritten.contents(first).remaining()).isEqualTo(64 * 32);
    assertThat(rewritten.buffers().size()).isEqualTo(3); // the empty one, the weights, the release
  }

  @Test
  void bufferSharedInTwoShapesIsStoredForEach() {
    ModelBuilder b = fullyConnected(64, 32);
    b.subgraph();
    int x = b.floats("x2", 1, 64);
    int w = b.sharing("w2", 0, 1, 32, 64);
    int y = b.floats("y2", 1, 32);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, NONE}, y).inputs(x).outputs(y);
    Model model = b.build();
    Model rewritten = Rewriter.rewrite(Planner.plan(model, Recipe.dynamic()));
    var values = model.contents(model.subgraphs().get(0).tensor(1)).asFloatBuffer();
    for (Subgraph subgraph : rewritten.subgraphs()) {
      Tensor weights = subgraph.tensor(1);
      var codes = rewritten.contents(weights);
      int each = weights.dimension(1);
      for (int i = 0; i < 64 * 32; i++) {
        float scale = weights.scales()[i / each];
        assertThat(codes.get(i) * scale).isBetween(values.get(i) - scale, values.get(i) + scale);
      }
    }
  }

  @Test
  void gatheredRowsAreDequantizedAfterwards() {
    ModelBuilder b = new ModelBuilder(1);
    int w = b.weights("w", 100, 32);
    int ids = b.tensor("ids", TensorType.INT32, 4);
    int y = b.floats("y", 4, 32);
    b.operator("GATHER", Table.of("GatherOptions"), new int[] {w, ids}, y).inputs(ids).outputs(y);
    Subgraph rewritten =
        Rewriter.rewrite(Planner.plan(b.build(), Recipe.dynamic())).subgraphs().get(0);
    assertThat(rewritten.operators())
        .extracting(Operator::name)
        .containsExactly("GATHER", "DEQUANTIZE");
    assertThat(rewritten.operators().get(0).version()).isEqualTo(2);
    assertThat(rewritten.operators().get(1).outputs()).containsExactly(y);
    assertThat(rewritten.tensor(y).name()).isEqualTo("y");
  }

  @Test
  void float16KeepsTensorsBeyondItsRange() {
    ModelBuilder b = new ModelBuilder(1);
    float[] values = new float[2048];
    Arrays.fill(values, 1);
    values[5] = 70000;
    int x = b.floats("x", 64, 32);
    int c = b.constant("c", values, 64, 32);
    int y = b.floats("y", 64, 32);
    b.operator("MUL", Table.of("MulOptions"), new int[] {x, c}, y).inputs(x).outputs(y);
    Model model = b.build();
    Plan kept = Planner.plan(model, Recipe.float16());
    assertThat(kept.tensors().get(0).isFloat()).isTrue();
    assertThat(kept.warnings()).anyMatch(warning -> warning.text().contains("reaches 70000.0"));
    Plan clamped = Planner.plan(model, Recipe.float16().withSaturation());
    assertThat(clamped.tensors().get(0).type()).isEqualTo(TensorType.FLOAT16);
    assertThat(clamped.warnings())
        .anyMatch(warning -> warning.text().contains("1 value becomes its limit, 65504"));
  }

  @Test
  void float16LeavesConstantsThatWouldNotGetSmaller() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 8);
    int c = b.weights("c", 8);
    int y = b.floats("y", 8);
    b.operator("ADD", Table.of("AddOptions"), new int[] {x, c}, y).inputs(x).outputs(y);
    Plan plan = Planner.plan(b.build(), Recipe.float16());
    assertThat(plan.changesAnything()).isFalse();
    assertThat(plan.tensors().get(0).reason().text())
        .startsWith("8 elements: float16 would save 16 bytes");
    assertThat(plan.warnings()).singleElement().asString().startsWith("nothing to quantize");
  }

  @Test
  void constantThatIsAnOutputStays() {
    ModelBuilder b = fullyConnected(64, 32);
    b.outputs(2, 1);
    for (Recipe recipe : List.of(Recipe.dynamic(), Recipe.float16(), Recipe.weightOnly(8))) {
      assertThat(plan(b.build(), recipe, "w").reason().text())
          .isEqualTo("is an output of the model");
    }
  }

  @Test
  void operatorVersionsAndRuntimeAreRaised() {
    Model rewritten =
        Rewriter.rewrite(Planner.plan(fullyConnected(64, 32).build(), Recipe.dynamic()));
    assertThat(rewritten.subgraphs().get(0).operators().get(0).version()).isEqualTo(12);
    assertThat(rewritten.minimumRuntime()).isEqualTo("2.17.0");
  }

  @Test
  void twoPlansOfOneModelAreWrittenAlike() {
    Model model = fullyConnected(64, 32).build();
    for (Recipe recipe : List.of(Recipe.dynamic(), Recipe.float16(), Recipe.weightOnly(4))) {
      Model one = Rewriter.rewrite(Planner.plan(model, recipe));
      Model two = Rewriter.rewrite(Planner.plan(model, recipe));
      for (int i = 0; i < one.buffers().size(); i++) {
        assertThat(one.buffer(i)).isEqualTo(two.buffer(i));
      }
    }
  }

  @Test
  void alreadyQuantizedModelHasNothingToQuantize() {
    Model once = Rewriter.rewrite(Planner.plan(fullyConnected(64, 32).build(), Recipe.dynamic()));
    Plan again = Planner.plan(once, Recipe.dynamic());
    assertThat(again.changesAnything()).isFalse();
    assertThat(again.warnings())
        .extracting(Reason::text)
        .containsExactly("nothing to quantize: the model has no float32 constant");
  }

  @Test
  void recipesWithWrongNumbersNameTheSetting() {
    assertThatThrownBy(() -> Recipe.weightOnly(3))
        .isInstanceOf(NarrowException.class)
        .hasMessage("bits 3: has to be 8 or 4");
    assertThatThrownBy(() -> Mode.of("int7"))
        .isInstanceOf(NarrowException.class)
        .hasMessage(
            "mode int7: unknown, known modes are float32, dynamic, weight-only, float16, int8, int16x8");
  }
}
