package io.narrow.tflite.targets;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Recipe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A device, or the runtime of a kind of devices, with its kernels. */
public enum Target {
  /** TensorFlow Lite Micro with its reference kernels. */
  TFLM("tflm", "tflm", Effect.ERROR, null, false),
  /** TensorFlow Lite Micro with CMSIS-NN: Arm Cortex-M. */
  CMSIS_NN("cmsis-nn", "cmsis-nn", Effect.SLOW, TFLM, false),
  /** TensorFlow Lite Micro with ESP-NN: Espressif ESP32-S3, -P4, -C3. */
  ESP_NN("esp-nn", "esp-nn", Effect.SLOW, TFLM, false),
  /** Arm Ethos-U55 beside a Cortex-M, through Vela. */
  ETHOS_U55("ethos-u55", "ethos-u55", Effect.CPU, TFLM, false),
  /** Arm Ethos-U65 beside a Cortex-M, through Vela. */
  ETHOS_U65("ethos-u65", "ethos-u55", Effect.CPU, TFLM, false),
  /** Arm Ethos-U85 beside a Cortex-M, through Vela. */
  ETHOS_U85("ethos-u85", "ethos-u85", Effect.CPU, TFLM, false),
  /**
   * Google Coral Edge TPU: what follows the first operator that it does not take, it leaves too.
   */
  EDGETPU("edgetpu", "edgetpu", Effect.CPU, null, true),
  /** XNNPACK in TensorFlow Lite, as it is linked here: it is asked itself. */
  XNNPACK("xnnpack", "", Effect.SLOW, null, false),
  /** The GPU delegate of TensorFlow Lite. */
  GPU("gpu", "gpu", Effect.CPU, null, false);

  private final String word;
  private final Kernels kernels;
  private final Effect otherwise;
  private final Target fallback;
  private final boolean oneStretch;

  /**
   * @param word its name
   * @param column of the table of kernels
   * @param otherwise what happens where that has no kernel
   * @param fallback what computes the rest, null if that computes all
   * @param oneStretch whether it takes no operator behind one that it does not take
   */
  Target(String word, String column, Effect otherwise, Target fallback, boolean oneStretch) {
    this.word = word;
    this.kernels = Kernels.of(column);
    this.otherwise = otherwise;
    this.fallback = fallback;
    this.oneStretch = oneStretch;
  }

  /**
   * The target of a name.
   *
   * @throws NarrowException if it is none
   */
  public static Target of(String name) {
    return Arrays.stream(values())
        .filter(target -> target.word.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                NarrowException.input(
                    "target `"
                        + name
                        + "`: known are "
                        + Arrays.stream(values())
                            .map(Target::toString)
                            .collect(Collectors.joining(", "))));
  }

  /**
   * What this device makes of all operators of a model, without running anything; of XNNPACK only
   * of those of the first subgraph.
   */
  public TargetCheck check(Model model) {
    if (this == XNNPACK) {
      return Linked.check(model);
    }
    List<Finding> findings = new ArrayList<>();
    int operators = 0;
    int accelerated = 0;
    boolean cut = false;
    for (int s = 0; s < model.subgraphs().size(); s++) {
      Subgraph graph = model.subgraphs().get(s);
      for (int o = 0; o < graph.operators().size(); o++) {
        List<Finding> own = findings(model, s, o);
        findings.addAll(own);
        operators++;
        cut |= oneStretch && !own.isEmpty();
        accelerated += own.isEmpty() && !cut ? 1 : 0;
      }
    }
    return new TargetCheck(this, operators, accelerated, findings);
  }

  /**
   * Names, in the schema, of the operators that it has any kernel for; none of {@link #XNNPACK}.
   */
  public Set<String> operators() {
    return kernels == null ? Set.of() : kernels.operators();
  }

