package io.narrow.tflite.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.comparison.Comparison.Error;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Comparison.Tensor;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is compared in the subgraphs that WHILE and IF run. */
class CalledGraphsTest {
  private static final int SIZE = 16;
  private static final int TIMES = 5;
  private static final int BODY = 2;
  private static final Dataset DATA = Dataset.open("random:12");
  private static final Model LOOPING = looping();
  private static final Model BRANCHING = branching();

  private static Table options(String name) {
    return Table.of(name);
  }

  private static int compute(ModelBuilder b, int x) {
    int weights = b.weights("weights", SIZE, SIZE);
    int bias = b.weights("bias", SIZE);
    int sum = b.floats("sum", 1, SIZE);
    int tanh = b.floats("tanh", 1, SIZE);
    int y = b.floats("y", 1, SIZE);
    int two = b.constant("two", new float[] {2});
    b.operator(
            "FULLY_CONNECTED", options("FullyConnectedOptions"), new int[] {x, weights, bias}, sum)
        .operator("TANH", new int[] {sum}, tanh)
        .operator("MUL", options("MulOptions"), new int[] {tanh, two}, y);
    return y;
  }

  /** Computes so many times over its input. */
  private static Model looping() {
    ModelBuilder b = new ModelBuilder(4);
    int x = b.floats("x", 1, SIZE);
    int[] out = {b.tensor("count", TensorType.INT32), b.floats("looped", 1, SIZE)};
    Table calls =
        options("WhileOptions").with("cond_subgraph_index", 1).with("body_subgraph_index", BODY);
    b.operator("WHILE", calls, new int[] {b.constant("start", new int[] {0}), x}, out)
        .inputs(x)
        .outputs(out[1])
        .subgraph();
    int i = b.tensor("i", TensorType.INT32);
    int unused = b.floats("unused", 1, SIZE);
    int more = b.tensor("more", TensorType.BOOL);
    int bound = b.constant("bound", new int[] {TIMES});
    b.operator("LESS", options("LessOptions"), new int[] {i, bound}, more)
        .inputs(i, unused)
        .outputs(more)
        .subgraph();
    int counter = b.tensor("counter", TensorType.INT32);
    int given = b.floats("given", 1, SIZE);
    int next = b.tensor("next", TensorType.INT32);
    int one = b.constant("one", new int[] {1});
    b.operator("ADD", options("AddOptions"), new int[] {counter, one}, next);
    return b.inputs(counter, given).outputs(next, compute(b, given)).build();
  }

  /** One branch or the other, by the sign of the sum of its input. */
  private static Model branching() {
    ModelBuilder b = new ModelBuilder(5);
    int x = b.floats("x", 1, SIZE);
    int sum = b.floats("all");
    int axes = b.constant("axes", new int[] {0, 1}, 2);
    int zero = b.constant("zero", new float[] {0});
    int chosen = b.tensor("chosen", TensorType.BOOL);
    int y = b.floats("out", 1, SIZE);
    Table calls =
        options("IfOptions").with("then_subgraph_index", 1).with("else_subgraph_index", 2);
    b.operator("SUM", options("ReducerOptions"), new int[] {x, axes}, sum)
        .operator("GREATER", options("GreaterOptions"), new int[] {sum, zero}, chosen)
        .operator("IF", calls, new int[] {chosen, x}, y)
        .inputs(x)
        .outputs(y);
    for (int branch = 0; branch < 2; branch++) {
      b.subgraph();
      int given = b.floats("given", 1, SIZE);
      b.inputs(given).outputs(compute(b, given));
    }
    return b.build();
  }

  private static Model quantized(Model model, Recipe recipe) {
    return Quantizer.DEFAULT
        .withData(Datasets.of(Dataset.open("random:100")))
        .quantize(model, recipe);
  }

  private static Graph compare(Model floats, Model made, Comparator.Options options) {
    return Comparator.compare(floats, made, DATA, options).graphs().get(0);
  }

  /** A body that is given values, apart. */
  private static float[] run(Interpreter body, float[] given) {
    body.input(0).putInt(0, 0);
    body.input(1).asFloatBuffer().put(given);
    body.run();
    return body.read(1);
  }

  private static double meanSquare(float[] x, float[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      double difference = (double) x[i] - y[i];
      sum += difference * difference;
    }
    return sum / x.length;
  }

