package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
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
  private final List<ActivationPlan> activations;
  private final List<IntegerOperator> integerOperators;
  private final List<Reason> losses;
  private final Reason rounding;
  private final Reason ranges;

  Plan(
      Model model,
      Recipe recipe,
      List<TensorPlan> tensors,
      List<OperatorPlan> operators,
      List<ActivationPlan> activations,
      List<IntegerOperator> integerOperators,
      List<Reason> losses,
      Reason rounding,
      Reason ranges) {
    this.model = model;
    this.recipe = recipe;
    this.tensors = List.copyOf(tensors);
    this.operators = List.copyOf(operators);
    this.activations = List.copyOf(activations);
    this.integerOperators = List.copyOf(integerOperators);
    this.losses = List.copyOf(losses);
    this.rounding = rounding;
    this.ranges = ranges;
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

  /**
   * The same plan with codes of weights that something has chosen. Where their scales are others
   * than those of the plan, so are those of the bias beside them.
   *
   * @param why how they were chosen, of all together
   */
  public Plan withCodes(List<Codes> codes, Reason why) {
    return CodesEdit.apply(this, codes, why);
  }

  /** How codes of weights were chosen; {@link Reason#NONE} if no data had a say in it. */
  public Reason rounding() {
    return rounding;
  }

  /**
   * The same plan, whose ranges something has chosen.
   *
   * @param why these, of all together
   */
  public Plan withRanges(Reason why) {
    return new Plan(
        model, recipe, tensors, operators, activations, integerOperators, losses, rounding, why);
  }

  /** How ranges of activations were chosen; {@link Reason#NONE} if there was no choice. */
  public Reason ranges() {
    return ranges;
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

  /** What is lost because no code tells it apart: one for each kind. */
  List<Reason> losses() {
    return losses;
  }

  /** Whether at least one tensor changes. */
  public boolean changesAnything() {
    return tensors.stream().anyMatch(tensor -> !tensor.isFloat())
        || activations.stream().anyMatch(tensor -> !tensor.isFloat());
  }

  /** What to tell the user beside the numbers: one for each kind of reason. */
  public List<Reason> warnings() {
    return Warnings.of(this);
  }
}
