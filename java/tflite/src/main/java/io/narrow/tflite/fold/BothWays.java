package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Puts two operators that go one way along a sequence in the place of one that goes both ways: the
 * second between two REVERSE_V2. These have integer kernels, and in float32 they compute the same.
 *
 * <p>An auxiliary input without weights of its own is what the way back reads. With such weights it
 * is joined to the input, and they to the weights of the input: those that are no float32 constants
 * stay, and so does their operator.
 */
final class BothWays {
  private static final int GATES = 4;
  private static final String FORWARD = "_forward";
  private static final String BACKWARD = "_backward";
  private static final String REVERSED = "_reversed";

  /** What follows the name of an output in those of what the two operators write. */
  private static final String SUFFIXES =
      "(?:" + FORWARD + "|" + BACKWARD + ")?(?:" + REVERSED + ")?";

  private static final Pattern LITERAL = Pattern.compile("[^\\w/ ]");

  private final Draft draft;
  private final Draft.Graph graph;
  private final int number;
  private final Operator operator;
  private final OpRule rule;
  private final Subgraph before;
  private final int axis; // of time
  private final List<Operator> steps = new ArrayList<>();

  private BothWays(Draft draft, int subgraph, int number) {
    this.draft = draft;
    this.graph = draft.graph(subgraph);
    this.number = number;
    this.before = graph.before();
    this.operator = graph.operator(number);
    this.rule = OpRules.of(operator.name());
    this.axis = operator.option("time_major") != 0 ? 0 : 1;
  }

  static Model of(Model model) {
    Draft draft = new Draft(model);
    boolean changed = false;
    for (int s = 0; s < model.subgraphs().size(); s++) {
      List<Operator> operators = model.subgraphs().get(s).operators();
      for (int i = 0; i < operators.size(); i++) {
        if (OpRules.of(operators.get(i).name()).goesBothWays()) {
          BothWays one = new BothWays(draft, s, i);
          if (one.fits(model)) {
            one.replace();
            changed = true;
          }
        }
      }
    }
    return changed ? draft.finish() : model;
  }

  /**
   * A recipe whose rules for operators that go both ways are also for what took their place.
   *
   * @param model before it was folded
   */
  static Recipe recipe(Recipe recipe, Model model) {
    List<RecipeRule> rules = new ArrayList<>();
    for (RecipeRule rule : recipe.rules()) {
      rules.add(rule);
      if (!rule.operator().equals(RecipeRule.ALL) && OpRules.of(rule.operator()).goesBothWays()) {
        String names =
            model.subgraphs().stream()
                .flatMap(
                    graph ->
                        graph.operators().stream()
                            .filter(rule.in(graph))
                            .map(Operator::outputs)
                            .flatMapToInt(IntStream::of)
                            .mapToObj(graph::tensor))
                .map(output -> LITERAL.matcher(output.name()).replaceAll("\\\\$0"))
                .collect(Collectors.joining("|"));
        if (!names.isEmpty()) {
          String written = "^(?:" + names + ")" + SUFFIXES + "(?:_\\d+)?;$";
          rules.add(
              new RecipeRule(written, OpRules.of(rule.operator()).oneWay(), rule.configuration()));
        }
      }
    }
    return new Recipe(rules, recipe.inputType(), recipe.outputType(), recipe.strict());
  }

  private boolean merges() {
    return operator.option("merge_outputs") != 0;
  }

  private boolean fits(Model model) {
    int input = operator.input(0);
    return input >= 0
        && before.tensor(input).rank() == 3
        && operator.outputs().length == (merges() ? 1 : 2)
        && IntStream.of(0, 1).allMatch(way -> operator.input(recurrent(way)) >= 0)
        && IntStream.of(0, 1)
            .boxed()
            .flatMap(way -> joined(way).stream())
            .flatMap(List::stream)
            .allMatch(number -> isPlain(model, before.tensor(number)));
  }

  private static boolean isPlain(Model model, Tensor tensor) {
    return tensor.type() == TensorType.FLOAT32
        && model.isConstant(tensor)
        && !tensor.isEncoded()
        && tensor.rank() == 2;
  }

  /** Place of weights of a way whose columns are its outputs. */
  private int recurrent(int way) {
    return rule.oneWay(way).get(6);
  }

