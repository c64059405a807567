package io.narrow.tflite.targets;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What a recipe has to be for a device, from its table of kernels: kinds of operators that it has
 * no kernel for in a mode get the next mode that it has one for, int8 in place of int16, then
 * float32.
 *
 * @param takes whether it has a kernel, or what computes the rest has one, of an operator for a
 *     form of values as {@code kernels.table} has it
 * @param speed whether smaller weights are worth nothing if they are slower
 */
record Fit(Kind takes, boolean speed) {
  /** Whether an operator has a kernel for a form of values. */
  @FunctionalInterface
  interface Kind {
    boolean has(String operator, String form);
  }

  /** The operator that every mode is about. */
  static final String PRODUCTS = "CONV_2D";

  /** What a mode makes of a sum of products, which a device must take to take the mode. */
  static String form(Mode mode, boolean weighted) {
    return switch (mode) {
      case FLOAT32 -> "float32";
      case DYNAMIC -> weighted ? "float32+int8" : "float32";
      case WEIGHT_ONLY -> "int8>float32";
      case FLOAT16 -> "float16>float32";
      case INT8 -> "int8";
      case INT16X8 -> weighted ? "int16+int8" : "int16";
    };
  }

  /** What a file of a mode has in it, in words. */
  static String words(Mode mode) {
    return switch (mode) {
      case DYNAMIC -> "int8 weights beside float32 activations";
      case WEIGHT_ONLY -> "int8 weights that become float32 as it runs";
      case FLOAT16 -> "float16 weights";
      default -> mode.activation() + " activations";
    };
  }

  /** Whether a mode is one for the device. */
  boolean takes(Mode mode) {
    boolean stored = mode == Mode.WEIGHT_ONLY || mode == Mode.FLOAT16;
    return takes.has(stored ? "DEQUANTIZE" : PRODUCTS, form(mode, true))
        && (!stored || takes.has(PRODUCTS, form(Mode.FLOAT32, true)));
  }

  Recipe of(Recipe recipe, Model model) {
    Recipe fitted = speed ? recipe.withPreference(Preference.SPEED) : recipe;
    List<RecipeRule> rules = new ArrayList<>();
    for (RecipeRule rule : fitted.rules()) {
      rules.add(rule);
      if (rule.equals(RecipeRule.all(rule.configuration()))) {
        rules.addAll(exceptions(rule.configuration(), model));
      }
    }
    return new Recipe(rules, fitted.inputType(), fitted.outputType(), fitted.strict());
  }

  private List<RecipeRule> exceptions(OperatorConfiguration configuration, Model model) {
    List<RecipeRule> rules = new ArrayList<>();
    TreeSet<String> kinds = new TreeSet<>();
    model.subgraphs().stream()
        .flatMap(graph -> graph.operators().stream())
        .forEach(operator -> kinds.add(operator.name()));
    for (String kind : kinds) {
      OpRule row = OpRules.of(kind);
      Predicate<OperatorConfiguration> computes =
          each -> each.mode() == Mode.FLOAT32 || hasKernel(row, each.mode().activation());
      if (!configuration.mode().integer()
          || !computes.test(configuration)
          || row.instead(configuration.mode().activation(), TensorType.FLOAT32).isPresent()) {
        continue;
      }
      Optional<OperatorConfiguration> other =
          Stream.of(
                  configuration,
                  configuration.withBits(8),
                  OperatorConfiguration.of(Mode.INT8),
                  OperatorConfiguration.FLOAT32)
              .filter(computes)
              .filter(each -> takes.has(kind, form(each, row)))
              .findFirst();
      other
          .filter(each -> !each.equals(configuration))
          .ifPresent(each -> rules.add(new RecipeRule(RecipeRule.ANYWHERE, kind, each)));
    }
    return rules;
  }

  private static boolean hasKernel(OpRule row, TensorType activation) {
    return row.integer().filter(rule -> rule.has(activation)).isPresent();
  }

  private static String form(OperatorConfiguration configuration, OpRule row) {
    boolean products =
        row.integer().map(IntegerRule::scales).filter(scales -> scales.weighted()).isPresent();
    String form = form(configuration.mode(), products);
    return products && configuration.bits() == 4
        ? configuration.mode().activation() + "+int4"
        : form;
  }
}
