package io.narrow.tflite.autotune;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Rule;
import io.narrow.tflite.plan.TensorPlan;
import io.narrow.tflite.plan.Treatment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Operators with weights that are encoded alike: mostly one, else those that share their weights or
 * the names by which a rule knows them, or neighbours that were put together.
 *
 * @param scopes the names of what its operators write, each with a semicolon, in the order of the
 *     model
 * @param kind name of its operators in the schema; of several kinds that of the first
 * @param operators how many it has
 * @param weights how many values these are
 * @param products how many products a run of them takes
 */
record Unit(List<String> scopes, String kind, int operators, long weights, double products) {
  private static final String SPECIAL = "\\^$.|?*+()[]{}";

  Unit {
    scopes = List.copyOf(scopes);
  }

  /** Those of a model. */
  static List<Unit> of(Plan plan) {
    Model model = plan.model();
    Map<String, Unit> units = new LinkedHashMap<>();
    Map<String, String> firsts = new HashMap<>(); // of the scopes that belong together
    Map<List<Integer>, List<TensorPlan>> constants =
        plan.tensors().stream()
            .filter(tensor -> !tensor.isFloat())
            .collect(Collectors.groupingBy(tensor -> List.of(tensor.subgraph(), tensor.tensor())));
    Map<Integer, String> byBuffer = new HashMap<>();
    for (int g = 0; g < model.subgraphs().size(); g++) {
      Subgraph graph = model.subgraphs().get(g);
      for (Operator operator : graph.operators()) {
        List<Integer> read = new ArrayList<>();
        for (int tensor : operator.inputs()) {
          if (tensor >= 0 && constants.containsKey(List.of(g, tensor))) {
            read.add(tensor);
          }
        }
        if (!read.isEmpty()) {
          String scope = scope(graph, operator);
          String first = firsts.getOrDefault(scope, scope);
          for (int tensor : read) {
            first = byBuffer.getOrDefault(graph.tensor(tensor).buffer(), first);
          }
          for (int tensor : read) {
            byBuffer.put(graph.tensor(tensor).buffer(), first);
          }
          firsts.put(scope, first);
          long weights = read.stream().mapToLong(t -> graph.tensor(t).elements()).sum();
          Unit unit =
              new Unit(
                  List.of(scope), operator.name(), 1, weights, products(graph, operator, weights));
          units.merge(first, unit, Unit::with);
        }
      }
    }
    return List.copyOf(units.values());
  }

  /** At most so many, of which neighbours with the fewest weights are put together. */
  static List<Unit> atMost(int most, List<Unit> all) {
    List<Unit> units = new ArrayList<>(all);
    while (units.size() > most) {
      int least = 0;
      for (int i = 1; i + 1 < units.size(); i++) {
        if (pair(units, i) < pair(units, least)) {
          least = i;
        }
      }
      units.set(least, units.get(least).with(units.remove(least + 1)));
    }
    return units;
  }

  private static long pair(List<Unit> units, int first) {
    return units.get(first).weights + units.get(first + 1).weights;
  }

  private Unit with(Unit other) {
    List<String> all = new ArrayList<>(scopes);
    other.scopes.stream().filter(scope -> !all.contains(scope)).forEach(all::add);
    return new Unit(
        all, kind, operators + other.operators, weights + other.weights, products + other.products);
  }

  private static String scope(Subgraph graph, Operator operator) {
    return Arrays.stream(operator.outputs())
        .filter(tensor -> tensor >= 0)
        .mapToObj(tensor -> graph.tensor(tensor).name() + ";")
        .collect(Collectors.joining());
  }

  /** Each weight is used once for every place that the last axis of the output has values at. */
  private static double products(Subgraph graph, Operator operator, long weights) {
    int output = operator.outputs().length == 0 ? -1 : operator.outputs()[0];
    if (output < 0 || graph.tensor(output).rank() == 0) {
      return weights;
    }
    int last = graph.tensor(output).dimension(graph.tensor(output).rank() - 1);
    return (double) graph.tensor(output).elements() / Math.max(1, last) * weights;
  }

  /** What to call it: what its first operator writes. */
  String name() {
    String first = scopes.get(0).replaceFirst(";$", "");
    return operators > 1 ? first + " and " + (operators - 1) + " more" : first;
  }

  /** Rules that treat its operators, and no others, in this way. */
  List<Rule> rules(List<Treatment> treatments) {
    return treatments.stream()
        .flatMap(t -> scopes.stream().map(scope -> new Rule(expression(scope), Rule.ALL, t)))
        .toList();
  }

  /** Finds this text and no longer one, for Java as for Python. */
  private static String expression(String scope) {
    StringBuilder text = new StringBuilder("^");
    for (char c : scope.toCharArray()) {
      text.append(SPECIAL.indexOf(c) < 0 ? "" : "\\").append(c);
    }
    return text.append('$').toString();
  }

  /** What becomes of its weights by a plan: the same for choices that make no difference. */
  String outcome(Plan plan) {
    TreeSet<String> found = new TreeSet<>(Comparator.naturalOrder());
    for (int g = 0; g < plan.model().subgraphs().size(); g++) {
      Subgraph graph = plan.model().subgraphs().get(g);
      int number = g;
      for (Operator operator : graph.operators()) {
        if (scopes.contains(scope(graph, operator))) {
          plan.tensors().stream()
              .filter(tensor -> tensor.subgraph() == number)
              .filter(
                  tensor -> Arrays.stream(operator.inputs()).anyMatch(t -> t == tensor.tensor()))
              .forEach(
                  tensor -> found.add(tensor.name() + " " + tensor.type() + " " + tensor.use()));
        }
      }
    }
    return String.join(", ", found);
  }
}
