package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import java.util.ArrayList;
import java.util.List;

/**
 * What a recipe makes of a model: a decision with its reason for every float32 constant and every
 * operator. Made by {@link Planner}, carried out by {@code Rewriter}. Immutable.
 */
public final class Plan {
  private final Model model;
  private final Recipe recipe;
  private final List<TensorPlan> tensors;
  private final List<OperatorPlan> operators;

  Plan(Model model, Recipe recipe, List<TensorPlan> tensors, List<OperatorPlan> operators) {
    this.model = model;
    this.recipe = recipe;
    this.tensors = List.copyOf(tensors);
    this.operators = List.copyOf(operators);
  }

  public Model model() {
    return model;
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

  /** Whether at least one tensor changes. */
  public boolean changesAnything() {
    return tensors.stream().anyMatch(tensor -> !tensor.isFloat());
  }

  /** What to tell the user beside the numbers: a line each. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    if (!changesAnything()) {
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
    return warnings;
  }
}
