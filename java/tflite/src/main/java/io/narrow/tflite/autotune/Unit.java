package io.narrow.tflite.autotune;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.plan.TensorPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
  Unit {
    scopes = List.copyOf(scopes);
  }

  /** Those of a model. */
  static List<Unit> of(Plan plan) {
    Model model = plan.model();
    Map<String, Unit> units = new LinkedHashMap<>();
    Map<String, String> firsts = new HashMap<>(); // of the scopes that belong together
    Map<List<Integer>, List<TensorPlan>> constants =
        byPlace(plan.tensors().stream().filter(tensor -> !tensor.isFloat()));
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
          String scope = RecipeRule.scope(operator, graph);
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
  List<RecipeRule> rules(List<OperatorConfiguration> configurations) {
    return configurations.stream()
        .flatMap(
            t ->
                scopes.stream()
                    .map(scope -> new RecipeRule(RecipeRule.only(scope), RecipeRule.ALL, t)))
        .toList();
  }

  /** What becomes of the weights of each unit by a plan: the same for choices without effect. */
  static List<String> outcomes(List<Unit> units, Plan plan) {
    Map<String, Integer> byScope = new HashMap<>();
    List<TreeSet<String>> found = new ArrayList<>();
    for (int u = 0; u < units.size(); u++) {
      for (String scope : units.get(u).scopes) {
        byScope.put(scope, u);
      }
      found.add(new TreeSet<>());
    }
    Map<List<Integer>, List<TensorPlan>> tensors = byPlace(plan.tensors().stream());
    for (int g = 0; g < plan.model().subgraphs().size(); g++) {
      Subgraph graph = plan.model().subgraphs().get(g);
      for (Operator operator : graph.operators()) {
        Integer unit = byScope.get(RecipeRule.scope(operator, graph));
        if (unit != null) {
          for (int input : operator.inputs()) {
            tensors
                .getOrDefault(List.of(g, input), List.of())
                .forEach(t -> found.get(unit).add(t.name() + " " + t.type() + " " + t.use()));
          }
        }
      }
    }
    return found.stream().map(texts -> String.join(", ", texts)).toList();
  }

  /** By numbers of subgraph and tensor. */
  private static Map<List<Integer>, List<TensorPlan>> byPlace(Stream<TensorPlan> tensors) {
    return tensors.collect(
        Collectors.groupingBy(tensor -> List.of(tensor.subgraph(), tensor.tensor())));
  }
}
