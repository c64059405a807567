package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a recipe makes of a model: a decision with its reason for every float32 constant and every
 * operator. Made by {@link Planner}, carried out by {@code Rewriter}. Immutable.
 */
public final class Plan {
  private final Model model;
  private final Recipe recipe;
  private final List<TensorPlan> tensors;
  private final List<OperatorPlan> operators;
  private final List<ActivationPlan> activations;
  private final List<IntegerOperator> integerOperators;
  private final List<String> losses;

  Plan(
      Model model,
      Recipe recipe,
      List<TensorPlan> tensors,
      List<OperatorPlan> operators,
      List<ActivationPlan> activations,
      List<IntegerOperator> integerOperators,
      List<String> losses) {
    this.model = model;
    this.recipe = recipe;
    this.tensors = List.copyOf(tensors);
    this.operators = List.copyOf(operators);
    this.activations = List.copyOf(activations);
    this.integerOperators = List.copyOf(integerOperators);
    this.losses = List.copyOf(losses);
  }

  public Model model() {
    return model;
  }

  /**
   * The same plan with other biases; nothing else of it changes. A bias that other operators read
   * too stays theirs, and one that an operator does not have is added to it.
   */
  public Plan with(List<Bias> biases) {
    return biases.isEmpty() ? this : new BiasEdit(this).apply(biases);
  }

  public Recipe recipe() {
    return recipe;
  }

  /** The float32 constants, by subgraph and number. */
  public List<TensorPlan> tensors() {
    return tensors;
  }

  /** The operators, by subgraph and number. */
  public List<OperatorPlan> operators() {
    return operators;
  }

  /** The float32 tensors that are computed or given, by subgraph and number. */
  public List<ActivationPlan> activations() {
    return activations;
  }

  /** The operators that compute in integers, by subgraph and number. */
  public List<IntegerOperator> integerOperators() {
    return integerOperators;
  }

  /** What is lost because no code tells it apart, in words: a line for each kind. */
  List<String> losses() {
    return losses;
  }

  /** Whether at least one tensor changes. */
  public boolean changesAnything() {
    return tensors.stream().anyMatch(tensor -> !tensor.isFloat())
        || activations.stream().anyMatch(tensor -> !tensor.isFloat());
  }

  /** What to tell the user beside the numbers: a line each. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    if (recipe.needsRanges()) {
      warnings.addAll(staysFloat());
    } else if (!changesAnything() && recipe.mode() != Mode.FLOAT32) {
      long largest = tensors.stream().mapToLong(TensorPlan::elements).max().orElse(0);
      warnings.add(
          tensors.isEmpty()
              ? "nothing to quantize: the model has no float32 constant"
              : "nothing to quantize: none of its "
                  + tensors.size()
                  + " float32 constants qualifies, the largest has "
                  + largest
                  + " elements; `narrow inspect --why` has a reason for each");
    }
    for (TensorPlan tensor : tensors) {
      if (tensor.reason().startsWith(Planner.BEYOND_RANGE)) {
        warnings.add("`" + tensor.name() + "`: " + tensor.reason());
      }
    }
    warnings.addAll(losses);
    warnings.addAll(FastKernels.warnings(this));
    return warnings;
  }

  /** A line for each reason why operators stay float32. */
  private List<String> staysFloat() {
    Map<String, Map<String, Integer>> kinds = new LinkedHashMap<>();
    for (OperatorPlan operator : operators) {
      if (operator.precision().computesFloat()) {
        kinds
            .computeIfAbsent(operator.reason(), reason -> new TreeMap<>())
            .merge(operator.name(), 1, Integer::sum);
      }
    }
    List<String> lines = new ArrayList<>();
    if (integerOperators.isEmpty() && !kinds.isEmpty()) {
      lines.add("nothing to quantize: no operator that computes with float32 could use integers");
    }
    kinds.forEach(
        (reason, counts) -> {
          int all = counts.values().stream().mapToInt(Integer::intValue).sum();
          lines.add(counted(counts) + (all == 1 ? " stays" : " stay") + " float32: " + reason);
        });
    return lines;
  }

  /** Kinds of operators with how many there are of each: {@code 2 ADD, SOFTMAX}. */
  static String counted(Map<String, Integer> kinds) {
    return kinds.entrySet().stream()
        .map(kind -> (kind.getValue() == 1 ? "" : kind.getValue() + " ") + kind.getKey())
        .collect(Collectors.joining(", "));
  }
}
