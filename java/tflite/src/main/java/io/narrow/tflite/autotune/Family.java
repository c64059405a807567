package io.narrow.tflite.autotune;

import io.narrow.tflite.plan.RecipeRule;
import java.util.List;

/**
 * Mixes whose other operators, those without weights, compute alike.
 *
 * @param others how these do, and operators with weights that are encoded so
 * @param choices what operators with weights can be
 */
record Family(Choice others, List<Choice> choices) {
  /** Activations are float32 between all operators. */
  static final Family FLOAT =
      new Family(
          Choice.FLOAT32,
          List.of(
              Choice.FLOAT32,
              Choice.FLOAT16,
              Choice.WEIGHT_ONLY8,
              Choice.DYNAMIC8,
              Choice.WEIGHT_ONLY4,
              Choice.DYNAMIC4));

  /** Activations are int8 but for operators that are left float32. */
  static final Family INT8 =
      new Family(Choice.INT8, List.of(Choice.FLOAT32, Choice.INT8, Choice.INT8_4));

  static final Family INT16 = new Family(Choice.INT16X8, List.of(Choice.INT16X8, Choice.INT16X8_4));

  /** Those of integers. */
  static final List<Family> INTEGERS = List.of(INT8, INT16);

  /** What operators with weights have in the smallest file of its own. */
  Choice smallest() {
    return choices.get(choices.size() - 1);
  }

  /** What a recipe begins with. */
  List<RecipeRule> rules() {
    return others.configurations().stream().map(RecipeRule::all).toList();
  }
}
