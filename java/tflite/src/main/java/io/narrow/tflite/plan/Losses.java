package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Values that no code tells apart: all that was seen of a tensor, or of a difference, is less than
 * a few steps of the scales that it is computed with, or most of it lies beyond the last code.
 */
final class Losses {
  /** Fewer steps than this between zero and the largest value are as good as none. */
  private static final float FEWEST_STEPS = 2;

  /** So many times what a fixed scale reaches is more than its last code can stand for. */
  private static final float FARTHEST = 2;

  /** How much finer than the steps of int8 those of int16 are, which has a code for each sign. */
  private static final float FINER = 128;

  private final Kind shared = new Kind("lost in a scale that it shares, or that its kernel fixes");
  private final Kind cut = new Kind("beyond the last code of the scale that its kernel fixes");
  private final Kind differences = new Kind("a difference lost in the steps of its operands");

  /** A tensor that is lost in the scale with which an operator reads or writes it. */
  private record Loss(String operator, String tensor, float largest, Encoding encoding) {
    boolean inInt16Too() {
      return encoding.type() == TensorType.INT16
          || largest < FEWEST_STEPS * encoding.scale() / FINER;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "`%s` (up to %.3g in steps of %.3g, %s)",
          tensor,
          largest,
          encoding.scale(),
          operator);
    }
  }

  /** All that is lost for a reason, and the operators that should not compute it in integers. */
  private static final class Kind {
    private final String reason;
    private final List<Loss> losses = new ArrayList<>();
    private final Set<String> results = new TreeSet<>();
    private final Set<String> operators = new TreeSet<>();

    // Numbers of these operators of one subgraph: what follows one of them is there already.
    private final Set<Integer> kept = new HashSet<>();

    Kind(String reason) {
      this.reason = reason;
    }

    /** Whether an operator was not among them yet. */
    boolean keepFloat(Graph graph, int operator) {
      if (!kept.add(operator)) {
        return false;
      }
      operators.add(graph.operator(operator).name());
      for (int result : graph.operator(operator).outputs()) {
        results.add(graph.tensor(result).name());
      }
      return true;
    }

    Reason all() {
      boolean few = !results.isEmpty() && results.size() <= Reason.FEW;
      String text =
          Reason.first(losses.stream().map(Loss::toString).toList())
              + ": "
              + reason
              + "; what helps: "
              + (losses.stream().anyMatch(Loss::inInt16Too) ? "" : "int16x8, ")
              + "a model that ends before it, or float32 there";
      return few
          ? new Reason(Code.LOST, text, List.copyOf(results))
          : new Reason(Code.LOST_WIDELY, text, List.copyOf(operators));
    }
  }

  /** Looks at the operators of a subgraph that compute in integers. */
  void add(Graph graph, List<IntegerOperator> operators) {
    shared.kept.clear();
    differences.kept.clear();
    cut.kept.clear();
    Map<Integer, IntegerOperator> integers = new TreeMap<>();
    operators.forEach(each -> integers.put(each.operator(), each));
    Map<Integer, Loss> lost = new HashMap<>();
    integers.forEach(
        (number, each) -> {
          Operator operator = graph.operator(number);
          boolean loses = false;
          for (int place = 0; place < each.inputs().size(); place++) {
            int tensor = operator.input(place);
            loses |= look(graph, operator, tensor, each.inputs().get(place), lost);
          }
          for (int place = 0; place < each.outputs().size(); place++) {
            int tensor = operator.outputs()[place];
            loses |= look(graph, operator, tensor, each.outputs().get(place), lost);
            if (graph.rule(number).scales().fixed()) {
              beyond(graph, number, tensor, each.outputs().get(place));
            }
          }
          if (loses) {
            withWhatPassesItOn(graph, number, integers);
          }
        });
    shared.losses.addAll(new TreeMap<>(lost).values());
    for (int number = 0; number < graph.operators(); number++) {
      int power = OpRules.of(graph.operator(number).name()).cancels();
      int[] results = graph.operator(number).outputs();
      if (power > 0 && results.length == 1 && !lost.containsKey(results[0])) {
        difference(graph, number, power, integers);
      }
    }
  }

  private void beyond(Graph graph, int number, int tensor, Encoding fixed) {
    float largest = largest(graph, tensor);
    if (!fixed.isFloat() && largest > FARTHEST * Math.max(-fixed.lowest(), fixed.highest())) {
      String operator = graph.operator(number).name();
      cut.losses.add(new Loss(operator, graph.tensor(tensor).name(), largest, fixed));
      cut.keepFloat(graph, number);
    }
  }

  /** Whether a tensor is lost here; the coarsest scale with which it is, is kept. */
  private static boolean look(
      Graph graph, Operator operator, int tensor, Encoding encoding, Map<Integer, Loss> lost) {
    if (encoding.isFloat() || !graph.isFloat(tensor) || graph.isConstant(tensor)) {
      return false;
    }
    float largest = largest(graph, tensor);
    if (largest == 0 || largest >= FEWEST_STEPS * encoding.scale()) {
      return false;
    }
    Loss loss = new Loss(operator.name(), graph.tensor(tensor).name(), largest, encoding);
    lost.merge(tensor, loss, (a, b) -> a.encoding.scale() > b.encoding.scale() ? a : b);
    return true;
  }

  private static float largest(Graph graph, int tensor) {
    FloatRange seen = graph.seen(tensor).orElse(FloatRange.EMPTY);
    return seen.isEmpty() ? 0 : Math.max(Math.abs(seen.min()), Math.abs(seen.max()));
  }

  /** An operator as float32 helps only with those that hand its results on in the same scale. */
  private void withWhatPassesItOn(Graph graph, int first, Map<Integer, IntegerOperator> integers) {
    Deque<Integer> next = new ArrayDeque<>(List.of(first));
    while (!next.isEmpty()) {
      int number = next.remove();
      if (shared.keepFloat(graph, number)) {
        IntStream.of(graph.operator(number).outputs())
            .mapToObj(graph::readers)
            .flatMap(List::stream)
            .map(Subgraph.Reader::operator)
            .filter(integers::containsKey)
            .filter(reader -> graph.rule(reader).scales().same())
            .forEach(next::add);
      }
    }
  }

  private void difference(
      Graph graph, int number, int power, Map<Integer, IntegerOperator> integers) {
    Operator operator = graph.operator(number);
    int result = operator.outputs()[0];
    float largest = (float) Math.pow(largest(graph, result), 1.0 / power);
    Stream<Encoding> operands =
        integers.containsKey(number)
            ? integers.get(number).inputs().stream()
            : IntStream.of(operator.inputs()).mapToObj(each -> written(graph, each, integers));
    operands
        .filter(operand -> !operand.isFloat())
        .max(Comparator.comparing(Encoding::scale))
        .filter(coarsest -> largest > 0 && largest < FEWEST_STEPS * coarsest.scale())
        .map(step -> new Loss(operator.name(), graph.tensor(result).name(), largest, step))
        .ifPresent(
            loss -> {
              differences.losses.add(loss);
              withWhatComputesIt(graph, number, integers);
            });
  }

  /** How a tensor is written. */
  private static Encoding written(Graph graph, int tensor, Map<Integer, IntegerOperator> integers) {
    return graph
        .producer(tensor)
        .filter(integers::containsKey)
        .map(by -> integers.get(by).outputs().get(place(graph.operator(by), tensor)))
        .orElse(Encoding.FLOAT);
  }

  private static int place(Operator producer, int tensor) {
    int place = 0;
    while (producer.outputs()[place] != tensor) {
      place++;
    }
    return place;
  }

  /** A difference as float32 helps only with operands that were float32 as well, up to weights. */
  private void withWhatComputesIt(Graph graph, int last, Map<Integer, IntegerOperator> integers) {
    Deque<Integer> next = new ArrayDeque<>(List.of(last));
    while (!next.isEmpty()) {
      int number = next.remove();
      if (differences.keepFloat(graph, number)) {
        for (int tensor : graph.operator(number).inputs()) {
          graph
              .producer(tensor)
              .filter(integers::containsKey)
              .filter(producer -> !graph.rule(producer).scales().weighted())
              .ifPresent(next::add);
        }
      }
    }
  }

  /** One for each kind of loss. */
  List<Reason> all() {
    List<Reason> all = new ArrayList<>();
    for (Kind kind : List.of(shared, cut, differences)) {
      if (!kind.losses.isEmpty()) {
        all.add(kind.all());
      }
    }
    return all;
  }
}
