package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** How a recipe treats each operator of a subgraph. */
final class OperatorConfigurations {
  private static final Reason BIAS =
      Reason.of(
          Code.NO_FAST_KERNEL,
          "XNNPACK refuses models with integer weights beside a bias that a DEQUANTIZE makes");

  private static final Reason CHANNELS =
      Reason.of(
          Code.NO_FAST_KERNEL,
          "XNNPACK refuses models with such weights of 4 bits and one channel: they have 8");

  private final List<OperatorConfiguration> configurations = new ArrayList<>();
  private final List<OperatorConfiguration> otherwise = new ArrayList<>();
  private final List<Reason> reasons = new ArrayList<>();
  private final List<Reason> notes = new ArrayList<>();

  OperatorConfigurations(Model model, Subgraph subgraph, Recipe recipe) {
    Set<String> problems = new LinkedHashSet<>();
    List<Predicate<Operator>> fits = recipe.rules().stream().map(r -> r.in(subgraph)).toList();
    for (Operator operator : subgraph.operators()) {
      OperatorConfiguration configuration = OperatorConfiguration.FLOAT32;
      OperatorConfiguration other = OperatorConfiguration.FLOAT32;
      Reason reason = Reason.of(Code.RECIPE, "no rule of the recipe is for it");
      Reason note = Reason.NONE;
      for (int i = 0; i < fits.size(); i++) {
        RecipeRule rule = recipe.rules().get(i);
        if (!fits.get(i).test(operator)) {
          continue;
        }
        Reason missing = missing(operator.name(), rule.configuration());
        if (missing.isEmpty() && rule.configuration().block() > 0) {
          missing = blocks(model, subgraph, operator, rule.configuration());
        }
        if (missing.isEmpty()) {
          configuration = FastKernels.choose(rule, model, subgraph, operator);
          note =
              configuration.equals(rule.configuration())
                  ? Reason.NONE
                  : FastKernels.lacked(rule.configuration());
          if (configuration.mode() == Mode.DYNAMIC && dequantizesBias(model, subgraph, operator)) {
            configuration = configuration.stored();
            note = BIAS;
          } else if (configuration.mode() == Mode.INT8
              && channels(subgraph, operator)
                  < OpRules.of(operator.name()).fewestChannels(configuration.weightType())) {
            configuration = configuration.withBits(8);
            note = CHANNELS;
          }
          other = configuration.mode().integer() ? other : configuration;
          reason =
              Reason.of(
                  Code.RECIPE,
                  configuration.mode() == Mode.FLOAT32
                      ? "the recipe keeps it so: " + rule
                      : "mode " + configuration.mode() + " makes only its constants smaller");
        } else if (rule.namesOperator()) {
          problems.add("recipe, rule " + rule + ": " + missing);
        } else if (configuration.mode() == Mode.FLOAT32 || rule.configuration().mode().integer()) {
          reason = missing;
        } else if (rule.configuration().block() > 0) {
          note = missing;
        }
      }
      configurations.add(configuration);
      otherwise.add(other);
      reasons.add(reason);
      notes.add(note);
    }
    if (!problems.isEmpty()) {
      throw model.problem(Kind.UNSUPPORTED, String.join("; ", problems));
    }
  }

  private static int channels(Subgraph subgraph, Operator operator) {
    OpRule row = OpRules.of(operator.name());
    int number = row.hasWeights() ? operator.input(row.weights().get(0)) : -1;
    boolean known = number >= 0 && subgraph.tensor(number).rank() > 0;
    int axis = known ? row.axis().of(operator, subgraph.tensor(number)) : -1;
    return axis < 0 ? Integer.MAX_VALUE : subgraph.tensor(number).dimension(axis);
  }

  // Seen with 2.21: it takes the bias for the constant that it is, and then finds no values.
  private static boolean dequantizesBias(Model model, Subgraph subgraph, Operator operator) {
    int place = OpRules.of(operator.name()).bias();
    return place >= 0
        && operator.input(place) >= 0
        && subgraph
            .producer(operator.input(place))
            .map(subgraph.operators()::get)
            .filter(producer -> OpRules.of(producer.name()).converts())
            .map(producer -> model.isConstant(subgraph.tensor(producer.input(0))))
            .orElse(false);
  }

  /** What a kind of operator has no kernel for; none if it has one. */
  private static Reason missing(String operator, OperatorConfiguration configuration) {
    Mode mode = configuration.mode();
    if (mode == Mode.FLOAT32 || mode == Mode.FLOAT16) {
      return Reason.NONE;
    }
    OpRule row = OpRules.of(operator);
    boolean small = configuration.bits() == 8 || row.kernel(TensorType.INT4).isPresent();
    if (mode.integer()) {
      Optional<IntegerRule> rule = row.integer().filter(r -> r.has(mode.activation()));
      boolean weighted = rule.map(r -> r.scales().weighted()).orElse(false);
      return rule.isPresent() && (small || !weighted)
          ? Reason.NONE
          : Reason.of(Code.NO_KERNEL, row.missing(mode.activation()));
    }
    if (!row.hasWeights()) {
      return Reason.of(
          Code.NO_KERNEL,
          operator + " has no kernel for quantized constants beside float32 inputs");
    }
    return small
        ? Reason.NONE
        : Reason.of(Code.NO_KERNEL, operator + " has no kernel for int4 weights");
  }

  /** Why an operator's kernels do not take weights with a scale per block; none if they do. */
  private static Reason blocks(
      Model model, Subgraph subgraph, Operator operator, OperatorConfiguration configuration) {
    return Reason.of(
        Code.KERNEL_LIMIT,
        OpRules.of(operator.name())
            .blocks()
            .objection(
                model, subgraph, operator, configuration.weightType(), configuration.block()));
  }

  OperatorConfiguration of(int operator) {
    return configurations.get(operator);
  }

  /** What is done to an operator if it cannot compute in integers after all. */
  OperatorConfiguration otherwise(int operator) {
    return otherwise.get(operator);
  }

  /** Why an operator is treated otherwise than its rule says; mostly none. */
  Reason note(int operator) {
    return notes.get(operator);
  }

  /** Why an operator is treated so. */
  Reason reason(int operator) {
    return reasons.get(operator);
  }
}
