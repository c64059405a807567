package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.KnownEncodings.Place;
import io.narrow.tflite.rewrite.Rewriter;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KnownEncodingsTest extends RangedModel {
  private static final byte[] CODES = {100, -3, 5, 7, -90, 1, 2, 4};
  private static final int WEIGHTS = 1;
  private static final int BIAS = 2;

  /** Two rows whose codes are not those that their values would be rounded to. */
  private KnownEncodings known(int axis, float... scales) {
    fullyConnected(new float[] {0.9f, 0, 0, 0, -0.9f, 0, 0, 0}, new float[] {0.5f, -0.5f});
    Encoding encoding = new Encoding(TensorType.INT8, axis, scales, 0);
    Known weights = new Known(encoding, Optional.of(Buffer.of(ByteBuffer.wrap(CODES))), "known");
    return KnownEncodings.of(Map.of(new Place(0, WEIGHTS), weights));
  }

  private Model quantized(Recipe recipe, KnownEncodings known) {
    return Rewriter.rewrite(
        Planner.plan(
            b.build(), recipe, (s, tensor, t) -> Optional.ofNullable(ranges.get(tensor)), known));
  }

  private static byte[] codes(Model model, Tensor tensor) {
    byte[] codes = new byte[model.contents(tensor).remaining()];
    model.contents(tensor).get(codes);
    return codes;
  }

  @Test
  void codesOfAChannelEachStayWhatTheyAre() {
    KnownEncodings known = known(0, 0.01f, 0.02f);
    for (Recipe recipe : List.of(Recipe.int8(), Recipe.int16x8())) {
      Model model = quantized(recipe, known);
      Tensor weights = constant(model, "FULLY_CONNECTED", 1);
      assertThat(codes(model, weights)).as(recipe.toString()).isEqualTo(CODES);
      assertThat(weights.scales()).containsExactly(0.01f, 0.02f);
    }
  }

  @Test
  void knownWeightsAreStoredInIntegersHoweverFew() {
    byte[] codes = new byte[2 * 64];
    codes[70] = -77;
    fullyConnected(new float[codes.length], new float[2]);
    Known weights =
        new Known(
            new Encoding(TensorType.INT8, 0, new float[] {1, 2}, 0),
            Optional.of(Buffer.of(ByteBuffer.wrap(codes))),
            "known");
    KnownEncodings known = KnownEncodings.of(Map.of(new Place(0, WEIGHTS), weights));
    Model model = quantized(Recipe.dynamic(), known);
    assertThat(codes(model, constant(model, "FULLY_CONNECTED", 1))).isEqualTo(codes);
  }

  @Test
  void oneScaleIsTheSameForEveryChannel() {
    Model model = quantized(Recipe.int8(), known(-1, 0.01f));
    Tensor weights = constant(model, "FULLY_CONNECTED", 1);
    assertThat(codes(model, weights)).isEqualTo(CODES);
    assertThat(weights.scales()).containsExactly(0.01f, 0.01f);
  }

  @Test
  void scalesOfAnotherAxisAreNoUse() {
    Model model = quantized(Recipe.int8(), known(1, 0.01f, 0.02f, 0.03f, 0.04f));
    assertThat(constant(model, "FULLY_CONNECTED", 1).scales()).hasSize(2);
    assertThat(codes(model, constant(model, "FULLY_CONNECTED", 1))[0]).isEqualTo((byte) 127);
  }

  @Test
  void biasThatIsTooLargeForTheScaleRoundsTheWeightsAnew() {
    Model model = quantized(Recipe.int8(), known(0, 1e-12f, 0.02f));
    Tensor weights = constant(model, "FULLY_CONNECTED", 1);
    assertThat(weights.scales()[0]).isGreaterThan(1e-12f);
    assertThat(codes(model, weights)).isNotEqualTo(CODES);
  }

  @Test
  void otherBiasLeavesScalesAndCodes() {
    KnownEncodings known = known(0, 0.01f, 0.02f);
    Plan plan =
        Planner.plan(
            b.build(),
            Recipe.int8(),
            (s, tensor, t) -> Optional.ofNullable(ranges.get(tensor)),
            known);
    Plan edited = plan.with(List.of(new Bias(0, 0, BIAS, new float[] {0.25f, -1})));
    Model model = Rewriter.rewrite(edited);
    assertThat(edited.integerOperators()).isEqualTo(plan.integerOperators());
    assertThat(codes(model, constant(model, "FULLY_CONNECTED", 1))).isEqualTo(CODES);
    ByteBuffer bias = model.contents(constant(model, "FULLY_CONNECTED", 2));
    float[] scales = constant(model, "FULLY_CONNECTED", 2).scales();
    assertThat(bias.getInt(0) * scales[0]).isCloseTo(0.25f, within(scales[0]));
    assertThat(bias.getInt(4) * scales[1]).isCloseTo(-1, within(scales[1]));
  }

  @Test
  void biasIsAddedWhereThereWasNone() {
    int x = ranged("x", -1, 1, 1, 4);
    int w = b.constant("w", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
    int y = ranged("y", -100, 100, 1, 2);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, -1}, y).inputs(x).outputs(y);
    Plan edited = plan().with(List.of(new Bias(0, 0, BIAS, new float[] {0.25f, -1})));
    Model model = Rewriter.rewrite(edited);
    Tensor bias = constant(model, "FULLY_CONNECTED", 2);
    assertThat(bias.type()).isEqualTo(TensorType.INT32);
    assertThat(model.contents(bias).getInt(4) * bias.scales()[1])
        .isCloseTo(-1, within(bias.scales()[1]));
    assertThat(edited.tensors()).extracting(TensorPlan::name).containsExactly("w", "y_bias");
  }

  @Test
  void biasOfTwoOperatorsChangesForOne() {
    int x = ranged("x", -1, 1, 1, 4);
    int w = b.constant("w", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
    int c = b.constant("c", new float[] {0.5f, 0.5f}, 2);
    int y = ranged("y", -100, 100, 1, 2);
    int z = ranged("z", -100, 100, 1, 2);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, c}, y)
        .operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, c}, z)
        .inputs(x)
        .outputs(y, z);
    Model model =
        Rewriter.rewrite(plan().with(List.of(new Bias(0, 1, BIAS, new float[] {0.25f, -1}))));
    var operators =
        model.subgraphs().get(0).operators().stream()
            .filter(o -> o.name().equals("FULLY_CONNECTED"))
            .toList();
    Tensor first = model.subgraphs().get(0).tensor(operators.get(0).input(BIAS));
    Tensor second = model.subgraphs().get(0).tensor(operators.get(1).input(BIAS));
    assertThat(model.contents(first).getInt(4) * first.scales()[1])
        .isCloseTo(0.5f, within(first.scales()[1]));
    assertThat(model.contents(second).getInt(4) * second.scales()[1])
        .isCloseTo(-1, within(second.scales()[1]));
  }
}
