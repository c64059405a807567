package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts what a composite stands for in its place, as the runtime does where nothing knows it as one:
 * its operators can be seen by calibration then, and become integers.
 */
final class Inline {
  private Inline() {}

  static Model of(Model model) {
    Model before = model;
    // A composite may stand for others, but not for itself: each pass takes a level.
    for (int level = 0; level < model.subgraphs().size(); level++) {
      Model after = pass(before);
      if (after == before) {
        break;
      }
      before = after;
    }
    return before == model ? model : withoutUncalled(before);
  }

  private static Model pass(Model model) {
    Draft draft = new Draft(model);
    boolean changed = false;
    for (int s = 0; s < model.subgraphs().size(); s++) {
      List<Operator> operators = model.subgraphs().get(s).operators();
      for (int i = 0; i < operators.size(); i++) {
        Operator operator = operators.get(i);
        if (OpRules.of(operator.name()).decomposes() && operator.calls().size() == 1) {
          Subgraph body = model.subgraphs().get(operator.calls().get(0));
          if (fits(operator, body)) {
            inline(draft.graph(s), i, operator, body);
            changed = true;
          }
        }
      }
    }
    return changed ? draft.finish() : model;
  }

  /** Whether all that it gives is computed in it. */
  private static boolean fits(Operator operator, Subgraph body) {
    return operator.inputs().length == body.inputs().length
        && operator.outputs().length == body.outputs().length
        && !body.operators().isEmpty()
        && Arrays.stream(operator.inputs()).allMatch(input -> input >= 0)
        && Arrays.stream(body.outputs()).distinct().count() == body.outputs().length
        && Arrays.stream(body.outputs()).allMatch(out -> body.producer(out).isPresent());
  }

  private static void inline(Draft.Graph graph, int number, Operator operator, Subgraph body) {
    Map<Integer, Integer> numbers = new HashMap<>();
    for (int i = 0; i < body.inputs().length; i++) {
      numbers.put(body.inputs()[i], operator.input(i));
    }
    for (int i = 0; i < body.outputs().length; i++) {
      numbers.put(body.outputs()[i], operator.outputs()[i]);
    }
    graph.remove(number);
    for (Operator each : body.operators()) {
      Operator moved = each;
      for (int place = 0; place < each.inputs().length; place++) {
        if (each.input(place) >= 0) {
          moved = moved.withInput(place, number(numbers, graph, body, each.input(place)));
        }
      }
      for (int place = 0; place < each.outputs().length; place++) {
        moved = moved.withOutput(place, number(numbers, graph, body, each.outputs()[place]));
      }
      int[] intermediates = each.intermediates().clone();
      for (int i = 0; i < intermediates.length; i++) {
        intermediates[i] = number(numbers, graph, body, intermediates[i]);
      }
      graph.addAfter(
          number, intermediates.length == 0 ? moved : moved.withIntermediates(intermediates));
    }
  }

  private static int number(
      Map<Integer, Integer> numbers, Draft.Graph graph, Subgraph body, int tensor) {
    if (!numbers.containsKey(tensor)) {
      Tensor moved = body.tensor(tensor).renumbered(s -> number(numbers, graph, body, s));
      numbers.put(tensor, graph.add(moved));
    }
    return numbers.get(tensor);
  }

  /** Without the last subgraphs, as far as nothing calls them any more. */
  private static Model withoutUncalled(Model model) {
    Set<Integer> called = new HashSet<>(model.entries());
    called.add(0);
    for (Subgraph graph : model.subgraphs()) {
      graph.operators().forEach(operator -> called.addAll(operator.calls()));
    }
    List<Subgraph> kept = new ArrayList<>(model.subgraphs());
    while (!called.contains(kept.size() - 1)) {
      kept.remove(kept.size() - 1);
    }
    return model.with(kept, model.buffers());
  }
}
