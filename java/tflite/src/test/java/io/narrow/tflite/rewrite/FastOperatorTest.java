package io.narrow.tflite.rewrite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the operator table says of XNNPACK is what the XNNPACK of the runtime linked here does: with
 * each form of each operator that a file can hold, and no other.
 */
class FastOperatorTest {
  private static final List<TensorType> TYPES =
      List.of(TensorType.FLOAT32, TensorType.INT8, TensorType.INT4, TensorType.INT16);
  private static final Recipe DYNAMIC =
      Recipe.dynamic().withMinimumElements(0).withPreference(Preference.SIZE);
  private static final Recipe INT8 =
      Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8).withPreference(Preference.SIZE);
  private static final Recipe INT16 =
      Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16);

  @TempDir Path folder;

  /** Of models that need not run. */
  private static final class AnyRanges implements Ranges {
    private static final Optional<FloatRange> ANY = Optional.of(new FloatRange(-1, 1, 0, 0));

    @Override
    public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
      return ANY;
    }

    @Override
    public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
      return ANY;
    }
  }

  static Stream<String> operators() {
    return models().keySet().stream();
  }

  /** All models of one operator, by its name. */
  private static TreeMap<String, List<Model>> models() {
    TreeMap<String, List<Model>> models = new TreeMap<>();
    OneOperatorTest.MODELS.forEach((name, build) -> add(models, name, build::apply));
    IntegerModels.MODELS.forEach((name, model) -> add(models, name, model.build()));
    add(models, "STRIDED_SLICE", FastOperatorTest::sliceOfStrideOne);
    return models;
  }

  private static void add(
      TreeMap<String, List<Model>> models, String name, UnaryOperator<ModelBuilder> build) {
    models
        .computeIfAbsent(name.split(" ")[0], n -> new ArrayList<>())
        .add(build.apply(new ModelBuilder(7)).build());
  }

  private static ModelBuilder sliceOfStrideOne(ModelBuilder b) {
    int x = b.floats("x", 4, 6);
    int begin = b.constant("begin", new int[] {0, 1}, 2);
    int end = b.constant("end", new int[] {3, 5}, 2);
    int strides = b.constant("strides", new int[] {1, 1}, 2);
    Table options = Table.of("StridedSliceOptions");
    int[] in = {x, begin, end, strides};
    return IntegerModels.end(b, "STRIDED_SLICE", options, in, x, 3, 4);
  }

  @Test
  void everyRowThatSaysSomethingHasAModel() {
    Set<String> said = new TreeSet<>();
    for (OpRule row : OpRules.rows()) {
      if (TYPES.stream().anyMatch(type -> row.fast(type, type))) {
        said.add(row.operator());
      }
    }
    assertThat(models().keySet()).containsAll(without(said, "DEQUANTIZE"));
  }

  private static Set<String> without(Set<String> all, String one) {
    return all.stream().filter(each -> !each.equals(one)).collect(Collectors.toSet());
  }

  @ParameterizedTest
  @MethodSource("operators")
  void isTakenInTheFormsOfItsRowAndInNoOther(String operator) {
    Set<String> made = new TreeSet<>();
    Set<String> taken = new TreeSet<>();
    for (Model model : models().get(operator)) {
      List<Plan> plans = new ArrayList<>();
      plans.add(Planner.plan(model, DYNAMIC));
      plans.add(Planner.plan(model, DYNAMIC.withBits(4)));
      for (Recipe recipe : List.of(INT8, INT8.withBits(4), INT16)) {
        plans.add(Planner.plan(model, recipe, new AnyRanges()));
      }
      look(model, operator, made, taken);
      plans.forEach(plan -> look(Rewriter.rewrite(plan), operator, made, taken));
    }
    Set<String> claimed = new TreeSet<>();
    for (TensorType activations : TYPES) {
      for (TensorType weights : TYPES) {
        if (OpRules.of(operator).fast(activations, weights)) {
          claimed.add(activations + " with " + weights);
        }
      }
    }
    assertThat(taken).isEqualTo(claimed);
    assertThat(made).containsAll(claimed).contains("float32 with float32");
  }

  /** Adds in what form a model has an operator, and whether XNNPACK takes it. */
  private void look(Model model, String operator, Set<String> made, Set<String> taken) {
    List<Operator> operators = model.subgraphs().get(0).operators();
    Set<Integer> fast = delegated(model);
    for (int i = 0; i < operators.size(); i++) {
      if (operators.get(i).name().equals(operator)) {
        String form = form(model, operators.get(i));
        made.add(form);
        if (fast.contains(i)) {
          taken.add(form);
        }
      }
    }
  }

  private Set<Integer> delegated(Model model) {
    Path file = folder.resolve("model.tflite");
    model.write(file);
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      Set<Integer> all = new HashSet<>();
      interpreter.delegated().forEach(all::addAll);
      return all;
    }
  }

  /** Types of its activations and of its weights. */
  private static String form(Model model, Operator operator) {
    OpRule row = OpRules.of(operator.name());
    int[] activations =
        IntStream.concat(
                IntStream.range(0, operator.inputs().length)
                    .filter(place -> !row.weights().contains(place) && place != row.bias())
                    .map(operator::input),
                IntStream.of(operator.outputs()))
            .filter(tensor -> tensor >= 0)
            .toArray();
    String activation =
        IntStream.of(activations)
            .mapToObj(tensor -> model.subgraphs().get(0).tensor(tensor).type())
            .filter(TYPES::contains)
            .findFirst()
            .map(TensorType::toString)
            .orElse("other");
    String weights =
        row.weights().stream()
            .filter(place -> operator.input(place) >= 0)
            .map(place -> model.subgraphs().get(0).tensor(operator.input(place)).type().toString())
            .findFirst()
            .orElse(activation);
    return activation + " with " + weights;
  }

  @ParameterizedTest
  @ValueSource(strings = {"float16", "int8", "int4"})
  void dequantizeOfAConstantIsTakenWhereItsRowSaysSo(String type) {
    Recipe recipe = type.equals("float16") ? Recipe.float16() : Recipe.weightOnly(8);
    recipe = type.equals("int4") ? Recipe.weightOnly(4) : recipe;
    Model model =
        Rewriter.rewrite(
            Planner.plan(
                OneOperatorTest.MODELS.get("CONV_2D").apply(new ModelBuilder(7)).build(),
                recipe.withPreference(Preference.SIZE)));
    List<Operator> operators = model.subgraphs().get(0).operators();
    TensorType stored = TensorType.valueOf(type.toUpperCase(Locale.ROOT));
    assertThat(operators.get(0).name()).isEqualTo("DEQUANTIZE");
    assertThat(model.subgraphs().get(0).tensor(operators.get(0).input(0)).type()).isEqualTo(stored);
    assertThat(delegated(model).contains(0))
        .isEqualTo(OpRules.of("DEQUANTIZE").fast(stored, stored));
  }

  /** Models of which XNNPACK takes none, whatever their types. */
  static Stream<UnaryOperator<ModelBuilder>> beyondWhatItTakes() {
    return Stream.of(
        b -> unary(b, 1, 1, 1, 2, 2, 2, 2), // 7 axes
        b -> convolution(b, 4, false, false), // a fused TANH
        b -> convolution(b, 0, true, false), // a bias that is no constant
        b -> convolution(b, 0, false, true), // weights that are none
        b -> split(b, 1),
        b -> split(b, 5));
  }

  @ParameterizedTest
  @MethodSource("beyondWhatItTakes")
  void doesNotTakeWhatTheRowsSayItNeverTakes(UnaryOperator<ModelBuilder> build) {
    Model model = build.apply(new ModelBuilder(7)).build();
    Operator operator = model.subgraphs().get(0).operators().get(0);
    OpRule row = OpRules.of(operator.name());
    assertThat(row.fast(TensorType.FLOAT32, TensorType.FLOAT32)).isTrue();
    assertThat(row.canBeFast(model, model.subgraphs().get(0), operator)).isFalse();
    assertThat(delegated(model)).isEmpty();
  }

  @Test
  void takesTheSameWithinItsBounds() {
    for (UnaryOperator<ModelBuilder> build :
        List.<UnaryOperator<ModelBuilder>>of(
            b -> unary(b, 1, 1, 2, 2, 2, 2),
            b -> convolution(b, 3, false, false),
            b -> split(b, 2),
            b -> split(b, 4))) {
      Model model = build.apply(new ModelBuilder(7)).build();
      Operator operator = model.subgraphs().get(0).operators().get(0);
      OpRule row = OpRules.of(operator.name());
      assertThat(row.canBeFast(model, model.subgraphs().get(0), operator)).isTrue();
      assertThat(delegated(model)).containsExactly(0);
    }
  }

  private static ModelBuilder unary(ModelBuilder b, int... shape) {
    return IntegerModels.one(b, "ABS", null, shape, shape);
  }

  private static ModelBuilder split(ModelBuilder b, int parts) {
    int x = b.floats("x", 1, 60);
    int axis = b.constant("axis", new int[] {1});
    int[] results = IntStream.range(0, parts).map(i -> b.floats("y" + i, 1, 60 / parts)).toArray();
    Table options = Table.of("SplitOptions").with("num_splits", parts);
    return b.operator("SPLIT", options, new int[] {axis, x}, results).inputs(x).outputs(results);
  }

  private static ModelBuilder convolution(
      ModelBuilder b, int activation, boolean givenBias, boolean givenWeights) {
    int x = b.floats("x", 1, 9, 9, 8);
    int w = givenWeights ? b.floats("w", 12, 3, 3, 8) : b.weights("w", 12, 3, 3, 8);
    int bias = givenBias ? b.floats("bias", 12) : b.weights("bias", 12);
    int y = b.floats("y", 1, 9, 9, 12);
    Table options =
        Table.of("Conv2DOptions")
            .with("stride_w", 1)
            .with("stride_h", 1)
            .with("fused_activation_function", activation);
    b.operator("CONV_2D", options, new int[] {x, w, bias}, y).outputs(y);
    return b.inputs(
        IntStream.of(x, givenWeights ? w : -1, givenBias ? bias : -1)
            .filter(i -> i >= 0)
            .toArray());
  }
}
