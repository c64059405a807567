package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a plan means for speed on the stock runtime: which operators leave XNNPACK, on whose kernels
 * they would run as float32 (property {@code xnnpack} of the operator table).
 */
final class FastKernels {
  private static final TensorType FLOAT = TensorType.FLOAT32;

  // Measured on one core with AVX-512: inside XNNPACK a product of float32 takes 0.02 to 0.1 ns;
  // outside one of integers 0.1 to 0.8 ns, and a value that is no sum of products 1 to 100 ns.
  private static final double PRODUCTS_PER_SLOW_PRODUCT = 7;
  private static final double PRODUCTS_PER_SLOW_VALUE = 100;

  /** What adds less than this to the time of all products is not worth a line. */
  private static final double SHARE = 0.1;

  private final Plan plan;
  private final Map<Long, TensorPlan> constants = new HashMap<>();
  private final Map<Long, IntegerOperator> integers = new HashMap<>();
  private final Map<Lack, Slow> causes = new LinkedHashMap<>();
  private double work;

  /**
   * What XNNPACK has no kernels for.
   *
   * @param stored whether it is weights that become float32 when a model is loaded
   * @param weights the same as the activations where these alone decide
   */
  private record Lack(boolean stored, TensorType activations, TensorType weights) {
    static Lack of(boolean stored, TensorType activations, TensorType weights) {
      return stored
          ? new Lack(true, FLOAT, weights)
          : new Lack(false, activations, decide(activations, weights) ? weights : activations);
    }

    private static boolean decide(TensorType activations, TensorType weights) {
      return activations == FLOAT || weights == TensorType.INT4;
    }

    boolean ofWeights() {
      return stored || decide(activations, weights);
    }

    Code code() {
      return ofWeights()
          ? Code.SLOW_WEIGHTS
          : activations == TensorType.INT8 ? Code.SLOW_OPERATORS : Code.SLOW;
    }

    @Override
    public String toString() {
      return stored
          ? weights + " weights that become float32"
          : (ofWeights() ? weights + " weights beside " : "") + activations + " activations";
    }
  }

  /** Operators that are slower for the same reason. */
  private static final class Slow {
    private final Map<String, Integer> operators = new TreeMap<>();
    private double work;
  }

  private FastKernels(Plan plan) {
    this.plan = plan;
    plan.tensors().forEach(one -> constants.put(key(one.subgraph(), one.tensor()), one));
    plan.integerOperators().forEach(one -> integers.put(key(one.subgraph(), one.operator()), one));
    plan.operators().forEach(this::add);
  }

  private static long key(int subgraph, int number) {
    return (long) subgraph << Integer.SIZE | number;
  }

  /**
   * What a rule does to an operator that fits it. Where kernels for the weights asked for are
   * slower than those for float32 weights, and speed counts more, weights with which they are not;
   * but a rule that names the operator is taken at its word.
   */
  static OperatorConfiguration choose(
      RecipeRule rule, Model model, Subgraph subgraph, Operator operator) {
    OperatorConfiguration asked = rule.configuration();
    OpRule row = OpRules.of(operator.name());
    boolean free = !rule.namesOperator() || asked.preference() == Preference.SPEED;
    if (!free
        || !asked.preference().speed(asked.bits())
        || !slow(row, asked)
        || !row.canBeFast(model, subgraph, operator)) {
      return asked;
    }
    return Stream.of(asked.withBits(8), asked.withBits(8).stored())
        .filter(other -> other.mode() == asked.mode() || asked.mode() == Mode.DYNAMIC)
        .filter(other -> !slow(row, other))
        .findFirst()
        .orElse(asked);
  }

  private static boolean slow(OpRule row, OperatorConfiguration configuration) {
    TensorType weights = configuration.weightType();
    return row.hasWeights()
        && row.fast(FLOAT, FLOAT)
        && switch (configuration.mode()) {
          case FLOAT32 -> false;
          case WEIGHT_ONLY, FLOAT16 -> !widens(weights);
          default -> !row.fast(configuration.mode().activation(), weights);
        };
  }