  /** Weights of the input of a way with those of its auxiliary input, where it has any. */
  private List<List<Integer>> joined(int way) {
    List<List<Integer>> pairs = new ArrayList<>();
    for (int gate = 0; gate < GATES; gate++) {
      int weights = operator.input(rule.oneWay(way).get(1 + gate));
      int more = operator.input(rule.auxiliaryWeights().get(GATES * way + gate));
      if (operator.input(rule.auxiliary()) >= 0 && weights >= 0 && more >= 0) {
        pairs.add(List.of(weights, more));
      }
    }
    return pairs;
  }

  private void replace() {
    graph.remove(number);
    int input = operator.input(0);
    int auxiliary = operator.input(rule.auxiliary());
    int there = input;
    int back = auxiliary >= 0 ? auxiliary : input;
    if (!joined(0).isEmpty()) {
      int channels = before.tensor(input).dimension(2) + before.tensor(auxiliary).dimension(2);
      there = like(input, channels, "_joined");
      back = there;
      concatenate(there, input, auxiliary);
    }
    int[] outputs = operator.outputs();
    int first = merges() ? like(outputs[0], outputs(0), FORWARD) : outputs[0];
    int second = merges() ? like(outputs[0], outputs(1), BACKWARD) : outputs[1];
    run(0, there, first);
    int turned = graph.add(graph.tensor(back).withName(name(back, REVERSED)).withBuffer(0));
    reverse(back, turned);
    int computed = like(second, outputs(1), REVERSED);
    run(1, turned, computed);
    reverse(computed, second);
    if (merges()) {
      concatenate(outputs[0], first, second);
    }
    steps.forEach(step -> graph.addAfter(number, step));
  }

  private int outputs(int way) {
    return before.tensor(operator.input(recurrent(way))).dimension(1);
  }

  private void run(int way, int input, int output) {
    Map<Integer, Integer> weights = new HashMap<>();
    joined(way).forEach(pair -> weights.put(pair.get(0), columns(pair.get(0), pair.get(1))));
    int[] in =
        rule.oneWay(way).stream()
            .mapToInt(operator::input)
            .map(tensor -> weights.getOrDefault(tensor, tensor))
            .toArray();
    in[0] = input;
    Map<String, Object> options =
        Map.of(
            "fused_activation_function",
            (int) operator.option("fused_activation_function"),
            "cell_clip",
            operator.realOption("cell_clip"),
            "proj_clip",
            operator.realOption("proj_clip"),
            "time_major",
            axis == 0,
            "asymmetric_quantize_inputs",
            operator.option("asymmetric_quantize_inputs") != 0);
    steps.add(
        Operator.of(
            rule.oneWay(),
            1,
            "UnidirectionalSequenceLSTMOptions",
            options,
            in,
            new int[] {output}));
  }

  private void reverse(int from, int to) {
    ByteBuffer contents = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int buffer = draft.addBuffer(Buffer.of(contents.putInt(0, axis)));
    Tensor time = Tensor.of(name(from, "_time"), TensorType.INT32, new int[] {1});
    int[] in = {from, graph.add(time.withBuffer(buffer))};
    steps.add(Operator.of("REVERSE_V2", 1, in, new int[] {to}));
  }

  private void concatenate(int to, int... from) {
    Map<String, Object> options = Map.of("axis", 2);
    steps.add(
        Operator.of("CONCATENATION", 1, "ConcatenationOptions", options, from, new int[] {to}));
  }

  private int like(int tensor, int channels, String suffix) {
    int[] shape = graph.tensor(tensor).shape();
    shape[shape.length - 1] = channels;
    return graph.add(Tensor.of(name(tensor, suffix), TensorType.FLOAT32, shape));
  }

  private String name(int tensor, String suffix) {
    return graph.tensor(tensor).name() + suffix;
  }

  /** Number of a matrix with the columns of one and then those of another. */
  private int columns(int left, int right) {
    Tensor one = before.tensor(left);
    Tensor other = before.tensor(right);
    int width = one.dimension(1) * Float.BYTES;
    int more = other.dimension(1) * Float.BYTES;
    Buffer first = draft.contents(one.buffer());
    Buffer second = draft.contents(other.buffer());
    int rows = one.dimension(0);
    Buffer all =
        Buffer.computed(
            rows * (width + more),
            target -> {
              for (int row = 0; row < rows; row++) {
                target.put(first.bytes().slice(row * width, width));
                target.put(second.bytes().slice(row * more, more));
              }
            });
    int[] shape = {rows, one.dimension(1) + other.dimension(1)};
    Tensor tensor = Tensor.of(name(left, "_joined"), TensorType.FLOAT32, shape);
    return graph.add(tensor.withBuffer(draft.addBuffer(all)));
  }
}
