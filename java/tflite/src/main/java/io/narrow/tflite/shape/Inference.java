package io.narrow.tflite.shape;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What is known of all tensors of a model, from its inputs on. What several operators call is known
 * as far as it is the same for all of them, and so is what a loop changes from turn to turn.
 */
final class Inference {
  /** Passes until nothing changes: a size becomes unknown once. More are a made-up model. */
  private static final int PASSES = 64;

  private static final Map<String, Rule> RULES = rules();

  private final Model model;
  private final Fact[][] given; // of each subgraph that is called: what is known of its inputs
  private final Fact[][] tensors; // of each subgraph that was walked along
  private final BitSet walked = new BitSet(); // in this pass, with what is given now
  private final BitSet walking = new BitSet();
  private boolean changed;
  private Optional<String> problem = Optional.empty();

  private Inference(Model model) {
    this.model = model;
    given = new Fact[model.subgraphs().size()][];
    tensors = new Fact[given.length][];
  }

  private static Map<String, Rule> rules() {
    Map<String, Rule> all = new HashMap<>();
    all.putAll(Elementwise.TABLE);
    all.putAll(Moves.TABLE);
    all.putAll(Joins.TABLE);
    all.putAll(Slices.TABLE);
    all.putAll(Windows.TABLE);
    return Map.copyOf(all);
  }

  static Inference of(Model model) {
    Inference inference = new Inference(model);
    for (int entry : model.entries()) {
      inference.given[entry] = inputs(model.subgraphs().get(entry));
    }
    int passes = 0;
    do {
      inference.changed = false;
      inference.walked.clear();
      inference.problem = Optional.empty();
      model.entries().forEach(inference::walk);
    } while (inference.changed && ++passes < PASSES);
    if (inference.changed) {
      Arrays.fill(inference.tensors, null);
    }
    return inference;
  }

  private static Fact[] inputs(Subgraph graph) {
    return IntStream.of(graph.inputs())
        .mapToObj(graph::tensor)
        .map(input -> input.isRanked() ? Fact.of(input.shapeSignature()) : Fact.NOTHING)
        .toArray(Fact[]::new);
  }

  /** Whether an operator has a rule, so that it does nothing but compute its results. */
  static boolean isComputation(Operator operator) {
    return RULES.containsKey(operator.name());
  }

  /** What is known of a tensor. */
  Fact of(int subgraph, int tensor) {
    return tensors[subgraph] == null ? Fact.NOTHING : tensors[subgraph][tensor];
  }

  /** The first operator that does not take its operands, and why. */
  Optional<String> problem() {
    return problem;
  }

  private void walk(int number) {
    if (walked.get(number) || walking.get(number)) {
      return;
    }
    walking.set(number);
    Subgraph graph = model.subgraphs().get(number);
    Fact[] facts = graph.tensors().stream().map(this::stored).toArray(Fact[]::new);
    int[] inputs = graph.inputs();
    for (int i = 0; i < inputs.length; i++) {
      facts[inputs[i]] = given[number][i];
    }
    for (Operator operator : graph.operators()) {
      List<Fact> results = results(graph, operator, facts);
      int[] outputs = operator.outputs();
      for (int i = 0; i < outputs.length; i++) {
        if (outputs[i] >= 0) {
          facts[outputs[i]] = i < results.size() ? results.get(i) : Fact.NOTHING;
        }
      }
    }
    tensors[number] = facts;
    walking.clear(number);
    walked.set(number);
  }

  /** What the file says of a tensor that no operator writes. */
  private Fact stored(Tensor tensor) {
    if (!model.isConstant(tensor) && !tensor.isVariable()) {
      // An empty list has no bytes, as what is computed has none.
      boolean empty = tensor.rank() > 0 && IntStream.of(tensor.shape()).anyMatch(n -> n == 0);
      return empty ? new Fact(tensor.shape(), new double[0]) : Fact.NOTHING;
    }
    Fact shape = Fact.of(tensor.shape());
    boolean follows =
        model.isConstant(tensor)
            && !tensor.isEncoded()
            && !tensor.isQuantized()
            && shape.isKnown()
            && Fact.follows(tensor.elements());
    return follows ? values(shape, tensor.type(), model.contents(tensor)) : shape;
  }

