package io.narrow.tflite.targets;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a device makes of a model.
 *
 * @param target the device
 * @param operators how many operators the model has, in all subgraphs
 * @param accelerated how many of them run on the device's own kernels; all of them of a device that
 *     has no others
 * @param findings what it does not take, in the order of the graph; of an operator several things
 *     may be in the way
 */
public record TargetCheck(Target target, int operators, int accelerated, List<Finding> findings) {
  public TargetCheck {
    findings = List.copyOf(findings);
  }

  /** Whether the model runs there at all. */
  public boolean runs() {
    return findings.stream().noneMatch(finding -> finding.effect() == Effect.ERROR);
  }

  /** Findings by kind, the worst first, else in the order of the graph. */
  public Map<Finding.Kind, List<Finding>> byKind() {
    List<Finding> sorted = new ArrayList<>(findings);
    sorted.sort(Comparator.comparing(Finding::effect));
    Map<Finding.Kind, List<Finding>> kinds = new LinkedHashMap<>();
    for (Finding finding : sorted) {
      kinds.computeIfAbsent(finding.kind(), kind -> new ArrayList<>()).add(finding);
    }
    return kinds;
  }
}
