package io.narrow.tflite;

import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.correction.BiasCorrector;
import io.narrow.tflite.correction.HeadroomTrial;
import io.narrow.tflite.correction.Rounder;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.fold.Folded;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.plan.WeightScaling;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.shape.InputShapes;
import io.narrow.tflite.targets.Target;
import io.narrow.tflite.targets.TargetCheck;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The whole way from a float model to a smaller one: calibrate, plan, round, correct, apply. A
 * value that holds what is known beside model and recipe, and how it is used; immutable.
 *
 * <pre>{@code
 * Quantizer.DEFAULT
 *     .withSources(List.of("calibration.npz?scale=1/255"))
 *     .quantize(Model.read(file), Recipe.int8())
 *     .write(smaller);
 * }</pre>
 *
 * <p>Who tries several recipes keeps what {@link #prepare} gives: each is planned from the same
 * calibration, which is made when the first of them needs it.
 */
public final class Quantizer {
  /** Without data, which suffices for recipes whose activations stay float32. */
  public static final Quantizer DEFAULT =
      new Quantizer(
          List.of(),
          Datasets.NONE,
          Calibrator.Options.DEFAULT,
          Rounding.AUTO,
          true,
          InputShapes.NONE,
          Optional.empty());

  private static final String SAVED = ".json";

  private final List<String> sources;
  private final Datasets data;
  private final Calibrator.Options calibration;
  private final Rounding rounding;
  private final boolean corrects;
  private final InputShapes shapes;
  private final Optional<Target> target;

  private Quantizer(
      List<String> sources,
      Datasets data,
      Calibrator.Options calibration,
      Rounding rounding,
      boolean corrects,
      InputShapes shapes,
      Optional<Target> target) {
    this.sources = List.copyOf(sources);
    this.data = data;
    this.calibration = calibration;
    this.rounding = rounding;
    this.corrects = corrects;
    this.shapes = shapes;
    this.target = target;
  }

  /**
   * With representative data by name, opened when a model is {@linkplain #prepare prepared}.
   *
   * @param sources each a specification as {@link io.narrow.tflite.data.Dataset#open} takes it, or
   *     {@code NAME=} and one for the signature of that name; or a {@code .json} file of ranges, in
   *     whose place nothing is calibrated, and without data beside it no bias is corrected
   */
  public Quantizer withSources(List<String> sources) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /** With representative data, beside the {@linkplain #withSources named} ones. */
  public Quantizer withData(Datasets data) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /** With other options of the calibration; its samples are those of the correction too. */
  public Quantizer withCalibration(Calibrator.Options calibration) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /** With biases left as they are, or corrected where there are data (the default). */
  public Quantizer withBiasCorrection(boolean corrects) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /**
   * With another way to choose the codes of weights where there are data; {@link Rounding#AUTO}.
   */
  public Quantizer withRounding(Rounding rounding) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /** With sizes for what a file leaves open of the shapes of its inputs. */
  public Quantizer withShapes(InputShapes shapes) {
    return new Quantizer(sources, data, calibration, rounding, corrects, shapes, target);
  }

  /**
   * With recipes {@linkplain Target#fit fitted} to a device, whose modes alone are planned.
   *
   * @see Prepared#check
   */
  public Quantizer withTarget(Target device) {
    return new Quantizer(
        sources, data, calibration, rounding, corrects, shapes, Optional.of(device));
  }

  /** The options of the calibration. */
  public Calibrator.Options calibration() {
    return calibration;
  }

  /**
   * What a recipe makes of a model.
   *
   * @throws NarrowException as {@link #prepare} and {@link Prepared#plan} do
   */
  public Model quantize(Model model, Recipe recipe) {
    Prepared prepared = prepare(model);
    return prepared.quantized(prepared.plan(recipe));
  }

  /**
   * Makes a model ready for any number of recipes.
   *
   * @throws NarrowException if named data cannot be opened, or are for a signature that the model
   *     does not have, or if it does not take the {@linkplain #withShapes shapes}
   */
  public Prepared prepare(Model given) {
    Model model = shapes.fix(given);
    List<String> ranges = sources.stream().filter(source -> source.endsWith(SAVED)).toList();
    if (ranges.size() > 1) {
      throw NarrowException.input(
          String.join(", ", ranges) + ": ranges of the same model, of which one file is taken");
    }
    List<String> signatures = model.signatures().stream().map(Signature::key).toList();
    Datasets all =
        data.withNamed(
            sources.stream().filter(source -> !ranges.contains(source)).toList(), signatures);
    all.check(signatures, model.name());
    return new Prepared(this, model, ranges.stream().map(Path::of).findFirst(), all);
  }

  /** A model with what is known of its activations. Safe for use by several threads. */
  public static final class Prepared {
    private final Quantizer options;
    private final Model model;
    private final Optional<Path> ranges;
    private final Datasets data;
    // These when they are first asked for: most recipes need but one way of folding.
    private Folded forIntegers;
    private Folded forFloats;
    private Calibration calibration;
    private final Map<Recipe, Folded> integers = new HashMap<>();
    private final Map<Mode, HeadroomTrial.Choice> choices = new EnumMap<>(Mode.class);

    private Prepared(Quantizer options, Model model, Optional<Path> ranges, Datasets data) {
      this.options = options;
      this.model = model;
      this.ranges = ranges;
      this.data = data;
    }

    /** The model whose tensors calibration and the plans of integer recipes count. */
    public Model model() {
      return forIntegers().model();
    }

    /** The representative data, all of their samples; none if only ranges were given. */
    public Datasets data() {
      return data;
    }

    /** The file of ranges that is read in place of calibrating; empty if there is none. */
    public Optional<Path> ranges() {
      return ranges;
    }

    /** The model as a recipe is planned for it: what is constant is a constant. */
    public Model foldedModel(Recipe recipe) {
      return folded(recipe).model();
    }

    /** What became a constant for a recipe, or fewer operators: a line for each kind. */
    public List<String> foldedKinds(Recipe recipe) {
      return folded(recipe).lines();
    }

    /** Whether all that the model computes with values, it computes in integers already. */
    public boolean isInteger() {
      return forIntegers().isInteger();
    }

    private Folded folded(Recipe recipe) {
      return recipe.needsRanges() ? forIntegers() : forFloats();
    }

    private synchronized Folded forIntegers() {
      forIntegers = forIntegers == null ? Fold.of(model) : forIntegers;
      return forIntegers;
    }

    /** A model of integers as a recipe asks, which both its plan and what is said of it need. */
    private synchronized Folded integers(Recipe recipe) {
      return integers.computeIfAbsent(recipe, forIntegers()::integers);
    }

    private synchronized Folded forFloats() {
      forFloats = forFloats == null ? Fold.constantsOf(model) : forFloats;
      return forFloats;
    }

    /**
     * Statistics of the activations, collected or read by the first call.
     *
     * @throws NarrowException as {@link Calibrator#calibrate} and {@link Calibration#read} do
     */
    public synchronized Calibration calibration() {
      if (calibration == null) {
        calibration =
            ranges
                .map(
                    file ->
                        Calibration.read(file, model()).withMethod(options.calibration.method()))
                .orElseGet(() -> Calibrator.calibrate(model(), data, options.calibration));
      }
      return calibration;
    }

    /** The ranges for a mode, chosen by the first plan that needs them. */
    private synchronized HeadroomTrial.Choice ranges(Mode mode) {
      return choices.computeIfAbsent(
          mode,
          key ->
              data.isEmpty() || forIntegers().isTrained()
                  ? new HeadroomTrial.Choice(calibration(), Reason.NONE)
                  : HeadroomTrial.choose(
                      forIntegers(),
                      wanted(Recipe.of(key)),
                      calibration(),
                      data.limit(options.calibration.samples())));
    }

    /**
     * Plans a recipe, with weights rounded and biases corrected where there are data.
     *
     * @throws NarrowException if the recipe needs ranges and there are neither these nor data, or
     *     as calibrating, planning and correcting do
     */
    public Plan plan(Recipe asked) {
      Folded folded = folded(asked);
      Recipe recipe = fitted(asked);
      if (recipe.needsRanges() && folded.isInteger()) {
        return Planner.plan(integers(recipe).model(), recipe, Ranges.NONE);
      }
      boolean seen = ranges.isPresent() || !data.isEmpty();
      if (recipe.needsRanges() && !seen && !folded.isTrained()) {
        throw new NarrowException(
            NarrowException.Kind.DATA,
            "mode " + recipe.mode() + ": needs representative data to calibrate with");
      }
      Optional<HeadroomTrial.Choice> choice =
          recipe.needsRanges() && seen ? Optional.of(ranges(recipe.mode())) : Optional.empty();
      Ranges activations =
          choice.map(chosen -> Planner.ranges(chosen.calibration())).orElse(Ranges.NONE);
      Recipe wanted = wanted(recipe);
      if (recipe.needsRanges() && folded.isTrained()) {
        // Weights whose rounding was not a part of training are rounded as the converter does, so
        // that the file is the one that training foresaw; what nobody has data for is left alone.
        wanted = wanted.withScales(WeightScaling.LARGEST);
        wanted = seen ? wanted : wanted.keepingFloatWeights();
      }
      Plan plan =
          Planner.plan(folded.model(), wanted, activations, folded.known())
              .withRanges(choice.map(HeadroomTrial.Choice::why).orElse(Reason.NONE));
      boolean together = recipe.roundsTogether() && options.rounding == Rounding.AUTO;
      if (together && data.isEmpty()) {
        throw new NarrowException(
            NarrowException.Kind.DATA,
            "recipe " + recipe + ": needs representative data to round weights together with");
      }
      if (!data.isEmpty() && !folded.isTrained()) {
        Datasets samples = data.limit(options.calibration.samples());
        plan =
            Rounder.round(
                plan,
                samples,
                new Rounder.Options(
                    together ? Rounding.SECOND_ORDER : options.rounding,
                    options.corrects,
                    options.calibration.progress()));
      }
      return corrects(folded)
          ? BiasCorrector.correct(plan, data.limit(options.calibration.samples()))
          : plan;
    }

    /**
     * What a recipe would make of the model, as far as that does not depend on data: ranges that
     * are not known are taken for -1 to 1, so that scales are not those of the {@link #plan}, and a
     * kernel that does not take the true ones is not found.
     *
     * @throws NarrowException as planning does
     */
    public Plan outline(Recipe asked) {
      Folded folded = folded(asked);
      Recipe recipe = fitted(asked);
      return recipe.needsRanges() && folded.isInteger()
          ? plan(asked)
          : Planner.plan(folded.model(), wanted(recipe), Ranges.ASSUMED, folded.known());
    }

    /** The model that a plan describes. */
    public Model quantized(Plan plan) {
      return Rewriter.rewrite(plan);
    }

    /** Fitted to the device, if there is one. */
    private Recipe fitted(Recipe recipe) {
      return options
          .target
          .map(device -> device.fit(recipe, folded(recipe).model()))
          .orElse(recipe);
    }

    /** What the device makes of a plan; empty if none was {@linkplain #withTarget named}. */
    public Optional<TargetCheck> check(Plan plan) {
      return options.target.map(device -> device.check(quantized(plan)));
    }

    private Recipe wanted(Recipe recipe) {
      return recipe.needsRanges() ? Fold.recipe(recipe, model) : recipe;
    }

    /** Means of a model are no goal where it was trained for what rounding makes of them. */
    private boolean corrects(Folded folded) {
      return options.corrects && !data.isEmpty() && !folded.isTrained();
    }

    /** What to tell the user of a plan. */
    public List<Reason> warnings(Plan plan) {
      List<Reason> warnings = new ArrayList<>(plan.warnings());
      folded(plan.recipe()).densified(model, plan).ifPresent(warnings::add);
      if (plan.recipe().needsRanges() && forIntegers().isInteger()) {
        List<String> changes = integers(plan.recipe()).lines();
        String but = changes.isEmpty() ? "" : " but for what is said below";
        warnings.add(
            Reason.of(
                Code.INTEGER_ALREADY,
                "the model computes in integers already: its codes stay what they are" + but));
        changes.forEach(line -> warnings.add(Reason.of(Code.FOLDED, line)));
        warnings.addAll(Folded.unsigned(plan.model()));
      }
      if (plan.recipe().needsRanges() && calibration != null) {
        warnings.addAll(DataWarnings.of(model(), calibration));
      }
      if (options.corrects && ranges.isPresent() && data.isEmpty()) {
        warnings.add(
            Reason.of(
                Code.UNCORRECTED,
                "biases are not corrected: "
                    + ranges.get().getFileName()
                    + " has ranges only; name the data beside it to have them corrected"));
      }
      return warnings;
    }
  }
}