  private static Fact values(Fact shape, TensorType type, ByteBuffer bytes) {
    int count = (int) shape.elements();
    if (bytes.remaining() < type.bytes(count)) {
      return shape;
    }
    return switch (type) {
      case INT32 -> Fact.filled(shape.shape(), index -> bytes.getInt());
      case INT64 -> Fact.filled(shape.shape(), i -> Elementwise.held(type, bytes.getLong()));
      case FLOAT32 -> Fact.filled(shape.shape(), index -> bytes.getFloat());
      case BOOL -> Fact.filled(shape.shape(), index -> bytes.get() == 0 ? 0 : 1);
      default -> shape;
    };
  }

  private List<Fact> results(Subgraph graph, Operator operator, Fact[] facts) {
    List<Fact> operands =
        IntStream.of(operator.inputs())
            .mapToObj(input -> input < 0 ? Fact.NOTHING : facts[input])
            .toList();
    if (!operator.calls().isEmpty()) {
      return called(operator, operands);
    }
    Rule rule = RULES.get(operator.name());
    if (rule == null || operator.outputs().length == 0 || operator.outputs()[0] < 0) {
      return List.of();
    }
    Tensor result = graph.tensor(operator.outputs()[0]);
    try {
      List<Fact> results = rule.of(new Node(operator, operands, result.type()));
      results.forEach(Fact::elements); // none is larger than any memory
      return results;
    } catch (Mismatch | ArithmeticException e) {
      String what = e instanceof Mismatch ? e.getMessage() : "its result is larger than any memory";
      problem =
          problem.or(() -> Optional.of(operator.name() + " `" + result.name() + "`: " + what));
      return List.of();
    }
  }

  private List<Fact> called(Operator operator, List<Fact> operands) {
    List<Fact> plain = operands.stream().map(Fact::withoutValues).toList();
    List<Integer> calls = operator.calls();
    return switch (operator.name()) {
      case "WHILE" -> {
        call(calls.get(0), plain);
        List<Fact> after = call(calls.get(1), plain);
        if (after.size() != plain.size()) {
          yield List.of();
        }
        List<Fact> any =
            IntStream.range(0, plain.size()).mapToObj(i -> plain.get(i).or(after.get(i))).toList();
        call(calls.get(0), any);
        call(calls.get(1), any);
        yield any;
      }
      case "IF" -> {
        List<Fact> arguments = plain.subList(Math.min(1, plain.size()), plain.size());
        List<Fact> then = call(calls.get(0), arguments);
        List<Fact> otherwise = call(calls.get(1), arguments);
        yield then.size() != otherwise.size()
            ? List.of()
            : IntStream.range(0, then.size())
                .mapToObj(i -> then.get(i).or(otherwise.get(i)))
                .toList();
      }
      case "STABLEHLO_COMPOSITE", "CALL", "CALL_ONCE" -> call(calls.get(0), plain);
      default -> List.of();
    };
  }

  /** What a subgraph gives when it is called with these. */
  private List<Fact> call(int number, List<Fact> arguments) {
    if (number < 0 || number >= given.length || walking.get(number)) {
      return List.of();
    }
    Subgraph graph = model.subgraphs().get(number);
    if (graph.inputs().length != arguments.size()) {
      return List.of();
    }
    Fact[] before = given[number];
    Fact[] now = new Fact[arguments.size()];
    for (int i = 0; i < now.length; i++) {
      now[i] = before == null ? arguments.get(i) : before[i].or(arguments.get(i));
    }
    if (before == null || !Arrays.equals(before, now)) {
      given[number] = now;
      changed = true;
      walked.clear(number);
    }
    walk(number);
    List<Fact> results = new ArrayList<>();
    for (int output : graph.outputs()) {
      results.add(output < 0 ? Fact.NOTHING : tensors[number][output].withoutValues());
    }
    return Collections.unmodifiableList(results);
  }
}
