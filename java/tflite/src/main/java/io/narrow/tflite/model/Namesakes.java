package io.narrow.tflite.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Tensors of the same names in the same subgraph of a model that was made of another. */
public final class Namesakes {
  private static final int SEVERAL = -1;

  private final Subgraph graph;
  private final Optional<Subgraph> other;
  private final Map<String, Integer> numbers = new HashMap<>();

  /**
   * @param graph whose tensors are looked for
   * @param model where, if anywhere
   * @param subgraph the number of both
   */
  public Namesakes(Subgraph graph, Optional<Model> model, int subgraph) {
    this.graph = graph;
    this.other =
        model.filter(m -> subgraph < m.subgraphs().size()).map(m -> m.subgraphs().get(subgraph));
    other.ifPresent(
        made -> {
          for (int i = 0; i < made.tensors().size(); i++) {
            numbers.merge(made.tensor(i).name(), i, (first, second) -> SEVERAL);
          }
        });
  }

  /** The subgraph of the other model, if it has one of the number. */
  public Optional<Subgraph> graph() {
    return other;
  }

  /** Number in the other model: the same where nothing was dropped before, or the only one. */
  public OptionalInt of(int tensor) {
    String name = graph.tensor(tensor).name();
    if (other.isPresent()
        && other.get().tensors().size() == graph.tensors().size()
        && other.get().tensor(tensor).name().equals(name)) {
      return OptionalInt.of(tensor);
    }
    int found = numbers.getOrDefault(name, SEVERAL);
    return found == SEVERAL ? OptionalInt.empty() : OptionalInt.of(found);
  }
}
