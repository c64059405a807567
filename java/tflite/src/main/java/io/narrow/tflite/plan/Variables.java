package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The variables of a model, which its subgraphs know by name. All operators that read and assign
 * one agree on how it is held; subgraphs that only give it its first value follow the one that
 * computes with it.
 */
final class Variables {
  /** An operator that reads a variable or assigns to it. */
  private record Use(int subgraph, int operator) {}

  private final Map<Use, String> names = new HashMap<>();
  private final Set<Use> reads = new HashSet<>();
  private final Map<String, List<Use>> uses = new HashMap<>();
  private final Map<String, Set<Integer>> owners = new HashMap<>(); // the subgraphs that compute
  private final Map<String, Encoding> planned = new HashMap<>();

  Variables(Model model) {
    for (int s = 0; s < model.subgraphs().size(); s++) {
      Subgraph graph = model.subgraphs().get(s);
      for (int i = 0; i < graph.operators().size(); i++) {
        Operator operator = graph.operators().get(i);
        if (OpRules.of(operator.name()).usesVariable()) {
          add(model, graph, new Use(s, i), operator);
        }
      }
    }
  }

  private void add(Model model, Subgraph graph, Use use, Operator operator) {
    Optional<Operator> handle = graph.producer(operator.input(0)).map(graph.operators()::get);
    if (handle.isPresent() && handle.get().hasOption("shared_name")) {
      String name = handle.get().text("container") + "/" + handle.get().text("shared_name");
      names.put(use, name);
      if (operator.outputs().length > 0) {
        reads.add(use);
      }
      uses.computeIfAbsent(name, n -> new ArrayList<>()).add(use);
      Set<Integer> owner = owners.computeIfAbsent(name, n -> new TreeSet<>());
      if (operator.input(1) < 0 || !model.isConstant(graph.tensor(operator.input(1)))) {
        owner.add(use.subgraph());
      }
    }
  }

  /**
   * The operators of a subgraph that use the same variable as one of them, those that read first.
   */
  List<Integer> together(int subgraph, int operator) {
    String name = names.get(new Use(subgraph, operator));
    return name == null
        ? List.of()
        : uses.get(name).stream()
            .filter(use -> use.subgraph() == subgraph)
            .sorted(Comparator.comparing(use -> !reads.contains(use)))
            .map(Use::operator)
            .toList();
  }

  /** Whether a subgraph only gives the variable its first value. */
  boolean begins(int subgraph, int operator) {
    String name = names.get(new Use(subgraph, operator));
    return name != null && !owners.get(name).contains(subgraph);
  }

  /** Why a variable cannot be held as integers, whatever its values; none if it can. */
  Reason objection(int subgraph, int operator) {
    String name = names.get(new Use(subgraph, operator));
    if (name == null) {
      return Reason.of(Code.STATE, "its variable is given to it by another subgraph");
    }
    if (owners.get(name).size() != 1) {
      return Reason.of(Code.STATE, "its variable is used by several subgraphs");
    }
    return begins(subgraph, operator) && !planned.containsKey(name)
        ? IntegerSupport.FLOAT_VARIABLE
        : Reason.NONE;
  }

  /** Lets a variable be held so. */
  void plan(int subgraph, int operator, Encoding encoding) {
    planned.put(names.get(new Use(subgraph, operator)), encoding);
  }

  /** How a variable that was planned is held. */
  Encoding encoding(int subgraph, int operator) {
    return planned.get(names.get(new Use(subgraph, operator)));
  }

  /** The tensor that is read from a variable, or assigned to it. */
  static int value(Operator operator) {
    return operator.outputs().length > 0 ? operator.outputs()[0] : operator.input(1);
  }
}