  /** What XNNPACK lacks for an operator that is to be treated so. */
  static Reason lacked(OperatorConfiguration configuration) {
    Lack lack =
        Lack.of(
            configuration.mode() == Mode.WEIGHT_ONLY,
            configuration.mode().activation(),
            configuration.weightType());
    return Reason.of(Code.NO_FAST_KERNEL, "XNNPACK has no kernels for " + lack);
  }

  /** Whether XNNPACK makes constants of a type float32 when it loads a model. */
  private static boolean widens(TensorType type) {
    return OpRules.of("DEQUANTIZE").fast(type, type);
  }

  /** One for each reason why operators will be slower than as float32, where that counts. */
  static List<Reason> warnings(Plan plan) {
    FastKernels kernels = new FastKernels(plan);
    List<Reason> all = new ArrayList<>();
    kernels.causes.forEach(
        (cause, slow) -> {
          if (slow.work > SHARE * kernels.work) {
            String why = ": slower than float32, as XNNPACK has no kernels for " + cause;
            all.add(
                new Reason(
                    cause.code(),
                    Warnings.counted(slow.operators) + why,
                    List.copyOf(slow.operators.keySet())));
          }
        });
    return all;
  }

  private void add(OperatorPlan each) {
    Subgraph subgraph = plan.model().subgraphs().get(each.subgraph());
    Operator operator = subgraph.operators().get(each.operator());
    OpRule row = OpRules.of(each.name());
    double products = products(row, subgraph, operator);
    work += products;
    if (!row.fast(FLOAT, FLOAT) || !row.canBeFast(plan.model(), subgraph, operator)) {
      return;
    }
    Optional<Lack> cause = cause(row, each, operator);
    if (cause.isPresent()) {
      Slow slow = causes.computeIfAbsent(cause.get(), c -> new Slow());
      slow.operators.merge(each.name(), 1, Integer::sum);
      slow.work +=
          products > 0
              ? products * PRODUCTS_PER_SLOW_PRODUCT
              : values(subgraph, operator.outputs()) * PRODUCTS_PER_SLOW_VALUE;
    }
  }

  /** For what XNNPACK has no kernel of an operator; empty if it has one. */
  private Optional<Lack> cause(OpRule row, OperatorPlan each, Operator operator) {
    IntegerOperator integer = integers.get(key(each.subgraph(), each.operator()));
    TensorType activations =
        integer == null ? FLOAT : integer.wide() ? TensorType.INT16 : TensorType.INT8;
    TensorType weights =
        row.weights().stream()
            .map(place -> constants.get(key(each.subgraph(), operator.input(place))))
            .filter(constant -> constant != null && !constant.isFloat())
            .map(TensorPlan::type)
            .findFirst()
            .orElse(activations);
    boolean fast =
        switch (each.precision()) {
          case STORED -> weights == FLOAT || widens(weights);
          case HYBRID, INTEGER -> row.fast(activations, weights);
          default -> true;
        };
    return fast
        ? Optional.empty()
        : Optional.of(Lack.of(each.precision() == Precision.STORED, activations, weights));
  }

  /** How many products an operator sums up, 0 if it is none that does. */
  private static double products(OpRule row, Subgraph subgraph, Operator operator) {
    double products = 0;
    for (int place : row.copiesRows() ? List.<Integer>of() : row.weights()) {
      if (operator.input(place) >= 0) {
        Tensor weight = subgraph.tensor(operator.input(place));
        int axis = row.axis().of(operator, weight);
        products +=
            axis < 0
                ? weight.elements()
                : (double) weight.elements()
                    / Math.max(1, weight.dimension(axis))
                    * values(subgraph, operator.outputs());
      }
    }
    return products;
  }

  private static long values(Subgraph subgraph, int[] tensors) {
    return IntStream.of(tensors)
        .filter(tensor -> tensor >= 0)
        .mapToLong(tensor -> subgraph.tensor(tensor).elements())
        .sum();
  }
}
