package io.narrow.tflite.targets;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.evaluation.Benchmark.Left;
import io.narrow.tflite.evaluation.Benchmarker;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import java.util.ArrayList;
import java.util.List;

/** What the runtime that is linked here says of itself. */
final class Linked {
  private Linked() {}

  static TargetCheck check(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    int operators = graph.operators().size();
    List<Finding> findings = new ArrayList<>();
    try {
      for (Left left : Benchmarker.left(model)) {
        int[] results = graph.operators().get(left.operator()).outputs();
        String tensor =
            results.length == 0 || results[0] < 0 ? "" : graph.tensor(results[0]).name();
        findings.add(
            new Finding(Effect.SLOW, 0, left.operator(), left.name(), tensor, left.reason(), ""));
      }
    } catch (NarrowException e) {
      String problem = e.getMessage();
      return new TargetCheck(
          Target.XNNPACK,
          operators,
          0,
          List.of(new Finding(Effect.ERROR, 0, 0, model.name(), "", problem, "")));
    }
    return new TargetCheck(Target.XNNPACK, operators, operators - findings.size(), findings);
  }
}