  private static Interpreter open(Model model) {
    Interpreter.Options kept =
        Interpreter.Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true);
    return Interpreter.open(model.bytes(), model.name(), kept);
  }

  /** What the codes of an input of a body cannot hold of its values. */
  private static double rounding(Tensor codes, float[] values) {
    double sum = 0;
    for (float value : values) {
      double code = Math.rint(value / codes.scale()) + codes.zeroPoint();
      code = Math.max(codes.type().smallest(), Math.min(codes.type().largest(), code));
      double error = value - codes.scale() * (code - codes.zeroPoint());
      sum += error * error;
    }
    return sum / values.length;
  }

  @Test
  void errorsInALoopAreThoseOfItsBodyRunByHand() {
    Model made = quantized(LOOPING, Recipe.int8());
    Graph graph = compare(LOOPING, made, Comparator.Options.DEFAULT);
    assertThat(graph.unseen()).isEmpty();
    assertThat(graph.bodies()).hasSize(1);
    Graph body = graph.bodies().get(0);
    assertThat(body.subgraph()).isEqualTo(BODY);
    assertThat(body.caller().orElseThrow().operatorName()).isEqualTo("WHILE");
    int samples = graph.samples();
    assertThat(body.samples()).isEqualTo(samples * TIMES);
    Tensor output =
        body.tensors().stream().filter(t -> t.role() == Role.OUTPUT).findFirst().orElseThrow();
    Tensor codes =
        body.tensors().stream()
            .filter(t -> t.operatorName().equals("QUANTIZE"))
            .findFirst()
            .orElseThrow();
    double endToEnd = 0;
    double local = 0;
    try (Interpreter main = open(LOOPING);
        Interpreter floats = open(LOOPING.withEntry(BODY));
        Interpreter integers = open(made.withEntry(BODY))) {
      Inputs inputs = DATA.inputs(main.inputs());
      for (int s = 0; s < samples; s++) {
        inputs.write(s, main);
        float[] x = new float[SIZE];
        main.input(0).asFloatBuffer().get(x);
        float[] y = x;
        for (int i = 0; i < TIMES; i++) {
          local += rounding(codes, x);
          x = run(floats, x);
          y = run(integers, y);
          endToEnd += meanSquare(x, y);
        }
      }
    }
    endToEnd /= samples * TIMES;
    local /= samples * TIMES;
    assertThat(output.accumulated().meanSquaredError())
        .isCloseTo(endToEnd, within(1e-6 * endToEnd))
        .isPositive();
    assertThat(codes.local().orElseThrow().meanSquaredError())
        .isCloseTo(local, within(1e-6 * local))
        .isPositive();
    assertThat(body.tensors()).filteredOn(t -> t.operator() >= 0).hasSizeGreaterThan(3);
    assertThat(body.worst()).hasSizeGreaterThan(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5})
  void theResultIsTheSameWithAnyNumberOfThreads(int threads) {
    for (Model model : List.of(LOOPING, BRANCHING)) {
      Model made = quantized(model, Recipe.int8());
      Comparator.Options options = Comparator.Options.DEFAULT.withHistograms(true);
      assertThat(
              ComparisonFile.json(
                  Comparator.compare(model, made, DATA, options.withThreads(threads))))
          .isEqualTo(ComparisonFile.json(Comparator.compare(model, made, DATA, options)));
    }
  }

  @Test
  void aModelBesideItselfIsEqual() {
    for (Model model : List.of(LOOPING, BRANCHING)) {
      Graph graph = compare(model, model, Comparator.Options.DEFAULT.withXnnpack(false));
      assertThat(graph.unseen()).isEmpty();
      assertThat(graph.bodies()).isNotEmpty();
      assertThat(graph.all().stream().flatMap(g -> g.tensors().stream()))
          .extracting(Tensor::accumulated)
          .extracting(Error::meanSquaredError)
          .containsOnly(0.0);
    }
  }

  @Test
  void eachBranchIsRunOnTheSamplesThatTakeIt() {
    Graph graph =
        compare(BRANCHING, quantized(BRANCHING, Recipe.dynamic()), Comparator.Options.DEFAULT);
    assertThat(graph.unseen()).isEmpty();
    assertThat(graph.bodies()).extracting(Graph::subgraph).containsExactly(1, 2);
    assertThat(graph.bodies().stream().mapToInt(Graph::samples).sum()).isEqualTo(graph.samples());
    assertThat(graph.bodies()).allMatch(body -> body.samples() > 0);
  }

  /** With other contents of a constant. */
  private static Model with(Model model, int subgraph, int tensor, ByteBuffer contents) {
    Draft draft = new Draft(model);
    int buffer = draft.addBuffer(Buffer.of(contents));
    draft
        .graph(subgraph)
        .replace(tensor, model.subgraphs().get(subgraph).tensor(tensor).withBuffer(buffer));
    return draft.finish();
  }

  private static int named(Subgraph graph, String name) {
    for (int t = 0; t < graph.tensors().size(); t++) {
      if (graph.tensor(t).name().equals(name)) {
        return t;
      }
    }
    throw new AssertionError(name);
  }

  private static ByteBuffer whole(int number) {
    return ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, number);
  }

  @Test
  void whereTheModelsTakeOtherWaysIsSaid() {
    Model made = quantized(LOOPING, Recipe.dynamic());
    int bound = named(made.subgraphs().get(1), "bound");
    Model shorter = with(made, 1, bound, whole(TIMES - 2));
    Graph graph = compare(LOOPING, shorter, Comparator.Options.DEFAULT);
    assertThat(graph.unseen())
        .singleElement()
        .asString()
        .startsWith("WHILE (operator 0): both models took other ways 12 times");
    assertThat(graph.bodies().get(0).samples()).isEqualTo(graph.samples() * (TIMES - 2));

    Model never = with(made, 1, bound, whole(0));
    Graph without = compare(LOOPING, never, Comparator.Options.DEFAULT);
    assertThat(without.bodies()).isEmpty();
    assertThat(without.unseen()).hasSize(2).anyMatch(line -> line.contains("no sample runs it"));
  }

  @Test
  void badWeightsInABodyAreFirstAndRestoringThemHelps() {
    Model made = quantized(LOOPING, Recipe.int8());
    Subgraph body = made.subgraphs().get(BODY);
    int weights =
        body.operators().stream()
            .filter(operator -> operator.name().equals("FULLY_CONNECTED"))
            .findFirst()
            .orElseThrow()
            .input(1);
    ByteBuffer codes = made.contents(body.tensor(weights));
    ByteBuffer worse = ByteBuffer.allocateDirect(codes.remaining());
    for (int i = 0; i < codes.limit(); i++) {
      worse.put(i, (byte) (codes.get(i) / 2)); // the signs stay
    }
    Model bad = with(made, BODY, weights, worse);
    Graph graph = compare(LOOPING, bad, Comparator.Options.DEFAULT.withRestored(1));
    Graph inside = graph.bodies().get(0);
    assertThat(inside.worst().get(0).operatorName()).isEqualTo("FULLY_CONNECTED");
    assertThat(inside.firstBad()).contains(inside.worst().get(0));
    Restored restored = graph.restored().get(0);
    assertThat(restored.problem()).isEmpty();
    assertThat(restored.operatorName()).isEqualTo("FULLY_CONNECTED");
    assertThat(restored.name()).isEqualTo("sum");
    assertThat(restored.alone()).isGreaterThan(restored.before() + 10);
  }

  @Test
  void restoringEveryOperatorOfBodiesGivesTheFloatModel() {
    Graph graph =
        compare(
            LOOPING,
            quantized(LOOPING, Recipe.int8()),
            Comparator.Options.DEFAULT.withRestored(99));
    assertThat(graph.restored()).hasSizeGreaterThan(2);
    assertThat(graph.restored()).allMatch(restored -> restored.problem().isEmpty());
    assertThat(graph.restored().get(graph.restored().size() - 1).together()).isGreaterThan(100);
  }

  @Test
  void bodiesOfAModelOfKerasAreCompared() {
    Model floats = Model.read(Shared.file("models/zoo/gen_gru_kws_while.tflite"));
    Graph graph =
        compare(
            floats,
            quantized(floats, Recipe.int8()),
            Comparator.Options.DEFAULT.withSamples(2).withThreads(2));
    assertThat(graph.unseen()).isEmpty();
    assertThat(graph.bodies()).hasSize(2);
    assertThat(graph.bodies()).allMatch(body -> body.samples() == 2 * 49);
    assertThat(graph.bodies()).allMatch(body -> body.worst().size() > 20);
  }
}
