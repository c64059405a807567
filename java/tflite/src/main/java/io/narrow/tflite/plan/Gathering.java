package io.narrow.tflite.plan;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Expression;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.ops.Whole;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Puts one operator in the place of several that compute the same, such as a softmax that is
 * written out: integers are rounded once then, and no range has to be known of what is between.
 * Tensors of the model keep their numbers.
 */
final class Gathering {
  private static final String ACTIVATION = "fused_activation_function";
  private static final String KEEPS = "keep_dims";

  private final Model model;
  private final Draft draft;
  private boolean changed;

  Gathering(Model model, Recipe recipe) {
    this.model = model;
    this.draft = new Draft(model);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph graph = model.subgraphs().get(i);
      Function<Operator, Optional<RecipeRule>> rules = recipe.lastRule(graph);
      for (int number = 0; number < graph.operators().size(); number++) {
        gather(i, graph, number, rules);
      }
    }
  }

  /** The model, which may be the same as before. */
  Model model() {
    return changed ? draft.finish() : model;
  }

  private void gather(
      int subgraph, Subgraph graph, int number, Function<Operator, Optional<RecipeRule>> rules) {
    Operator last = graph.operators().get(number);
    for (Whole whole : OpRules.of(last.name()).wholes()) {
      if (last.outputs().length != 1 || draft.graph(subgraph).isRemoved(number)) {
        return;
      }
      Match match = new Match(graph);
      if (match.operator(whole.parts(), number)
          && match.isOnItsOwn(number)
          && match.operators.stream().map(graph.operators()::get).allMatch(o -> wants(rules, o))) {
        int[] operands =
            whole.operator().arguments().stream()
                .mapToInt(each -> match.operands.get(each.place()))
                .toArray();
        match.operators.stream().filter(o -> o != number).forEach(draft.graph(subgraph)::remove);
        draft.graph(subgraph).replace(number, whole.operator(operands, last.outputs()[0]));
        changed = true;
        return;
      }
    }
  }

  /** Whether a rule wants integer activations, without naming the operator. */
  private static boolean wants(Function<Operator, Optional<RecipeRule>> rules, Operator operator) {
    return rules.apply(operator).filter(RecipeRule::wantsIntegers).isPresent();
  }

  /** Operators that are found to compute an expression. */
  private final class Match {
    private final Subgraph graph;
    private final Map<Integer, Integer> operands = new HashMap<>(); // tensors by place
    private final Set<Integer> operators = new HashSet<>();

    Match(Subgraph graph) {
      this.graph = graph;
    }

    /** Whether nothing else reads what is between; the last of them may be read. */
    boolean isOnItsOwn(int last) {
      return operators.stream()
          .filter(number -> number != last)
          .map(number -> graph.operators().get(number).outputs()[0])
          .allMatch(
              t ->
                  !graph.isOutput(t)
                      && graph.readers(t).stream().allMatch(r -> operators.contains(r.operator())));
    }

    /** Whether an operator computes an expression; what it came upon is kept. */
    boolean operator(Expression wanted, int number) {
      Operator operator = graph.operators().get(number);
      if (!operator.name().equals(wanted.operator())
          || operator.outputs().length != 1
          || operator.hasOption(ACTIVATION) && operator.option(ACTIVATION) != 0) {
        return false;
      }
      operators.add(number);
      List<Expression> arguments = wanted.arguments();
      if (arguments.size() == 1) {
        return operand(arguments.get(0), operator.input(0))
            && (operator.inputs().length == 1 || isAlongLastAxis(operator));
      }
      if (operator.inputs().length != arguments.size()) {
        return false;
      }
      OpRule row = OpRules.of(operator.name());
      Map<Integer, Integer> before = Map.copyOf(operands);
      Set<Integer> known = Set.copyOf(operators);
      if (both(arguments, operator.input(0), operator.input(1))) {
        return true;
      }
      operands.clear();
      operands.putAll(before);
      operators.retainAll(known);
      return (row.adds() || row.multiplies())
          && both(arguments, operator.input(1), operator.input(0));
    }

    private boolean both(List<Expression> arguments, int first, int second) {
      return operand(arguments.get(0), first) && operand(arguments.get(1), second);
    }

    private boolean operand(Expression wanted, int tensor) {
      if (tensor < 0 || graph.tensor(tensor).type() != TensorType.FLOAT32) {
        return false;
      }
      if (wanted.place() >= 0) {
        Integer there = operands.putIfAbsent(wanted.place(), tensor);
        return there == null || there == tensor;
      }
      if (wanted.isConstant()) {
        Tensor constant = graph.tensor(tensor);
        return model.isConstant(constant)
            && !constant.isEncoded()
            && constant.elements() == 1
            && model.contents(constant).getFloat(0) == wanted.value();
      }
      return graph.producer(tensor).filter(number -> operator(wanted, number)).isPresent();
    }

    private boolean isAlongLastAxis(Operator operator) {
      if (operator.inputs().length != 2 || !operator.hasOption(KEEPS)) {
        return false;
      }
      Tensor axes = graph.tensor(operator.input(1));
      if (operator.option(KEEPS) == 0 || !model.isConstant(axes) || axes.elements() != 1) {
        return false;
      }
      int rank = graph.tensor(operator.input(0)).rank();
      ByteBuffer axis = model.contents(axes);
      return rank > 0 && Math.floorMod(axis.getInt(0), rank) == rank - 1;
    }
  }
}
