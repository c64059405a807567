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
final class Treatments {
  private static final Reason BIAS =
      Reason.of(
          Code.NO_FAST_KERNEL,
          "XNNPACK refuses models with integer weights beside a bias that a DEQUANTIZE makes");

  private static final Reason CHANNELS =
      Reason.of(
          Code.NO_FAST_KERNEL,
          "XNNPACK refuses models with such weights of 4 bits and one channel: they have 8");

  private final List<Treatment> treatments = new ArrayList<>();
  private final List<Treatment> otherwise = new ArrayList<>();
  private final List<Reason> reasons = new ArrayList<>();
  private final List<Reason> notes = new ArrayList<>();

  Treatments(Model model, Subgraph subgraph, Recipe recipe) {
    Set<String> problems = new LinkedHashSet<>();
    List<Predicate<Operator>> fits = recipe.rules().stream().map(r -> r.in(subgraph)).toList();
    for (Operator operator : subgraph.operators()) {
      Treatment treatment = Treatment.FLOAT32;
      Treatment other = Treatment.FLOAT32;
      Reason reason = Reason.of(Code.RECIPE, "no rule of the recipe is for it");
      Reason note = Reason.NONE;
      for (int i = 0; i < fits.size(); i++) {
        Rule rule = recipe.rules().get(i);
        if (!fits.get(i).test(operator)) {
          continue;
        }
        Reason missing = missing(operator.name(), rule.treatment());
        if (missing.isEmpty() && rule.treatment().block() > 0) {
          missing = blocks(model, subgraph, operator, rule.treatment());
        }
        if (missing.isEmpty()) {
          treatment = FastKernels.choose(rule, model, subgraph, operator);
          note =
              treatment.equals(rule.treatment())
                  ? Reason.NONE
                  : FastKernels.lacked(rule.treatment());
          if (treatment.mode() == Mode.DYNAMIC && dequantizesBias(model, subgraph, operator)) {
            treatment = treatment.stored();
            note = BIAS;
          } else if (treatment.mode() == Mode.INT8
              && channels(subgraph, operator)
                  < OpRules.of(operator.name()).fewestChannels(treatment.weightType())) {
            treatment = treatment.withBits(8);
            note = CHANNELS;
          }
          other = treatment.mode().integer() ? other : treatment;
          reason =
              Reason.of(
                  Code.RECIPE,
                  treatment.mode() == Mode.FLOAT32
                      ? "the recipe keeps it so: " + rule
                      : "mode " + treatment.mode() + " makes only its constants smaller");
        } else if (rule.namesOperator()) {
          problems.add("recipe, rule " + rule + ": " + missing);
        } else if (treatment.mode() == Mode.FLOAT32 || rule.treatment().mode().integer()) {
          reason = missing;
        } else if (rule.treatment().block() > 0) {
          note = missing;
        }
      }
      treatments.add(treatment);
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
  private static Reason missing(String operator, Treatment treatment) {
    Mode mode = treatment.mode();
    if (mode == Mode.FLOAT32 || mode == Mode.FLOAT16) {
      return Reason.NONE;
    }
    OpRule row = OpRules.of(operator);
    boolean small = treatment.bits() == 8 || row.kernel(TensorType.INT4).isPresent();
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
      Model model, Subgraph subgraph, Operator operator, Treatment treatment) {
    return Reason.of(
        Code.KERNEL_LIMIT,
        OpRules.of(operator.name())
            .objection(model, subgraph, operator, treatment.weightType(), treatment.block()));
  }

  Treatment of(int operator) {
    return treatments.get(operator);
  }

  /** What is done to an operator if it cannot compute in integers after all. */
  Treatment otherwise(int operator) {
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
