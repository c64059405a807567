package io.narrow.tflite.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.comparison.Comparison.Error;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Comparison.Tensor;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComparatorTest {
  private static final Model MODEL = Model.read(Examples.DIGITS);
  private static final Dataset DATA = Dataset.open(Examples.DIGITS_TEST + "?scale=1/16").limit(9);
  private static final Model INT8 = quantized(Recipe.int8());
  private static final Comparator.Options OPTIONS = Comparator.Options.DEFAULT;

  private static Model quantized(Recipe recipe) {
    return Quantizer.DEFAULT
        .withSources(List.of(Examples.DIGITS_CALIBRATION + "?scale=1/16"))
        .withCalibration(Calibrator.Options.DEFAULT.withSamples(20))
        .withBiasCorrection(false)
        .quantize(MODEL, recipe);
  }

  private static Graph compare(Model quantized, Comparator.Options options) {
    return Comparator.compare(MODEL, quantized, DATA, options).graphs().get(0);
  }

  private static int operator(Model model, String kind, int which) {
    List<Operator> operators = model.subgraphs().get(0).operators();
    int seen = 0;
    for (int i = 0; i < operators.size(); i++) {
      if (operators.get(i).name().equals(kind) && seen++ == which) {
        return i;
      }
    }
    throw new AssertionError("no " + kind);
  }

  /** With the codes of an operator's weights in the reverse order. */
  private static Model spoiled(Model model, int operator) {
    Subgraph graph = model.subgraphs().get(0);
    int weight = graph.operators().get(operator).input(1);
    ByteBuffer before = model.contents(graph.tensor(weight));
    ByteBuffer after = ByteBuffer.allocateDirect(before.remaining());
    for (int i = before.limit() - 1; i >= 0; i--) {
      after.put(before.get(i));
    }
    Draft draft = new Draft(model);
    int buffer = draft.addBuffer(Buffer.of(after.flip()));
    draft.graph(0).replace(weight, graph.tensor(weight).withBuffer(buffer));
    return draft.finish();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 8})
  void anOperatorWithBadWeightsIsFirstAndRestoringItHelps(int which) {
    int bad = operator(INT8, "CONV_2D", which);
    Graph graph = compare(spoiled(INT8, bad), OPTIONS.withRestored(1));
    Tensor worst = graph.worst().get(0);
    assertThat(worst.operator()).isEqualTo(bad);
    assertThat(graph.firstBad()).contains(worst);
    for (Tensor tensor : graph.tensors()) {
      if (tensor.operator() >= 0 && tensor.operator() < bad) {
        assertThat(tensor.accumulated().sqnrDb()).as(tensor.name()).isGreaterThan(20);
      } else if (tensor.operator() == bad || tensor.role() == Role.OUTPUT) {
        assertThat(tensor.accumulated().sqnrDb()).as(tensor.name()).isLessThan(20);
      }
    }
    assertThat(graph.worst().get(1).local().orElseThrow().sqnrDb())
        .as("of operators that are not bad")
        .isGreaterThan(20);
    Restored restored = graph.restored().get(0);
    assertThat(restored.name()).isEqualTo(worst.floatName());
    assertThat(restored.alone()).isGreaterThan(restored.before() + 10);
    Recipe kept = Recipe.int8().keepingFloat(restored.keepFloat());
    Subgraph other = quantized(kept).subgraphs().get(0);
    assertThat(other.operators())
        .filteredOn(operator -> operator.name().equals("CONV_2D"))
        .filteredOn(operator -> other.tensor(operator.input(1)).type() == TensorType.FLOAT32)
        .hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void valuesAreThoseThatCalibrationCounts(int threads) {
    Graph graph = compare(INT8, OPTIONS.withHistograms(true).withThreads(threads));
    Calibration calibration =
        Calibrator.calibrate(MODEL, DATA, Calibrator.Options.DEFAULT.withThreads(2));
    assertThat(graph.tensors()).hasSizeGreaterThan(MODEL.subgraphs().get(0).operators().size());
    for (Tensor tensor : graph.tensors()) {
      Distribution values = tensor.values().orElseThrow();
      assertThat(calibration.histogram(0, tensor.floatNumber())).contains(values.histogram());
      assertThat(calibration.range(0, tensor.floatNumber(), RangeMethod.MINMAX))
          .contains(values.range());
      long elements = tensor.shape().stream().mapToLong(size -> size).reduce(1, (a, b) -> a * b);
      assertThat(LongStream.of(values.histogram().counts()).sum())
          .isEqualTo(elements * graph.samples());
      if (tensor.type() == TensorType.INT8) {
        assertThat(tensor.highest() - tensor.lowest())
            .isCloseTo(255.0 * tensor.scale(), within(1e-6 * tensor.highest()));
        assertThat(tensor.lowest()).isLessThanOrEqualTo(0);
      } else {
        assertThat(tensor.lowest()).isNaN();
      }
    }
    assertThat(compare(INT8, OPTIONS).tensors()).allMatch(tensor -> tensor.values().isEmpty());
  }

  static Stream<Recipe> recipes() {
    return Stream.of(
        Recipe.int8(),
        Recipe.int16x8(),
        Recipe.dynamic(),
        Recipe.float16(),
        Recipe.weightOnly(8),
        Recipe.weightOnly(4),
        Recipe.dynamic().withBits(4),
        Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8),
        Recipe.int8().withBoundary(TensorType.UINT8, TensorType.UINT8),
        Recipe.int8().keepingFloatOperator("ADD"));
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void rulesAreThoseOfAPlanOfTheModeThatMadeTheFile(Recipe recipe) {
    Comparison comparison =
        Comparator.compare(MODEL, quantized(recipe), DATA, OPTIONS.withReasons(true));
    assertThat(comparison.mode()).contains(recipe.mode());
    Plan plan =
        Quantizer.DEFAULT
            .prepare(MODEL)
            .outline(
                recipe.mode() == Mode.INT8 ? Recipe.int8() : recipe); // what was kept is not known
    Graph graph = comparison.graphs().get(0);
    int ruled = 0;
    for (Tensor tensor : graph.tensors()) {
      Optional<OperatorPlan> rule = tensor.rule();
      if (rule.isPresent()) {
        ruled++;
        assertThat(tensor.operatorName()).isEqualTo(rule.get().name());
        assertThat(plan.operators()).contains(rule.get());
      }
    }
    assertThat(ruled).isGreaterThanOrEqualTo(MODEL.subgraphs().get(0).operators().size());
    assertThat(graph.constants()).allMatch(constant -> constant.rule().isPresent());
    assertThat(compare(quantized(recipe), OPTIONS).tensors())
        .allMatch(tensor -> tensor.rule().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void restoringEveryOperatorGivesTheFloatModel(Recipe recipe) {
    Graph graph = compare(quantized(recipe), OPTIONS.withRestored(99));
    assertThat(graph.unseen()).isEmpty();
    assertThat(graph.worst())
        .hasSizeGreaterThanOrEqualTo(MODEL.subgraphs().get(0).operators().size());
    assertThat(graph.restored()).hasSameSizeAs(MODEL.subgraphs().get(0).operators());
    assertThat(graph.restored()).allMatch(restored -> restored.problem().isEmpty());
    Restored last = graph.restored().get(graph.restored().size() - 1);
    if (recipe.inputType() == TensorType.FLOAT32) {
      assertThat(last.together()).isGreaterThan(120); // kernels may be joined in other ways
    } else {
      assertThat(last.together()).isGreaterThan(last.before() - 1); // the outputs are rounded
    }
  }

  /** Values of every tensor of a graph, by number, from the built-in kernels. */
  private static Map<Integer, float[]> values(Model model, List<FloatBuffer> inputs) {
    Interpreter.Options kept =
        Interpreter.Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true);
    Map<Integer, float[]> values = new HashMap<>();
    try (Interpreter interpreter = Interpreter.open(model.bytes(), model.name(), kept)) {
      for (int i = 0; i < inputs.size(); i++) {
        interpreter.write(i, inputs.get(i));
      }
      interpreter.run();
      for (Operator operator : model.subgraphs().get(0).operators()) {
        int output = operator.outputs()[0];
        values.put(output, read(interpreter, output));
      }
    }
    return values;
  }

  private static float[] read(Interpreter interpreter, int tensor) {
    TensorInfo info = interpreter.tensor(tensor);
    ByteBuffer memory = interpreter.data(tensor);
    float[] values = new float[(int) info.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (info.type()) {
            case FLOAT32 -> memory.getFloat(4 * i);
            case INT16 -> info.scale() * (memory.getShort(2 * i) - info.zeroPoint());
            case UINT8 -> info.scale() * ((memory.get(i) & 0xff) - info.zeroPoint());
            default -> info.scale() * (memory.get(i) - info.zeroPoint());
          };
    }
    return values;
  }

  private static double meanSquare(float[] x, float[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
    }
    return sum / x.length;
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void accumulatedErrorsAreThoseOfTwoRunsOnTheBuiltInKernels(Recipe recipe) {
    Model model = quantized(recipe);
    Map<Integer, Double> wanted = new HashMap<>();
    Graph graph = compare(model, OPTIONS);
    try (Interpreter shapes =
        Interpreter.open(MODEL.bytes(), "float", Interpreter.Options.DEFAULT)) {
      Inputs inputs = DATA.inputs(shapes.inputs());
      for (int i = 0; i < inputs.size(); i++) {
        inputs.write(i, shapes);
        FloatBuffer input = shapes.input(0).asFloatBuffer();
        Map<Integer, float[]> floats = values(MODEL, List.of(input));
        Map<Integer, float[]> others = values(model, List.of(input));
        for (Tensor tensor : graph.tensors()) {
          if (tensor.operator() >= 0 && floats.containsKey(tensor.floatNumber())) {
            double square =
                meanSquare(floats.get(tensor.floatNumber()), others.get(tensor.number()));
            wanted.merge(tensor.number(), square / inputs.size(), Double::sum);
          }
        }
      }
    }
    assertThat(wanted).hasSizeGreaterThanOrEqualTo(17);
    for (Tensor tensor : graph.tensors()) {
      if (wanted.containsKey(tensor.number())) {
        // XNNPACK and the built-in kernels round differently.
        assertThat(tensor.accumulated().rootMeanSquare())
            .as(tensor.name())
            .isCloseTo(
                Math.sqrt(wanted.get(tensor.number())),
                within(
                    .3 * Math.sqrt(wanted.get(tensor.number()))
                        + 1e-4 * Math.sqrt(tensor.accumulated().signalPower())));
      }
    }
  }

  @Test
  void whatReadsTheInputAloneHasOneError() {
    Graph graph = compare(INT8, OPTIONS);
    Tensor first =
        graph.tensors().stream()
            .filter(tensor -> tensor.operatorName().equals("CONV_2D"))
            .findFirst()
            .orElseThrow();
    assertThat(first.local()).contains(first.accumulated());
    assertThat(first.accumulated().meanSquaredError()).isPositive();
  }

  @Test
  void aModelBesideItselfIsEqual() {
    Graph graph = compare(MODEL, OPTIONS);
    assertThat(graph.worst()).hasSize(MODEL.subgraphs().get(0).operators().size());
    assertThat(graph.tensors())
        .allSatisfy(
            tensor -> {
              assertThat(tensor.accumulated().meanSquaredError()).isZero();
              assertThat(tensor.accumulated().sqnrDb()).isEqualTo(Double.POSITIVE_INFINITY);
              assertThat(tensor.accumulated().cosine()).isEqualTo(1);
            });
    assertThat(graph.firstBad()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 20})
  void theResultIsTheSameWithAnyNumberOfThreads(int threads) {
    Comparator.Options options = OPTIONS.withRestored(2);
    assertThat(Comparator.compare(MODEL, INT8, DATA, options.withThreads(threads)))
        .isEqualTo(Comparator.compare(MODEL, INT8, DATA, options));
  }

  /** With other names throughout. */
  private static Model renamed(Model model) {
    Draft draft = new Draft(model);
    for (int t = 0; t < model.subgraphs().get(0).tensors().size(); t++) {
      draft.graph(0).replace(t, draft.graph(0).tensor(t).withName("t" + (97 * t) % 101));
    }
    return draft.finish();
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void tensorsOfOtherNamesAreFoundByTheirPlace(Recipe recipe) {
    Graph named = compare(quantized(recipe), OPTIONS);
    Graph placed = compare(renamed(quantized(recipe)), OPTIONS);
    assertThat(placed.tensors().stream().map(Tensor::floatNumber))
        .containsExactlyElementsOf(named.tensors().stream().map(Tensor::floatNumber).toList());
    assertThat(placed.tensors().stream().map(Tensor::accumulated))
        .containsExactlyElementsOf(named.tensors().stream().map(Tensor::accumulated).toList());
  }

  @Test
  void aModelOfAnotherOriginIsRefusedInOneLine() {
    Model other = Model.read(Shared.file("models/zoo/aeq_conv_fc_mnist_i8.tflite"));
    assertThatThrownBy(() -> compare(other, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("aeq_conv_fc_mnist_i8.tflite was not made of")
        .hasMessageContaining("serving_default_image:0");
  }

  @Test
  void aModelOfTheSameShapesAndOtherWeightsIsRefused() {
    Model other = INT8;
    int convolutions = 0;
    for (Operator operator : INT8.subgraphs().get(0).operators()) {
      if (operator.name().equals("CONV_2D")) {
        other = spoiled(other, operator(INT8, "CONV_2D", convolutions++));
      }
    }
    Model unlike = other;
    assertThatThrownBy(() -> compare(unlike, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("was not made of")
        .hasMessageContaining(convolutions + " of ")
        .hasMessageEndingWith(" constants have other values");
  }

  @Test
  void aModelWithOtherOperatorsIsRefused() {
    Model floats = Model.read(Shared.file("models/seed/cifar10_resnet18_pruned.tflite"));
    Model other = Model.read(Shared.file("models/zoo/tiny_ic_resnet8_i8.tflite"));
    assertThatThrownBy(() -> Comparator.compare(floats, other, Dataset.open("random:2"), OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("tiny_ic_resnet8_i8.tflite was not made of")
        .hasMessageEndingWith("operators have a counterpart there");
  }

  static Stream<Recipe> modes() {
    return Stream.of(
        Recipe.int8(), Recipe.int16x8(), Recipe.dynamic(), Recipe.float16(), Recipe.weightOnly(8));
  }

  @ParameterizedTest
  @MethodSource("modes")
  void constantsAreThoseThatOperatorsRead(Recipe recipe) {
    Graph graph = compare(quantized(recipe), OPTIONS.withLocal(false));
    Subgraph floats = MODEL.subgraphs().get(0);
    List<Integer> wanted =
        floats.operators().stream()
            .filter(operator -> operator.name().equals("CONV_2D"))
            .flatMap(operator -> Stream.of(operator.input(1), operator.input(2)))
            .distinct()
            .toList();
    assertThat(graph.constants())
        .extracting(Comparison.Constant::floatNumber)
        .containsAll(wanted)
        .doesNotHaveDuplicates();
    for (Comparison.Constant constant : graph.constants()) {
      assertThat(constant.error().sqnrDb()).as(constant.name()).isGreaterThan(25);
    }
  }

  @Test
  void valuesThatAreNotFiniteAreCountedAndComeFirst() {
    Subgraph graph = MODEL.subgraphs().get(0);
    int operator = operator(MODEL, "CONV_2D", 5);
    int bias = graph.operators().get(operator).input(2);
    float[] values = new float[(int) graph.tensor(bias).elements()];
    values[0] = Float.NaN;
    Draft draft = new Draft(MODEL);
    draft.graph(0).replace(bias, graph.tensor(bias).withBuffer(draft.addBuffer(Buffer.of(values))));
    Graph found = compare(draft.finish(), OPTIONS.withRestored(1));
    assertThat(found.worst().get(0).operator()).isEqualTo(operator);
    assertThat(found.worst().get(0).local().orElseThrow().notFinite()).isPositive();
    assertThat(found.firstBad()).contains(found.worst().get(0));
    assertThat(found.tensors()).allMatch(t -> Double.isFinite(t.accumulated().meanSquaredError()));
  }

  @Test
  void aRangeThatIsTooNarrowShowsAsClipped() {
    Subgraph graph = INT8.subgraphs().get(0);
    int operator = operator(INT8, "CONV_2D", 3);
    int output = graph.operators().get(operator).outputs()[0];
    Draft draft = new Draft(INT8);
    draft
        .graph(0)
        .replace(
            output,
            graph
                .tensor(output)
                .quantized(
                    TensorType.INT8,
                    new float[] {graph.tensor(output).scales()[0] / 3},
                    graph.tensor(output).zeroPoints(),
                    0));
    Graph found = compare(draft.finish(), OPTIONS);
    assertThat(found.tensors())
        .filteredOn(tensor -> tensor.number() == output)
        .singleElement()
        .satisfies(tensor -> assertThat(tensor.clipped()).isBetween(.001, .9));
    assertThat(found.firstBad().orElseThrow().number()).isEqualTo(output);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cifar10_resnet18_int8_all.tflite",
        "cifar10_resnet18_int8_notall.tflite",
        "cifar10_resnet18_pruned_dynamic.tflite",
        "cifar10_resnet18_pruned_float16.tflite"
      })
  void filesOfTheConverterCompareOperatorByOperator(String file) {
    Model floats = Model.read(Shared.file("models/seed/cifar10_resnet18_pruned.tflite"));
    Model other = Model.read(Shared.file("models/seed/" + file));
    Graph graph =
        Comparator.compare(floats, other, Dataset.open("random:2"), OPTIONS.withRestored(99))
            .graphs()
            .get(0);
    assertThat(graph.unseen()).isEmpty();
    assertThat(graph.restored()).hasSameSizeAs(floats.subgraphs().get(0).operators());
    assertThat(graph.restored()).allMatch(restored -> restored.problem().isEmpty());
    Error output =
        graph.tensors().stream()
            .filter(tensor -> tensor.role() == Role.OUTPUT)
            .findFirst()
            .orElseThrow()
            .accumulated();
    assertThat(output.sqnrDb()).isGreaterThan(15);
  }
}
