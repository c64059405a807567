package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * What to make of a model: which operators are treated how. Of the rules that fit an operator the
 * last one counts for which it has a kernel; it stays float32 if there is none.
 *
 * @param rules in the order in which they apply
 * @param inputType type of the model's float inputs: float32, or an integer type of the activations
 *     of some rule (uint8 beside int8)
 * @param outputType type of its float outputs, likewise
 * @param strict whether an operator that would stay float32 is an error (only where the first rule
 *     makes activations integers)
 */
public record Recipe(
    List<RecipeRule> rules, TensorType inputType, TensorType outputType, boolean strict) {

  private static final OperatorConfiguration STORED = OperatorConfiguration.of(Mode.WEIGHT_ONLY);

  public Recipe {
    rules = List.copyOf(rules);
    checkBoundary("input type", rules, inputType);
    checkBoundary("output type", rules, outputType);
    if (strict && !needsRanges(rules)) {
      throw NarrowException.input("strict: only int8 and int16x8 leave no float32");
    }
  }

  /** A recipe of these rules, with float32 inputs and outputs. */
  public static Recipe of(List<RecipeRule> rules) {
    return new Recipe(rules, TensorType.FLOAT32, TensorType.FLOAT32, false);
  }

  /** The recipe that treats every operator alike, where it has a kernel. */
  public static Recipe of(OperatorConfiguration configuration) {
    return of(List.of(RecipeRule.all(configuration)));
  }

  /**
   * The recipe of a mode with its defaults. Where activations are to be integers, the weights of
   * operators that have no kernel for it become float32 again before they are used.
   */
  public static Recipe of(Mode mode) {
    Recipe recipe = of(OperatorConfiguration.of(mode));
    return mode.integer() ? of(STORED).with(recipe.rules) : recipe;
  }

  /**
   * Reads a recipe of ai-edge-quantizer (a JSON array of rules).
   *
   * @throws NarrowException if it cannot be read, or asks for what Narrow does not have
   */
  public static Recipe read(Path json) {
    return RecipeFile.read(json);
  }

  /**
   * Writes the recipe as ai-edge-quantizer does: first under a temporary name beside the file, then
   * moved into place. Whether it is strict is not a part of it; a regular expression loses a group
   * around it.
   *
   * @throws NarrowException if it cannot be written
   */
  public void write(Path json) {
    RecipeFile.write(this, json);
  }

  public static Recipe dynamic() {
    return of(Mode.DYNAMIC);
  }

  public static Recipe weightOnly(int bits) {
    return of(Mode.WEIGHT_ONLY).withBits(bits);
  }

  public static Recipe int8() {
    return of(Mode.INT8);
  }

  public static Recipe int16x8() {
    return of(Mode.INT16X8);
  }

  public static Recipe float16() {
    return of(Mode.FLOAT16);
  }

  /** With so many bits for a weight, where there is a kernel for it; 8 elsewhere. */
  public Recipe withBits(int bits) {
    Recipe eight = map(configuration -> configuration.withBits(8));
    List<RecipeRule> all = new ArrayList<>();
    for (RecipeRule rule : eight.with(map(t -> t.withBits(bits)).rules).rules) {
      all.remove(rule); // the last of equal ones counts
      all.add(rule);
    }
    return new Recipe(all, inputType, outputType, strict);
  }

  /**
   * With a scale for so many elements of a row of weights where there is a kernel for it; as before
   * elsewhere.
   *
   * @param size 32, 64, 128 or 256
   * @throws NarrowException if no rule has the mode and bits for it
   */
  public Recipe withBlock(int size) {
    List<RecipeRule> blocks =
        rules.stream()
            .filter(rule -> rule.configuration().takesBlocks())
            .map(r -> new RecipeRule(r.regex(), r.operator(), r.configuration().withBlock(size)))
            .toList();
    BlockScales.check(size, !blocks.isEmpty());
    return with(blocks);
  }

  /** Whether codes of weights are to be chosen together however long that takes. */
  public boolean roundsTogether() {
    return rules.stream().anyMatch(rule -> rule.configuration().together());
  }

  /** With weights that keep the codes that they already are. */
  public Recipe withRecovery() {
    return withScales(WeightScaling.RECOVERED);
  }

  /** With weights of fewer elements left float32. */
  public Recipe withMinimumElements(long elements) {
    return map(configuration -> configuration.withMinimumElements(elements));
  }

  /** With a choice where the smallest weights would be slower than float32 ones. */
  public Recipe withPreference(Preference preference) {
    return map(configuration -> configuration.withPreference(preference));
  }

  /** With values beyond the range of float16 clamped. */
  public Recipe withSaturation() {
    return map(OperatorConfiguration::withSaturation);
  }

  /** With these types of the model's float inputs and outputs. */
  public Recipe withBoundary(TensorType input, TensorType output) {
    return new Recipe(rules, input, output, strict);
  }

  /** With an error in place of operators that stay float32. */
  public Recipe withStrict() {
    return new Recipe(rules, inputType, outputType, true);
  }

  /** With more rules, which come after those of this. */
  public Recipe with(List<RecipeRule> more) {
    List<RecipeRule> all = new ArrayList<>(rules);
    all.addAll(more);
    return new Recipe(all, inputType, outputType, strict);
  }

  /** With operators left float32 that write a tensor in whose name the expression is found. */
  public Recipe keepingFloat(String regex) {
    return with(List.of(new RecipeRule(regex, RecipeRule.ALL, OperatorConfiguration.FLOAT32)));
  }

  /** The rules that fit no operator of a model, and so do nothing. */
  public List<RecipeRule> unmatched(Model model) {
    return rules.stream()
        .filter(rule -> model.subgraphs().stream().noneMatch(graph -> rule.fitsAny(graph)))
        .toList();
  }

  /** With all operators of a kind left float32. */
  public Recipe keepingFloatOperator(String operator) {
    return with(
        List.of(new RecipeRule(RecipeRule.ANYWHERE, operator, OperatorConfiguration.FLOAT32)));
  }

  /** With this choice of the scales of weights throughout. */
  public Recipe withScales(WeightScaling scales) {
    return map(configuration -> configuration.withScales(scales));
  }

  /** Tells which rule of a subgraph's operator counts: the last that fits, if any does. */
  Function<Operator, Optional<RecipeRule>> lastRule(Subgraph subgraph) {
    List<Predicate<Operator>> fits = rules.stream().map(rule -> rule.in(subgraph)).toList();
    return operator -> {
      int last = fits.size() - 1;
      while (last >= 0 && !fits.get(last).test(operator)) {
        last--;
      }
      return last < 0 ? Optional.empty() : Optional.of(rules.get(last));
    };
  }

  private Recipe map(UnaryOperator<OperatorConfiguration> change) {
    return new Recipe(
        rules.stream()
            .map(r -> new RecipeRule(r.regex(), r.operator(), change.apply(r.configuration())))
            .toList(),
        inputType,
        outputType,
        strict);
  }

  /** With float32 weights for the operators that have no integer kernel, or whose range is open. */
  public Recipe keepingFloatWeights() {
    return new Recipe(
        rules.stream()
            .filter(
                rule ->
                    !rule.equals(RecipeRule.all(rule.configuration()))
                        || rule.configuration().mode() != Mode.WEIGHT_ONLY)
            .toList(),
        inputType,
        outputType,
        strict);
  }

  /** Whether ranges of activations are needed. */
  public boolean needsRanges() {
    return needsRanges(rules);
  }

  /** The mode of most operators: of the first rule whose activations are integers, or the first. */
  public Mode mode() {
    return rules.stream()
        .map(rule -> rule.configuration().mode())
        .reduce((first, second) -> !first.integer() && second.integer() ? second : first)
        .orElse(Mode.FLOAT32);
  }

  private static boolean needsRanges(List<RecipeRule> rules) {
    return rules.stream().anyMatch(rule -> rule.configuration().mode().integer());
  }

  private static void checkBoundary(String option, List<RecipeRule> rules, TensorType type) {
    boolean allowed =
        type == TensorType.FLOAT32
            || rules.stream().anyMatch(rule -> rule.configuration().mode().allows(type));
    if (!allowed) {
      String known =
          rules.stream()
              .flatMap(rule -> rule.configuration().mode().boundary().stream())
              .distinct()
              .map(TensorType::toString)
              .collect(Collectors.joining(", "));
      throw NarrowException.input(option + " " + type + ": this recipe has " + known);
    }
  }

  @Override
  public String toString() {
    boolean usual =
        rules.size() > 1 && rules.get(0).equals(RecipeRule.all(STORED)) && needsRanges();
    String text =
        rules.stream()
            .skip(usual ? 1 : 0)
            .map(RecipeRule::toString)
            .collect(Collectors.joining("; "));
    return text
        + (needsRanges() ? ", inputs " + inputType + ", outputs " + outputType : "")
        + (strict ? ", strict" : "");
  }
}