  /** The mode that suits it, where none is asked for. */
  public Mode mode() {
    return Stream.of(Mode.DYNAMIC, Mode.FLOAT16, Mode.INT8)
        .filter(mode -> fit().takes(mode))
        .findFirst()
        .orElse(Mode.INT8);
  }

  /**
   * The recipe of a mode for it: with integers at inputs and outputs where it computes with nothing
   * else.
   *
   * @throws NarrowException if it does not take the mode
   */
  public Recipe recipe(Mode mode) {
    check(mode);
    Recipe recipe = Recipe.of(mode);
    return computesOnlyIntegers(mode)
        ? recipe.withBoundary(mode.activation(), mode.activation())
        : recipe;
  }

  /**
   * A recipe as the device takes it, as far as its tables say: kinds of operators that it has no
   * kernels for in their mode get another, and weights of 4 bits have 8 where it takes no others.
   *
   * @throws NarrowException if it does not take the mode
   */
  public Recipe fit(Recipe recipe, Model model) {
    check(recipe.mode());
    // What a DEQUANTIZE makes of weights would lie in the arena, or beside the accelerator.
    Recipe fitted = computesOnlyIntegers(recipe.mode()) ? recipe.keepingFloatWeights() : recipe;
    return fit().of(fitted, model);
  }

  private boolean computesOnlyIntegers(Mode mode) {
    return mode.integer() && !fit().takes(Mode.FLOAT16);
  }

  private void check(Mode mode) {
    if (!fit().takes(mode)) {
      String others =
          Arrays.stream(Mode.values())
              .filter(other -> fit().takes(other))
              .map(Mode::toString)
              .collect(Collectors.joining(" or "));
      throw NarrowException.unsupported(
          "mode " + mode + ": " + word + " does not take " + Fit.words(mode) + ", use " + others);
    }
  }

  private Fit fit() {
    return this == XNNPACK
        ? new Fit((operator, form) -> !form.contains("int16"), true)
        : new Fit(this::takes, false);
  }

  /** Whether it computes an operator with values of a form, or what computes the rest does. */
  private boolean takes(String operator, String form) {
    if (otherwise == Effect.SLOW) {
      return fallback.takes(operator, form); // its own kernels are but faster ones
    }
    boolean four = form.endsWith("+int4") && Constraint.refusesInt4(word, operator);
    // An accelerator that has nothing to do with the products of a mode is not meant for it.
    boolean beside = fallback != null && !operator.equals(Fit.PRODUCTS);
    return !four && (kernels.takes(operator, form) || beside && fallback.takes(operator, form));
  }

  private List<Finding> findings(Model model, int subgraph, int number) {
    Subgraph graph = model.subgraphs().get(subgraph);
    Operator operator = graph.operators().get(number);
    Site site = new Site(model, graph, operator);
    String tensor = site.results().findFirst().map(Tensor::name).orElse("");
    List<Finding> found = new ArrayList<>();
    kernels
        .objection(site)
        .ifPresent(
            problem ->
                found.add(
                    new Finding(
                        otherwise,
                        subgraph,
                        number,
                        operator.name(),
                        tensor,
                        problem,
                        Types.help(site))));
    for (Constraint rule : Constraint.ALL) {
      boolean matters = found.isEmpty() || rule.effect() == Effect.ERROR;
      if (matters && rule.concerns(word, operator.name()) && !rule.holds(site)) {
        found.add(
            new Finding(
                rule.effect(),
                subgraph,
                number,
                operator.name(),
                tensor,
                rule.problem(),
                rule.help()));
      }
    }
    boolean left = otherwise == Effect.SLOW || !found.isEmpty();
    if (fallback != null && left) {
      List<Finding> errors = fallback.findings(model, subgraph, number);
      if (!errors.isEmpty()) {
        found.removeIf(finding -> finding.effect() != Effect.ERROR);
        found.addAll(errors);
      }
    }
    return found;
  }

  /** Its name, as the command line has it. */
  @Override
  public String toString() {
    return word;
  }
}
