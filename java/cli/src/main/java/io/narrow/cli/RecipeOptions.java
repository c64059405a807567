package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.RecipeRule;
import io.narrow.tflite.targets.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that make a recipe. */
final class RecipeOptions {
  @Option(
      names = "--mode",
      paramLabel = "MODE",
      description =
          "dynamic: int8 weights, inputs quantized as kernels run (default); float16: weights"
              + " stored as float16; weight-only: integer weights that become float32 again; int8 and"
              + " int16x8: int8 weights and int8 or int16 activations, which need calibration, except"
              + " where the model was trained for them; float32: all weights as float32.")
  private String mode;

  @Option(
      names = "--bits",
      paramLabel = "8|4",
      description = "Bits of a weight (default 8). int4 where a kernel has it, int8 elsewhere.")
  private Integer bits;

  @Option(
      names = "--block",
      paramLabel = "32|64|128|256",
      description =
          "dynamic with --bits 4: a scale for so many weights of a row of FULLY_CONNECTED and"
              + " EMBEDDING_LOOKUP, in place of one for the row. Where a row is no multiple, and for"
              + " other operators, a scale per channel as before.")
  private Integer block;

  @Option(
      names = "--recover",
      description =
          "Keep the codes that float weights already are, as after training for quantization, and"
              + " round none: weights that are no multiples of a step stay float32.")
  private boolean recover;

  @Option(
      names = "--min-elements",
      paramLabel = "N",
      description =
          "Weights with fewer elements stay float32 (default 1024 for dynamic, as the TensorFlow"
              + " Lite converter has it; 0 for weight-only).")
  private Long minimumElements;

  @Option(
      names = "--prefer",
      paramLabel = "size|speed",
      description =
          "Where the smallest weights run slower than float32 ones on the stock runtime: keep them"
              + " (size; default with --bits 4), or take weights that do not (speed; default with"
              + " 8 bits): int8, or stored as int8 and made float32 when the model is loaded.")
  private String prefer;

  @Option(
      names = "--saturate",
      description = "float16: clamp values beyond 65504; otherwise their tensor stays float32.")
  private boolean saturate;

  @Option(
      names = "--io",
      paramLabel = "TYPE",
      description =
          "Type of the model's float inputs and outputs: float32 (default); int8 or uint8 with"
              + " int8; int16 with int16x8.")
  private String boundary;

  @Option(names = "--input-type", paramLabel = "TYPE", description = "As --io, inputs only.")
  private String inputType;

  @Option(names = "--output-type", paramLabel = "TYPE", description = "As --io, outputs only.")
  private String outputType;

  @Option(
      names = "--strict",
      description = "int8, int16x8: fail if an operator would stay float32, and list them all.")
  private boolean strict;

  @Option(
      names = "--keep-float",
      paramLabel = "REGEX",
      description =
          "Leave operators float32 that write a tensor in whose name this is found. Can be given"
              + " several times.")
  private List<String> keepFloat = List.of();

  @Option(
      names = "--keep-float-ops",
      paramLabel = "OP",
      split = ",",
      description = "Leave all operators of these kinds float32, e.g. SOFTMAX,FULLY_CONNECTED.")
  private List<String> keepFloatOperators = List.of();

  @Option(
      names = "--recipe",
      paramLabel = "FILE",
      description =
          "A recipe of ai-edge-quantizer (.json) in place of --mode, --bits, --block, --recover and"
              + " --min-elements.")
  private Path file;

  /** Whether the options say what to make of a model. */
  boolean given() {
    return mode != null || file != null;
  }

  Recipe recipe() {
    return recipe(Optional.empty());
  }

  /** The recipe for a device, whose mode and types of inputs and outputs are the defaults. */
  Recipe recipe(Optional<Target> target) {
    Recipe recipe = file == null ? ofMode(target) : ofFile();
    recipe =
        recipe.withBoundary(
            type("--input-type", inputType, recipe.inputType()),
            type("--output-type", outputType, recipe.outputType()));
    if (strict) {
      recipe = recipe.withStrict();
    }
    if (saturate) {
      recipe = recipe.withSaturation();
    }
    if (prefer != null) {
      recipe = recipe.withPreference(Preference.of(prefer));
    }
    for (String regex : keepFloat) {
      recipe = recipe.keepingFloat(regex);
    }
    for (String operator : keepFloatOperators) {
      recipe = recipe.keepingFloatOperator(operator.strip().toUpperCase(Locale.ROOT));
    }
    return recipe;
  }

  /**
   * What of a recipe, and of these options, does nothing to a model.
   *
   * @throws NarrowException if operators were to be kept, and there are none like that
   */
  List<String> withoutEffect(Recipe recipe, Model model) {
    List<String> lines = new ArrayList<>();
    for (RecipeRule rule : recipe.unmatched(model)) {
      if (keepFloat.contains(rule.regex())) {
        throw NarrowException.input(
            "--keep-float " + rule.regex() + ": found in no name of a tensor that is computed");
      }
      lines.add("without effect: " + rule + ", which no operator of the model fits");
    }
    if (recipe.rules().isEmpty()) {
      lines.add("without effect: the recipe has no rule");
    }
    boolean half = has(recipe, Mode.FLOAT16);
    boolean integers = recipe.needsRanges();
    boolean weights = integers || has(recipe, Mode.DYNAMIC) || has(recipe, Mode.WEIGHT_ONLY);
    add(lines, "--bits " + bits, bits != null && !weights, recipe);
    add(lines, "--recover", recover && !weights, recipe);
    add(lines, "--min-elements", minimumElements != null && (integers || !weights), recipe);
    add(lines, "--saturate", saturate && !half, recipe);
    return lines;
  }

  private static boolean has(Recipe recipe, Mode mode) {
    return recipe.rules().stream().anyMatch(rule -> rule.configuration().mode() == mode);
  }

  static void add(List<String> lines, String option, boolean ignored, Recipe recipe) {
    if (ignored) {
      lines.add("without effect: " + option + ", with mode " + recipe.mode());
    }
  }

  private Recipe ofMode(Optional<Target> target) {
    Mode otherwise = target.map(Target::mode).orElse(Mode.DYNAMIC);
    Mode wanted = mode == null ? otherwise : Mode.of(mode);
    Recipe recipe = target.map(device -> device.recipe(wanted)).orElseGet(() -> Recipe.of(wanted));
    recipe = bits == null ? recipe : recipe.withBits(bits);
    recipe = minimumElements == null ? recipe : recipe.withMinimumElements(minimumElements);
    recipe = recover ? recipe.withRecovery() : recipe;
    return block == null ? recipe : recipe.withBlock(block);
  }

  private Recipe ofFile() {
    if (mode != null || bits != null || minimumElements != null || block != null || recover) {
      throw NarrowException.input(
          "--recipe: takes the place of --mode, --bits, --block, --recover, --min-elements");
    }
    return Recipe.read(file);
  }

  private TensorType type(String option, String name, TensorType otherwise) {
    String given = name == null ? boundary : name;
    if (given == null) {
      return otherwise;
    }
    for (TensorType type : TensorType.values()) {
      if (type.toString().equalsIgnoreCase(given)) {
        return type;
      }
    }
    throw NarrowException.input((name == null ? "--io" : option) + " " + given + ": no such type");
  }
}
