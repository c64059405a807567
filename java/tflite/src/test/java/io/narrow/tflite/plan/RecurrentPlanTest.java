package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.rewrite.RecurrentModels;
import io.narrow.tflite.rewrite.RecurrentModels.Feature;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Types, scales and reasons of what LSTM and SVDF have beside input and output. */
class RecurrentPlanTest {
  private static final Set<Feature> ALL =
      EnumSet.of(
          Feature.SEQUENCE,
          Feature.PEEPHOLE,
          Feature.NORMALIZED,
          Feature.PROJECTED,
          Feature.PROJECTION_BIAS);

  /** Every tensor is in [-1, 2] but for those named; intermediates are in [-3, 1]. */
  private static final class Stub implements Ranges {
    private final Map<Integer, FloatRange> named = new HashMap<>();
    private boolean intermediates = true;

    Stub with(int tensor, float min, float max) {
      named.put(tensor, min > max ? FloatRange.EMPTY : new FloatRange(min, max, 0, 0));
      return this;
    }

    Stub withoutIntermediates() {
      intermediates = false;
      return this;
    }

    @Override
    public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
      return Optional.of(named.getOrDefault(tensor, new FloatRange(-1, 2, 0, 0)));
    }

    @Override
    public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
      return Optional.of(new FloatRange(-3, 1, 0, 0)).filter(range -> intermediates);
    }
  }

  private static Model lstm(Set<Feature> features) {
    return RecurrentModels.lstm(new ModelBuilder(2), features).build();
  }

  private static Operator operator(Model model) {
    return model.subgraphs().get(0).operators().stream()
        .filter(each -> !each.name().endsWith("QUANTIZE"))
        .findFirst()
        .orElseThrow();
  }

  private static Tensor tensor(Model model, int place) {
    return model.subgraphs().get(0).tensor(operator(model).input(place));
  }

  private static float magnitude(Model model, int place) {
    ByteBuffer contents = model.contents(tensor(model, place));
    float largest = 0;
    while (contents.hasRemaining()) {
      largest = Math.max(largest, Math.abs(contents.getFloat()));
    }
    return largest;
  }

  private static String reason(Model model, Ranges ranges) {
    return reason(model, Recipe.int8(), ranges);
  }

  private static String reason(Model model, Recipe recipe, Ranges ranges) {
    OperatorPlan plan = Planner.plan(model, recipe, ranges).operators().get(0);
    assertThat(plan.precision()).isIn(Precision.FLOAT32, Precision.STORED);
    return plan.reason().text();
  }

  @Test
  void scalesOfAnLstmAreThoseOfTheSpecification() {
    Model before = lstm(ALL);
    Model after = Rewriter.rewrite(Planner.plan(before, Recipe.int8(), new Stub()));
    Subgraph graph = after.subgraphs().get(0);
    Operator lstm = operator(after);
    Tensor output = graph.tensor(lstm.outputs()[0]);
    assertThat(lstm.version()).isEqualTo(1);
    assertThat(tensor(after, 0).type()).isEqualTo(TensorType.INT8);
    assertThat(output.scales()).containsExactly(3 / 255f);
    for (int place : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 16}) {
      assertScale(after, place, TensorType.INT8, magnitude(before, place) / 127, .05);
    }
    for (int place : new int[] {9, 10, 11, 20, 21, 22, 23}) {
      assertScale(after, place, TensorType.INT16, magnitude(before, place) / 32767, 1e-6);
    }
    for (int gate = 0; gate < 4; gate++) {
      float coefficients = tensor(after, 20 + gate).scales()[0];
      assertScale(after, 12 + gate, TensorType.INT32, coefficients / 1024, 1e-6);
      Tensor inside = graph.tensor(lstm.intermediates()[gate]);
      assertThat(inside.type()).isEqualTo(TensorType.INT16);
      assertThat(inside.scales()).containsExactly(3f / 32767);
    }
    Tensor hidden = graph.tensor(lstm.intermediates()[4]);
    assertThat(hidden.type()).isEqualTo(TensorType.INT8);
    assertThat(hidden.scales()).containsExactly(3f / 127);
    assertThat(hidden.zeroPoints()).containsExactly(0);
    float projected = tensor(after, 16).scales()[0] * hidden.scales()[0];
    assertScale(after, 17, TensorType.INT32, projected, 1e-6);
    assertThat(tensor(after, 18).type()).isEqualTo(TensorType.INT8);
    assertThat(tensor(after, 18).scales()).isEqualTo(output.scales());
    assertThat(tensor(after, 18).zeroPoints()).isEqualTo(output.zeroPoints());
    assertScale(after, 19, TensorType.INT16, 2f / 32768, 0);
    for (int state : new int[] {18, 19}) {
      assertThat(tensor(after, state).isVariable()).isTrue();
      assertThat(after.contents(tensor(after, state)).remaining()).isZero();
    }
  }

  private static void assertScale(
      Model model, int place, TensorType type, double wanted, double tolerance) {
    Tensor tensor = tensor(model, place);
    assertThat(tensor.type()).isEqualTo(type);
    assertThat(tensor.zeroPoints()).containsExactly(0);
    assertThat(tensor.scales()).hasSize(1);
    assertThat(tensor.scales()[0] / wanted).isBetween(1 - tolerance, 1 + tolerance);
  }

  @Test
  void biasOfAGateHasTheScaleOfItsProductsAndHiddenIsTheOutput() {
    Model after =
        Rewriter.rewrite(
            Planner.plan(lstm(EnumSet.of(Feature.SEQUENCE)), Recipe.int8(), new Stub()));
    for (int gate = 0; gate < 4; gate++) {
      float product = tensor(after, 0).scales()[0] * tensor(after, 1 + gate).scales()[0];
      assertScale(after, 12 + gate, TensorType.INT32, product, 1e-6);
    }
    Subgraph graph = after.subgraphs().get(0);
    Tensor output = graph.tensor(operator(after).outputs()[0]);
    Tensor hidden = graph.tensor(operator(after).intermediates()[4]);
    assertThat(hidden.scales()).isEqualTo(output.scales());
    assertThat(hidden.zeroPoints()).isEqualTo(output.zeroPoints());
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "0.3, 1", "1, 1", "1.001, 2", "1.311, 2", "4, 4", "4.1, 8", "64, 64"})
  void scaleOfTheCellIsThePowerOfTwoThatReachesIt(float largest, float power) {
    Model model = lstm(EnumSet.of(Feature.SEQUENCE));
    int cell = operator(model).input(Lstm.CELL_STATE);
    Plan plan = Planner.plan(model, Recipe.int8(), new Stub().with(cell, -largest, 0));
    assertThat(tensor(Rewriter.rewrite(plan), Lstm.CELL_STATE).scales())
        .containsExactly(power / 32768);
  }

  @Test
  void cellThatTheKernelHasNoTanhForStaysFloat() {
    Model model = lstm(EnumSet.of(Feature.SEQUENCE));
    int cell = operator(model).input(Lstm.CELL_STATE);
    assertThat(reason(model, new Stub().with(cell, -64.5f, 0))).contains("reaches 64.5");
  }

  @Test
  void rangesThatAreMissingAreNamed() {
    Model model = lstm(ALL);
    int cell = operator(model).input(Lstm.CELL_STATE);
    assertThat(reason(model, new Stub().with(cell, 1, 0)))
        .startsWith("calibration saw no value of `cell state`");
    assertThat(reason(model, new Stub().withoutIntermediates()))
        .startsWith("calibration saw no value of its input_gate");
    assertThat(reason(lstm(EnumSet.of(Feature.PROJECTED)), new Stub().withoutIntermediates()))
        .startsWith("calibration saw no value of its hidden");
  }

  @Test
  void whatTheKernelsDoNotHaveStaysFloat() {
    Set<Feature> peephole = EnumSet.of(Feature.PEEPHOLE, Feature.PROJECTED);
    assertThat(reason(RecurrentModels.lstm(new ModelBuilder(2), peephole, 8).build(), new Stub()))
        .contains("peephole");
    Model svdf = RecurrentModels.svdf(new ModelBuilder(2), 1, 4, true, 0).build();
    assertThat(reason(svdf, new Stub()))
        .startsWith("its integer kernel has no other activation than RELU");
    Model sequence = lstm(EnumSet.of(Feature.SEQUENCE));
    assertThat(reason(sequence, Recipe.int16x8(), new Stub()))
        .startsWith("UNIDIRECTIONAL_SEQUENCE_LSTM has no int16 kernel");
    assertThatThrownBy(() -> Planner.plan(svdf, Recipe.int8().withStrict(), new Stub()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("SVDF (operator 0): its integer kernel");
  }

  @Test
  void lstmOfFiveInputsHasNoIntegerKernel() {
    ModelBuilder b = new ModelBuilder(2);
    int x = b.floats("x", 1, 4);
    int previous = b.floats("previous", 1, 3);
    int w = b.weights("w", 12, 7);
    int bias = b.weights("bias", 12);
    int cell = b.floats("cell", 1, 3);
    int[] out = {
      b.floats("y", 1, 3), b.floats("c", 1, 3), b.floats("g", 1, 12), b.floats("t", 1, 7)
    };
    Table options =
        Table.of("LSTMOptions").with("kernel_type", 1).with("fused_activation_function", 4);
    b.operator("LSTM", options, new int[] {x, previous, w, bias, cell}, out);
    Model model = b.inputs(x, previous, cell).outputs(out[0]).build();
    assertThat(reason(model, new Stub()))
        .isEqualTo("it has 5 inputs, and only with 20 or 24 a kernel");
  }

  @Test
  void lstmWithoutAnInputThatItNeedsIsNamedNotComputed() {
    // Without 1 it has no input gate, without 21 no layer normalization.
    Set<Integer> optional = Set.of(1, 9, 10, 11, 16, 17, 21);
    Model whole = lstm(ALL);
    for (int place = 0; place < 24; place++) {
      Model model = RecurrentModels.with(whole, operator(whole).withInput(place, -1));
      OperatorPlan plan = Planner.plan(model, Recipe.int8(), new Stub()).operators().get(0);
      if (!optional.contains(place)) {
        assertThat(plan.reason().text()).startsWith("it has no input " + place);
      }
    }
  }

  @Test
  void lstmOfOtherShapesIsRefusedInWords() {
    Model whole = lstm(EnumSet.of(Feature.SEQUENCE));
    int bias = operator(whole).input(12);
    Model model = RecurrentModels.with(whole, operator(whole).withInput(5, bias));
    assertThat(reason(model, new Stub())).startsWith("`bias0` has shape [12], usual is [12, 12]");
  }

  @Test
  void stateThatIsUsedElsewhereStaysFloat() {
    ModelBuilder b = new ModelBuilder(2);
    RecurrentModels.svdf(b, 1, true);
    int state = 4;
    int copy = b.floats("copy", 2, 24);
    b.operator("ABS", new int[] {state}, copy).outputs(5, copy);
    assertThat(reason(b.build(), new Stub())).startsWith("its state `state` is used elsewhere too");
  }

  @Test
  void zerosThatAStateIsSetToHaveItsEncoding() {
    Model after =
        Rewriter.rewrite(
            Planner.plan(
                lstm(EnumSet.of(Feature.SEQUENCE, Feature.CLEARED)), Recipe.int8(), new Stub()));
    Subgraph graph = after.subgraphs().get(0);
    Operator lstm =
        graph.operators().stream().filter(operator -> Lstm.is(operator)).findFirst().orElseThrow();
    Map<Integer, Integer> versions = Map.of(Lstm.OUTPUT_STATE, 2, Lstm.CELL_STATE, 4);
    versions.forEach(
        (place, version) -> {
          Operator split =
              graph.operators().stream()
                  .filter(o -> o.outputs()[0] == lstm.input(place))
                  .findFirst()
                  .orElseThrow();
          Tensor state = graph.tensor(lstm.input(place));
          Tensor zeros = graph.tensor(split.input(1));
          assertThat(split.version()).isEqualTo(version);
          assertThat(zeros.type()).isEqualTo(state.type());
          assertThat(zeros.scales()).isEqualTo(state.scales());
          assertThat(zeros.zeroPoints()).isEqualTo(state.zeroPoints());
          ByteBuffer codes = after.contents(zeros);
          while (codes.hasRemaining()) {
            int code = version == 2 ? codes.get() : codes.getShort();
            assertThat(code).isEqualTo((int) state.zeroPoints()[0]);
          }
        });
    assertThat(graph.tensor(lstm.input(Lstm.OUTPUT_STATE)).zeroPoints()[0]).isNotZero();
  }

  @Test
  void stateThatIsSetToOtherThanZeroStaysFloat() {
    ModelBuilder b = new ModelBuilder(2);
    RecurrentModels.svdf(b, 1, true);
    RecurrentModels.set(b, 4, 1e-30f, 2, 24);
    Plan plan = Planner.plan(b.build(), Recipe.int8(), new Stub());
    assertThat(plan.operators().get(0).reason().text())
        .startsWith("its state `state` is used elsewhere");
    assertThat(plan.integerOperators()).isEmpty();
  }

  @Test
  void whatSetsAStateStaysFloatWithTheOperatorThatKeepsIt() {
    Model model = lstm(EnumSet.of(Feature.SEQUENCE, Feature.CLEARED));
    Subgraph graph = model.subgraphs().get(0);
    int cell = graph.operators().get(2).input(Lstm.CELL_STATE);
    Plan plan = Planner.plan(model, Recipe.int8(), new Stub().with(cell, 0, 65));
    assertThat(plan.integerOperators()).isEmpty();
    assertThat(plan.operators().get(0).reason().text())
        .isEqualTo("it sets the state of an operator that stays float32");
  }

  @Test
  void fourBitsAreForOtherOperators() {
    Model after =
        Rewriter.rewrite(
            Planner.plan(
                lstm(EnumSet.of(Feature.SEQUENCE)), Recipe.int8().withBits(4), new Stub()));
    assertThat(tensor(after, 1).type()).isEqualTo(TensorType.INT8);
  }

  @Test
  void weightsOfTimeHaveTenBits() {
    Model before = RecurrentModels.svdf(new ModelBuilder(2), 2, true).build();
    Model after = Rewriter.rewrite(Planner.plan(before, Recipe.int8(), new Stub()));
    assertThat(operator(after).version()).isEqualTo(3);
    assertScale(after, 1, TensorType.INT8, magnitude(before, 1) / 127, .05);
    assertScale(after, 2, TensorType.INT16, magnitude(before, 2) / 512, 1e-6);
    assertScale(after, 4, TensorType.INT16, 2f / 32767, 1e-6);
    float product = tensor(after, 2).scales()[0] * tensor(after, 4).scales()[0];
    assertScale(after, 3, TensorType.INT32, product, 1e-6);
  }

  @Test
  void sumsOverALongMemoryFitAnInt32() {
    int rank = 4;
    int memory = 500;
    Model before = RecurrentModels.svdf(new ModelBuilder(2), rank, memory, true, 1).build();
    Model after = Rewriter.rewrite(Planner.plan(before, Recipe.int8(), new Stub()));
    ByteBuffer time = after.contents(tensor(after, 2));
    ByteBuffer bias = after.contents(tensor(after, 3));
    while (bias.hasRemaining()) {
      long largest = Math.abs((long) bias.getInt());
      for (int i = 0; i < rank * memory; i++) {
        largest += 32768L * Math.abs(time.getShort());
      }
      assertThat(largest).isBetween(1L << 29, (1L << 31) - 1);
    }
  }

  @Test
  void biasThatOverflowsInt32GrowsTheScaleItDependsOn() {
    for (Set<Feature> features :
        Set.of(EnumSet.of(Feature.SEQUENCE), EnumSet.of(Feature.SEQUENCE, Feature.NORMALIZED))) {
      ModelBuilder b = new ModelBuilder(2);
      Model model = RecurrentModels.lstm(b, features).build();
      Model huge = RecurrentModels.withBias(model, 1e6f);
      Model after = Rewriter.rewrite(Planner.plan(huge, Recipe.int8(), new Stub()));
      for (int gate = 0; gate < 4; gate++) {
        ByteBuffer bias = after.contents(tensor(after, 12 + gate));
        while (bias.hasRemaining()) {
          assertThat(bias.getInt()).isBetween(1 << 29, 1 << 30);
        }
      }
    }
  }

  @Test
  void planSaysWhatBecomesOfStatesAndIntermediates() {
    Set<Feature> features = EnumSet.of(Feature.SEQUENCE, Feature.NORMALIZED, Feature.INTERMEDIATES);
    Model model = lstm(features);
    Plan plan = Planner.plan(model, Recipe.int8(), new Stub());
    Map<String, String> said = new HashMap<>();
    plan.activations()
        .forEach(a -> said.put(a.name(), a.stored().type() + " " + a.reason().text()));
    String owner = "UNIDIRECTIONAL_SEQUENCE_LSTM (operator 0)";
    assertThat(said)
        .containsEntry("output state", "int8 state of " + owner + ", with the scale of its output")
        .containsEntry(
            "cell state",
            "int16 state of " + owner + ", range [-1.0, 2.0], its scale a power of two")
        .containsEntry("inside0", "int16 input_gate of " + owner)
        .containsEntry("inside4", "int8 hidden of " + owner);
    assertThat(plan.operators().get(0).reason().text())
        .startsWith("input_gate range [-3.0, 1.0] as int16, scale ");
    Model after = Rewriter.rewrite(plan);
    assertThat(operator(after).intermediates()).isEqualTo(operator(model).intermediates());
  }

  @Test
  void planSaysWhichRangesKernelsRestrict() {
    Model svdf = RecurrentModels.svdf(new ModelBuilder(2), 1, true).build();
    int y = svdf.subgraphs().get(0).outputs()[0];
    assertThat(reasonOfResult(svdf, new Stub().with(y, 0, 2)))
        .startsWith("range [0.0, 2.0], not widened: the lowest code is the kernel's RELU");
    Set<Feature> clipped = EnumSet.of(Feature.SEQUENCE, Feature.PROJECTED, Feature.PROJECTION_CLIP);
    assertThat(reasonOfResult(lstm(clipped), new Stub()))
        .startsWith("range [-1.0, 2.0], symmetric: the kernel clips codes, shared by 2 tensors");
  }

  private static String reasonOfResult(Model model, Ranges ranges) {
    int result = model.subgraphs().get(0).outputs()[0];
    return Planner.plan(model, Recipe.int8(), ranges).activations().stream()
        .filter(activation -> activation.tensor() == result)
        .findFirst()
        .orElseThrow()
        .reason()
        .text();
  }
}
