package io.narrow.tflite.plan;

import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** What is to be said of a plan beside the numbers: a line for each kind of reason. */
final class Warnings {
  /** Reasons of constants that are told even where nothing is expected of their operators. */
  private static final Set<Code> SURPRISING = Set.of(Code.NOT_FINITE, Code.BEYOND_FLOAT16);

  private final Plan plan;
  private final List<Reason> all = new ArrayList<>();

  private Warnings(Plan plan) {
    this.plan = plan;
  }

  static List<Reason> of(Plan plan) {
    Warnings warnings = new Warnings(plan);
    if (plan.recipe().needsRanges()) {
      warnings.staysFloat();
    } else if (!plan.changesAnything() && plan.recipe().mode() != Mode.FLOAT32) {
      warnings.nothing();
    }
    warnings.constants();
    warnings.blocks();
    warnings.all.addAll(plan.losses());
    warnings.all.addAll(FastKernels.warnings(plan));
    return List.copyOf(warnings.all);
  }

  private void nothing() {
    List<TensorPlan> tensors = plan.tensors();
    long largest = tensors.stream().mapToLong(TensorPlan::elements).max().orElse(0);
    all.add(
        Reason.of(
            Code.NOTHING,
            tensors.isEmpty()
                ? "nothing to quantize: the model has no float32 constant"
                : "nothing to quantize: none of its "
                    + tensors.size()
                    + " float32 constants qualifies, the largest has "
                    + largest
                    + " elements"));
  }

  private void staysFloat() {
    List<Reason> reasons = floats(plan.operators());
    if (!plan.changesAnything() && !reasons.isEmpty()) {
      String text =
          "nothing to quantize: no operator that computes with float32 could use integers";
      all.add(Reason.of(Code.NOTHING, text));
    }
    all.addAll(reasons);
  }

  /** Why operators stay float32: one for each kind of reason. */
  static List<Reason> floats(List<OperatorPlan> operators) {
    Map<Code, List<OperatorPlan>> kinds = new LinkedHashMap<>();
    for (OperatorPlan operator : operators) {
      if (operator.precision().computesFloat()) {
        kinds.computeIfAbsent(operator.reason().code(), code -> new ArrayList<>()).add(operator);
      }
    }
    List<Reason> grouped = new ArrayList<>();
    kinds.forEach(
        (code, same) -> {
          Map<String, Integer> counts = new TreeMap<>();
          same.forEach(operator -> counts.merge(operator.name(), 1, Integer::sum));
          String stay = same.size() == 1 ? " stays float32: " : " stay float32: ";
          grouped.add(
              together(counted(counts) + stay, same.stream().map(OperatorPlan::reason).toList()));
        });
    return grouped;
  }

  private void constants() {
    Map<Code, List<Reason>> kinds = new LinkedHashMap<>();
    for (TensorPlan tensor : plan.tensors()) {
      Reason reason = tensor.reason();
      boolean told = all.stream().anyMatch(one -> one.code() == reason.code());
      if (SURPRISING.contains(reason.code()) && !told) {
        String text = "`" + tensor.name() + "`: " + reason;
        kinds
            .computeIfAbsent(reason.code(), code -> new ArrayList<>())
            .add(new Reason(reason.code(), text, List.of(tensor.name())));
      }
    }
    kinds.values().forEach(same -> all.add(together("", same)));
  }

  /** Kernels that know of no blocks do not say so. */
  private void blocks() {
    Map<String, Integer> counts = new TreeMap<>();
    for (TensorPlan tensor : plan.tensors()) {
      Subgraph subgraph = plan.model().subgraphs().get(tensor.subgraph());
      for (int reader : tensor.encoding().block() > 0 ? tensor.readers() : List.<Integer>of()) {
        String name = subgraph.operators().get(reader).name();
        if (OpRules.of(name).blocks().onlyFast()) {
          counts.merge(name, 1, Integer::sum);
        }
      }
    }
    if (!counts.isEmpty()) {
      all.add(
          new Reason(
              Code.NEEDS_XNNPACK,
              counted(counts)
                  + " with a scale per block: only XNNPACK computes them right, the built-in kernels"
                  + " give wrong results and no error",
              List.copyOf(counts.keySet())));
    }
  }

  /** Reasons of one kind as one. */
  private static Reason together(String before, List<Reason> same) {
    Code code = same.get(0).code();
    Set<String> texts = new LinkedHashSet<>();
    Set<String> names = new LinkedHashSet<>();
    for (Reason reason : same) {
      texts.add(reason.text());
      names.addAll(reason.names());
    }
    String text =
        texts.size() == 1
            ? texts.iterator().next()
            : code.phrase()
                + ": "
                + (names.isEmpty()
                    ? Reason.first(texts.stream().toList(), "; ")
                    : Reason.first(names.stream().map(name -> "`" + name + "`").toList()));
    return new Reason(code, before + text, List.copyOf(names));
  }

  /** Kinds of operators with how many there are of each: {@code 2 ADD, SOFTMAX}. */
  static String counted(Map<String, Integer> kinds) {
    List<String> most =
        kinds.entrySet().stream()
            .sorted(
                Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .map(kind -> (kind.getValue() == 1 ? "" : kind.getValue() + " ") + kind.getKey())
            .toList();
    int others = most.size() - Reason.FEW - 1;
    return others > 0
        ? String.join(", ", most.subList(0, Reason.FEW)) + " and " + (others + 1) + " other kinds"
        : String.join(", ", most);
  }
}
