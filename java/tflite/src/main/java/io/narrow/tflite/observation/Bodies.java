package io.narrow.tflite.observation;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The subgraphs that operators of a model call, each as a model of its own: the runtime shows only
 * the tensors of the first. Safe for use by several threads.
 */
final class Bodies {
  private final Model model;
  private final Map<Integer, ByteBuffer> bytes = new ConcurrentHashMap<>();
  private final Map<Integer, List<Operator>> calls = new ConcurrentHashMap<>();

  Bodies(Model model) {
    this.model = model;
  }

  /** The operators of a subgraph whose calls can be run without them. */
  List<Operator> calls(int subgraph) {
    return calls.computeIfAbsent(
        subgraph,
        s ->
            graph(s).operators().stream()
                .filter(operator -> OpRules.call(operator, model).isPresent())
                .toList());
  }

  Subgraph graph(int subgraph) {
    return model.subgraphs().get(subgraph);
  }

  /** A run of a subgraph that is given inputs of these shapes. */
  Run open(int subgraph, Values given) {
    ByteBuffer contents = bytes.computeIfAbsent(subgraph, s -> model.withEntry(s).bytes());
    return new Run(contents, model.name(), given.shapes());
  }
}
