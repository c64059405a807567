package io.narrow.tflite.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTest {
  @TempDir private Path folder;

  /** Two products and a sum: body/dense, head/dense, head/sum. */
  private static Model model() {
    ModelBuilder b = new ModelBuilder(3);
    Table options = Table.of("FullyConnectedOptions");
    int x = b.floats("x", 1, 32);
    int first = b.floats("body/dense", 1, 32);
    int second = b.floats("head/dense", 1, 32);
    int sum = b.floats("head/sum", 1, 32);
    return b.operator("FULLY_CONNECTED", options, new int[] {x, b.weights("v", 32, 32)}, first)
        .operator("FULLY_CONNECTED", options, new int[] {first, b.weights("w", 32, 32)}, second)
        .operator("ADD", Table.of("AddOptions"), new int[] {second, b.weights("c", 32)}, sum)
        .inputs(x)
        .outputs(sum)
        .build();
  }

  private static List<Precision> precisions(Recipe recipe) {
    return Planner.plan(model(), recipe).operators().stream().map(OperatorPlan::precision).toList();
  }

  private Recipe read(String json) throws IOException {
    Path file = folder.resolve("recipe.json");
    Files.writeString(file, json);
    return Recipe.read(file);
  }

  @Test
  void theLastRuleThatFitsAndHasAKernelCounts() {
    assertThat(precisions(Recipe.dynamic().keepingFloat("^head/")))
        .containsExactly(Precision.HYBRID, Precision.FLOAT32, Precision.FLOAT32);
    assertThat(precisions(Recipe.dynamic().keepingFloatOperator("FULLY_CONNECTED")))
        .containsOnly(Precision.FLOAT32);
    Recipe storedHead =
        Recipe.dynamic()
            .with(
                List.of(
                    new RecipeRule(
                        "head", RecipeRule.ALL, OperatorConfiguration.of(Mode.WEIGHT_ONLY))));
    assertThat(precisions(storedHead))
        .containsExactly(Precision.HYBRID, Precision.STORED, Precision.FLOAT32);
  }

  @Test
  void aRuleForAllPassesOverWhatHasNoKernel() {
    Recipe recipe =
        Recipe.of(
            List.of(
                RecipeRule.all(OperatorConfiguration.of(Mode.FLOAT16)),
                RecipeRule.all(OperatorConfiguration.of(Mode.WEIGHT_ONLY))));
    assertThat(Planner.plan(model(), recipe).tensors())
        .filteredOn(tensor -> tensor.name().equals("w"))
        .allMatch(tensor -> tensor.type() == TensorType.INT8);
    assertThat(precisions(recipe)).endsWith(Precision.FLOAT32); // 32 floats are too few
  }

  @Test
  void aRuleForOneOperatorWithoutAKernelIsRefused() {
    RecipeRule rule =
        new RecipeRule(RecipeRule.ANYWHERE, "ADD", OperatorConfiguration.of(Mode.DYNAMIC));
    assertThatThrownBy(() -> Planner.plan(model(), Recipe.of(List.of(rule))))
        .isInstanceOfSatisfying(
            NarrowException.class,
            e -> assertThat(e.kind()).isEqualTo(NarrowException.Kind.UNSUPPORTED))
        .hasMessageContaining("ADD has no kernel");
  }

  @Test
  void wrongExpressionsAndOperatorsAreNamed() {
    assertThatThrownBy(() -> Recipe.dynamic().keepingFloat("head("))
        .hasMessageStartingWith("regular expression `head(`: ");
    assertThatThrownBy(() -> Recipe.dynamic().keepingFloatOperator("SOFTMIN"))
        .hasMessageStartingWith("operator `SOFTMIN`: ");
  }

  @Test
  void theReasonNamesTheRule() {
    OperatorPlan head =
        Planner.plan(model(), Recipe.int8().keepingFloat("^head/"), RecipeTest::range)
            .operators()
            .get(1);
    assertThat(head.reason().text()).isEqualTo("the recipe keeps it so: float32 for `^head/`");
  }

  private static Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
    return Optional.of(new FloatRange(-1, 1, 0, 0));
  }

  static Stream<Recipe> recipes() {
    return Stream.of(
        Recipe.dynamic(),
        Recipe.dynamic().withBits(4).withMinimumElements(7),
        Recipe.weightOnly(8),
        Recipe.float16(),
        Recipe.float16().withSaturation(),
        Recipe.float16().keepingFloat("(?:head)|(?:tail)"),
        Recipe.int8(),
        Recipe.int8().withBoundary(TensorType.INT8, TensorType.UINT8),
        Recipe.int16x8().withBoundary(TensorType.FLOAT32, TensorType.INT16),
        Recipe.int8().keepingFloat("(?P<part>head)/.*\\Z").keepingFloatOperator("TRANSPOSE_CONV"),
        Recipe.of(OperatorConfiguration.of(Mode.DYNAMIC).withScales(WeightScaling.ONE_SCALE)));
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void whatIsWrittenIsRead(Recipe recipe) {
    Path file = folder.resolve("recipe.json");
    recipe.write(file);
    Recipe read = Recipe.read(file);
    assertThat(read.rules()).isEqualTo(recipe.rules());
    assertThat(read.inputType()).isEqualTo(recipe.inputType());
    assertThat(read.outputType()).isEqualTo(recipe.outputType());
  }

  @Property(tries = 300)
  void whateverIsWrittenIsRead(@ForAll long seed) throws IOException {
    Recipe recipe = random(new Random(seed));
    Path file = Files.createTempFile("recipe", ".json");
    try {
      recipe.write(file);
      assertThat(Recipe.read(file)).isEqualTo(recipe);
    } finally {
      Files.delete(file);
    }
  }

  /** Some rules, of which several may have the same expression or be the same. */
  private static Recipe random(Random random) {
    String[] expressions = {".*", "^head/", "body|head", "(?:a)(?:b)", "\"\\\\d+\u00e4\u4e16;"};
    String[] operators = {
      RecipeRule.ALL, RecipeRule.ALL, "CONV_2D", "FULLY_CONNECTED", "ADD", "CUSTOM"
    };
    List<RecipeRule> rules = new ArrayList<>();
    for (int i = random.nextInt(6); i >= 0; i--) {
      rules.add(
          new RecipeRule(
              expressions[random.nextInt(expressions.length)],
              operators[random.nextInt(operators.length)],
              new OperatorConfiguration(
                  Mode.values()[random.nextInt(Mode.values().length)],
                  random.nextBoolean() ? 4 : 8,
                  random.nextInt(3) * 1000,
                  WeightScaling.values()[random.nextInt(3)],
                  random.nextBoolean(),
                  Preference.values()[random.nextInt(3)],
                  0,
                  random.nextBoolean())));
    }
    List<TensorType> types =
        Stream.concat(
                Stream.of(TensorType.FLOAT32),
                rules.stream().flatMap(rule -> rule.configuration().mode().boundary().stream()))
            .toList();
    return Recipe.of(rules)
        .withBoundary(
            types.get(random.nextInt(types.size())), types.get(random.nextInt(types.size())));
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void theLastNumberOfBitsCounts(Recipe recipe) {
    for (int bits : new int[] {4, 8}) {
      Recipe once = recipe.withBits(bits);
      assertThat(recipe.withBits(4).withBits(bits)).isEqualTo(once);
      assertThat(recipe.withBits(8).withBits(bits)).isEqualTo(once);
      assertThat(once.withBits(bits)).isEqualTo(once);
    }
  }

  /** As ai_edge_quantizer.recipe.static_wi8_ai8() gives it. */
  private static final String STATIC =
      """
      [{"regex": ".*", "operation": "*", "algorithm_key": "min_max_uniform_quantize", "op_config":
        {"activation_tensor_config": {"num_bits": 8, "symmetric": false, "granularity": "TENSORWISE",
         "dtype": "INT"}, "weight_tensor_config": {"num_bits": 8, "symmetric": true, "granularity":
         "CHANNELWISE", "dtype": "INT"}, "compute_precision": "INTEGER", "explicit_dequantize": false,
         "skip_checks": false, "min_weight_elements": 0}}%s]
      """;

  @Test
  void aiEdgesStaticRecipeHasIntegerInputsAndOutputs() throws IOException {
    Recipe recipe = read(STATIC.formatted(""));
    assertThat(recipe.rules())
        .containsExactly(
            RecipeRule.all(OperatorConfiguration.of(Mode.INT8).withScales(WeightScaling.LARGEST)));
    assertThat(recipe.inputType()).isEqualTo(TensorType.INT8);
    assertThat(recipe.outputType()).isEqualTo(TensorType.INT8);
    Recipe floatOutput =
        read(
            STATIC.formatted(
                ", {\"regex\": \".*\", \"operation\": \"OUTPUT\", \"algorithm_key\":"
                    + " \"no_quantize\"}"));
    assertThat(floatOutput.inputType()).isEqualTo(TensorType.INT8);
    assertThat(floatOutput.outputType()).isEqualTo(TensorType.FLOAT32);
  }

  @Test
  void aRuleForAllTakesThePlaceOfThoseWithTheSameExpression() throws IOException {
    Recipe recipe =
        read(
            """
            [{"regex": "a", "operation": "ADD", "algorithm_key": "no_quantize"},
             {"regex": "b", "operation": "*", "algorithm_key": "no_quantize"},
             {"regex": "a", "operation": "*", "algorithm_key": "no_quantize"},
             {"regex": "a", "operation": "CONV_2D_TRANSPOSE", "algorithm_key": "no_quantize"},
             {"regex": "a", "operation": "CONV_2D_TRANSPOSE", "algorithm_key": "no_quantize"}]
            """);
    assertThat(recipe.rules())
        .containsExactly(
            new RecipeRule("a", "*", OperatorConfiguration.FLOAT32),
            new RecipeRule("a", "TRANSPOSE_CONV", OperatorConfiguration.FLOAT32),
            new RecipeRule("b", "*", OperatorConfiguration.FLOAT32));
  }

  private Recipe ofAlgorithm(String algorithm, int bits, String weights) throws IOException {
    return read(
        """
        [{"regex": ".*", "operation": "FULLY_CONNECTED", "algorithm_key": "%s", "op_config":
          {"weight_tensor_config": {"num_bits": %d, "symmetric": true, %s, "dtype": "INT"},
           "compute_precision": "INTEGER", "explicit_dequantize": false}}]
        """
            .formatted(algorithm, bits, weights));
  }

  private static final String CHANNELS = "\"granularity\": \"CHANNELWISE\"";

  @Test
  void blocksAreReadAsTodayAndAsBefore() throws IOException {
    OperatorConfiguration blocks =
        OperatorConfiguration.of(Mode.DYNAMIC).withBits(4).withMinimumElements(0).withBlock(64);
    for (String size : List.of("\"granularity\": \"BLOCKWISE_64\"", "\"block_size\": 64")) {
      assertThat(ofAlgorithm("min_max_uniform_quantize", 4, size).rules().get(0).configuration())
          .isEqualTo(blocks.withScales(WeightScaling.LARGEST));
      assertThat(ofAlgorithm("OCTAV", 4, size).rules().get(0).configuration()).isEqualTo(blocks);
    }
  }

  @Test
  void gptqRoundsTogetherAndRecoveryKeepsCodes() throws IOException {
    Recipe together = ofAlgorithm("GPTQ", 8, CHANNELS);
    assertThat(together.roundsTogether()).isTrue();
    assertThat(together.rules().get(0).configuration().bits()).isEqualTo(8);
    Recipe recovered = ofAlgorithm("dequantized_weight_recovery", 8, CHANNELS);
    assertThat(recovered.rules().get(0).configuration().scales())
        .isEqualTo(WeightScaling.RECOVERED);
    for (Recipe recipe :
        List.of(together, recovered, Recipe.dynamic().withBits(4).withBlock(128))) {
      Path file = folder.resolve("written.json");
      recipe.write(file);
      assertThat(Recipe.read(file)).isEqualTo(recipe);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "HADAMARD_ROTATION, custom operators",
    "DECOMPOSED_HADAMARD_ROTATION, products with matrices",
    "OSCAR, adds a MUL",
    "AWQ, no algorithm AWQ"
  })
  void algorithmsThatChangeTheModelAreRefusedByName(String algorithm, String why) {
    assertThatThrownBy(() -> ofAlgorithm(algorithm, 8, CHANNELS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("no algorithm " + algorithm)
        .hasMessageContaining(why);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"regex\": \"(\", \"operation\": \"*\", \"algorithm_key\": \"no_quantize\"}]",
        "[{\"regex\": \"a\", \"operation\": \"CUSTOM_OP\", \"algorithm_key\": \"no_quantize\"}]",
        "[{\"regex\": \"a\", \"operation\": \"*\", \"algorithm_key\": \"GPTQ\", \"op_config\": {}}]",
        "[{\"regex\": \"a\", \"operation\": \"*\", \"algorithm_key\": \"OCTAV\", \"op_config\":"
            + " {\"bits\": 8}}]",
        "[{\"regex\": \"a\", \"operation\": \"*\", \"algorithm_key\": \"OCTAV\", \"op_config\":"
            + " {\"compute_precision\": \"INTEGER\", \"weight_tensor_config\": {\"num_bits\": 2}}}]",
        "[{\"regex\": \"a\", \"operation\": \"*\", \"algorithm_key\": \"OCTAV\", \"op_config\":"
            + " {\"compute_precision\": \"INTEGER\", \"weight_tensor_config\": {\"num_bits\": 4,"
            + " \"granularity\": \"BLOCKWISE_48\"}}}]",
        "[{\"regex\": \"a\", \"operation\": \"*\", \"algorithm_key\": \"OCTAV\", \"op_config\":"
            + " {\"compute_precision\": \"INTEGER\", \"weight_tensor_config\": {\"num_bits\": 8,"
            + " \"granularity\": \"BLOCKWISE_32\"}}}]",
        "[{\"regex\": \"a\", \"operation\": \"INPUT\", \"algorithm_key\": \"no_quantize\"}]"
      })
  void whatIsNoRecipeIsNamedWithItsFile(String json) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(folder.resolve("recipe.json") + ": ");
  }
}
