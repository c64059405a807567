package io.narrow.tflite.plan;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.stream.JsonWriter;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.files.JsonFile;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The recipes of ai-edge-quantizer 0.10: an array of {@code {"regex": ".*", "operation": "*",
 * "algorithm_key": "min_max_uniform_quantize", "op_config": {"activation_tensor_config": {...},
 * "weight_tensor_config": {"num_bits": 8, "symmetric": true, "granularity": "CHANNELWISE", "dtype":
 * "INT"}, "compute_precision": "INTEGER", "explicit_dequantize": false, "min_weight_elements":
 * 0}}}.
 *
 * <p>As there, a rule for all operations takes the place of those before it with the same regular
 * expression, and a rule for one operation that of the one before it for the same operation; what
 * is said of {@code INPUT} and {@code OUTPUT}, by name or as part of all, gives the types of the
 * model's inputs and outputs, here of all of them. Asymmetric weights, which only models that
 * dequantize them can have, become symmetric.
 */
final class RecipeFile {
  private static final String GROUP = "(?:";
  private static final String GPTQ = "GPTQ";
  private static final String RECOVERY = "dequantized_weight_recovery";
  private static final String BLOCKWISE = "BLOCKWISE_";
  private static final String BLOCK_SIZE = "block_size";
  private static final WeightScaling LEAST = WeightScaling.LEAST_ERROR;
  private static final String LEAST_ERROR = "least_error";

  /** What keeps algorithms from being carried out, as they change more than weights. */
  private static final Map<String, String> MISSING =
      Map.of(
          "HADAMARD_ROTATION", ", which adds custom operators that the stock runtime does not have",
          "DECOMPOSED_HADAMARD_ROTATION", ", which adds products with matrices to the model",
          "OSCAR", ", which adds a MUL before each FULLY_CONNECTED");

  private static final String SCALES = "narrow_scales"; // ai-edge passes over keys like these
  private static final String SATURATE = "narrow_saturate";
  private static final String PREFER = "narrow_prefer";
  private static final Set<String> CONFIG =
      Set.of(
          "activation_tensor_config",
          "weight_tensor_config",
          "compute_precision",
          "explicit_dequantize",
          "skip_checks",
          "min_weight_elements");

  private final JsonFile file;
  private final Map<String, Map<String, OperatorConfiguration>> rules = new LinkedHashMap<>();
  private final Map<String, TensorType> boundary = new LinkedHashMap<>();

  private RecipeFile(JsonFile file) {
    this.file = file;
  }

  static Recipe read(Path path) {
    RecipeFile recipe = new RecipeFile(new JsonFile(path));
    int number = 0;
    for (JsonElement rule : recipe.file.array(recipe.file.read(), "the recipe")) {
      recipe.rule("rule " + ++number, recipe.file.object(rule, "rule " + number));
    }
    List<RecipeRule> all = new ArrayList<>();
    recipe.rules.forEach(
        (regex, configurations) ->
            configurations.forEach((operation, t) -> all.add(recipe.rule(regex, operation, t))));
    return Recipe.of(all)
        .withBoundary(
            recipe.boundary.getOrDefault("INPUT", TensorType.FLOAT32),
            recipe.boundary.getOrDefault("OUTPUT", TensorType.FLOAT32));
  }

  /** Without the groups that {@link #write} puts around a regular expression. */
  private static String bare(String regex) {
    if (!regex.startsWith(GROUP) || !regex.endsWith(")")) {
      return regex;
    }
    String inner = regex.substring(GROUP.length(), regex.length() - 1);
    return RecipeRule.isExpression(inner)
        ? bare(inner)
        : regex; // two groups beside each other are not one
  }

  private RecipeRule rule(String regex, String operation, OperatorConfiguration configuration) {
    try {
      return new RecipeRule(bare(regex), OpRules.ofAlias(operation), configuration);
    } catch (NarrowException e) {
      throw file.problem(e.getMessage());
    }
  }

  private void rule(String where, JsonObject rule) {
    String regex = text(rule, "regex", where);
    String operation = text(rule, "operation", where);
    String algorithm = text(rule, "algorithm_key", where);
    JsonObject config =
        algorithm.equals("no_quantize")
            ? new JsonObject()
            : file.object(file.member(rule, "op_config", where), where + ", op_config");
    boolean everywhere = bare(regex).equals(RecipeRule.ANYWHERE);
    boolean boundaryOnly = operation.equals("INPUT") || operation.equals("OUTPUT");
    OperatorConfiguration configuration = configuration(where, algorithm, config);
    if (boundaryOnly || operation.equals(RecipeRule.ALL) && configuration.mode().integer()) {
      for (String each : List.of("INPUT", "OUTPUT")) {
        if (everywhere && (!boundaryOnly || each.equals(operation))) {
          boundary.put(each, boundaryType(config, configuration));
        }
      }
      if (boundaryOnly && !everywhere) {
        throw unsupported(where, operation + " for some of the tensors only");
      }
    }
    if (boundaryOnly) {
      return;
    }
    Map<String, OperatorConfiguration> same =
        rules.computeIfAbsent(regex, r -> new LinkedHashMap<>());
    if (operation.equals(RecipeRule.ALL)) {
      same.clear();
    }
    same.put(operation, configuration);
  }

  private TensorType boundaryType(JsonObject config, OperatorConfiguration configuration) {
    JsonElement activation = config.get("activation_tensor_config");
    boolean unsigned =
        activation != null
            && activation.isJsonObject()
            && activation.getAsJsonObject().has("dtype")
            && activation.getAsJsonObject().get("dtype").getAsString().equals("UINT");
    return unsigned ? TensorType.UINT8 : configuration.mode().activation();
  }

  private OperatorConfiguration configuration(String where, String algorithm, JsonObject config) {
    for (String key : config.keySet()) {
      if (!CONFIG.contains(key)) {
        throw file.problem(where + ", op_config: unknown key `" + key + "`");
      }
    }
    long least =
        config.has("min_weight_elements")
            ? file.whole(config.get("min_weight_elements"), 0, Long.MAX_VALUE, where)
            : 0;
    return switch (algorithm) {
      case "no_quantize" -> OperatorConfiguration.FLOAT32;
      case "float_casting" -> half(where, config);
      case "min_max_uniform_quantize" ->
          uniform(where, config, WeightScaling.LARGEST).withMinimumElements(least);
      case "OCTAV", "MSE" ->
          uniform(where, config, WeightScaling.LEAST_ERROR).withMinimumElements(least);
      case GPTQ ->
          uniform(where, config, WeightScaling.LARGEST)
              .withMinimumElements(least)
              .withCodesTogether();
      case RECOVERY ->
          uniform(where, config, WeightScaling.RECOVERED)
              .withScales(WeightScaling.RECOVERED) // per channel, whatever the granularity
              .withMinimumElements(least);
      default ->
          throw unsupported(where, "algorithm " + algorithm + MISSING.getOrDefault(algorithm, ""));
    };
  }

  private OperatorConfiguration half(String where, JsonObject config) {
    JsonObject weights = tensor(config, "weight_tensor_config", where);
    if (bits(weights, where) != 16 || !text(weights, "dtype", where).equals("FLOAT")) {
      throw unsupported(where, "float_casting to other than 16 bits of FLOAT");
    }
    OperatorConfiguration configuration = OperatorConfiguration.of(Mode.FLOAT16);
    boolean saturate =
        weights.has(SATURATE) && text(weights, SATURATE, where).equals(String.valueOf(true));
    return saturate ? configuration.withSaturation() : configuration;
  }

  private OperatorConfiguration uniform(String where, JsonObject config, WeightScaling scaling) {
    JsonObject weights = tensor(config, "weight_tensor_config", where);
    OperatorConfiguration configuration =
        OperatorConfiguration.of(mode(where, config)).withBits(weightBits(weights, where));
    if (weights.has(PREFER)) {
      configuration = configuration.withPreference(Preference.of(text(weights, PREFER, where)));
    }
    String granularity = granularity(where, weights);
    boolean search = weights.has(SCALES) && text(weights, SCALES, where).equals(LEAST_ERROR);
    return switch (granularity) {
      case "CHANNELWISE" -> configuration.withScales(search ? LEAST : scaling);
      case "TENSORWISE" -> configuration.withScales(WeightScaling.ONE_SCALE);
      default -> blocks(where, granularity, configuration.withScales(search ? LEAST : scaling));
    };
  }

  private OperatorConfiguration blocks(
      String where, String granularity, OperatorConfiguration configuration) {
    if (!granularity.matches(BLOCKWISE + "\\d{1,4}")) {
      throw unsupported(where, "granularity " + granularity);
    }
    try {
      return configuration.withBlock(Integer.parseInt(granularity.substring(BLOCKWISE.length())));
    } catch (NarrowException e) {
      throw file.problem(where + ", granularity " + granularity + ": " + e.getMessage());
    }
  }

  /** Older recipes have the size of blocks beside it. */
  private String granularity(String where, JsonObject weights) {
    long size =
        weights.has(BLOCK_SIZE)
            ? file.whole(weights.get(BLOCK_SIZE), 0, Integer.MAX_VALUE, where)
            : 0;
    return size > 0
        ? BLOCKWISE + size
        : weights.has("granularity") ? text(weights, "granularity", where) : "TENSORWISE";
  }

  private Mode mode(String where, JsonObject config) {
    boolean integer =
        config.has("compute_precision")
            && text(config, "compute_precision", where).equals("INTEGER");
    boolean dequantize =
        config.has("explicit_dequantize")
            && text(config, "explicit_dequantize", where).equals("true");
    if (!config.has("activation_tensor_config")) {
      if (integer == dequantize) {
        throw file.problem(
            where
                + ": compute_precision INTEGER without explicit_dequantize is dynamic, FLOAT with"
                + " it weight-only, and this is neither");
      }
      return integer ? Mode.DYNAMIC : Mode.WEIGHT_ONLY;
    }
    JsonObject activations = tensor(config, "activation_tensor_config", where);
    if (!integer || dequantize) {
      throw file.problem(
          where + ": quantized activations need compute_precision INTEGER, not dequantized");
    }
    boolean symmetric =
        !activations.has("symmetric") || text(activations, "symmetric", where).equals("true");
    if (bits(activations, where) == 16) {
      return Mode.INT16X8;
    }
    if (bits(activations, where) != 8 || symmetric) {
      throw unsupported(
          where, (symmetric ? "symmetric " : "") + bits(activations, where) + "-bit activations");
    }
    return Mode.INT8;
  }

  private JsonObject tensor(JsonObject config, String name, String where) {
    return file.object(file.member(config, name, where), where + ", " + name);
  }

  private int weightBits(JsonObject weights, String where) {
    int bits = bits(weights, where);
    if (bits != 8 && bits != 4) {
      throw unsupported(where, bits + "-bit weights");
    }
    return bits;
  }

  private int bits(JsonObject tensor, String where) {
    return (int) file.whole(file.member(tensor, "num_bits", where), 1, 64, where + ", num_bits");
  }

  private String text(JsonObject object, String name, String where) {
    return file.text(file.member(object, name, where), where + ", " + name);
  }

  private NarrowException unsupported(String where, String what) {
    return NarrowException.unsupported(file.path() + ": " + where + ": no " + what);
  }

  static void write(Recipe recipe, Path path) {
    new JsonFile(path)
        .write(
            json -> {
              json.setIndent("  ");
              json.beginArray();
              // There, rules with the same expression are kept together, and one for all takes the
              // place of the others: so no two have the same.
              Set<String> used = new HashSet<>();
              for (RecipeRule rule : recipe.rules()) {
                String regex = unused(rule.regex(), used);
                write(json, regex, rule.operator(), rule.configuration(), false);
              }
              if (recipe.needsRanges()) {
                boundary(json, unused(RecipeRule.ANYWHERE, used), "INPUT", recipe.inputType());
                boundary(json, unused(RecipeRule.ANYWHERE, used), "OUTPUT", recipe.outputType());
              }
              json.endArray();
            });
  }

  private static String unused(String regex, Set<String> used) {
    return used.add(regex) ? regex : unused(GROUP + regex + ")", used);
  }

  private static void boundary(JsonWriter json, String regex, String operation, TensorType type)
      throws IOException {
    Mode mode =
        switch (type) {
          case FLOAT32 -> Mode.FLOAT32;
          case INT16 -> Mode.INT16X8;
          default -> Mode.INT8;
        };
    write(json, regex, operation, OperatorConfiguration.of(mode), type == TensorType.UINT8);
  }

  private static void write(
      JsonWriter json,
      String regex,
      String operator,
      OperatorConfiguration configuration,
      boolean unsigned)
      throws IOException {
    String operation = OpRules.of(operator).alias();
    Mode mode = configuration.mode();
    String algorithm =
        switch (mode) {
          case FLOAT32 -> "no_quantize";
          case FLOAT16 -> "float_casting";
          default ->
              configuration.scales() == WeightScaling.RECOVERED
                  ? RECOVERY
                  : configuration.together() ? GPTQ : "min_max_uniform_quantize";
        };
    json.beginObject().name("regex").value(regex).name("operation").value(operation);
    json.name("algorithm_key").value(algorithm).name("op_config").beginObject();
    if (mode.integer()) {
      boolean eight = mode == Mode.INT8;
      json.name("activation_tensor_config").beginObject();
      tensor(json, eight ? 8 : 16, !eight, "TENSORWISE", unsigned ? "UINT" : "INT").endObject();
    }
    if (mode != Mode.FLOAT32) {
      boolean half = mode == Mode.FLOAT16;
      String granularity =
          configuration.block() > 0
              ? BLOCKWISE + configuration.block()
              : configuration.scales() == WeightScaling.ONE_SCALE ? "TENSORWISE" : "CHANNELWISE";
      json.name("weight_tensor_config").beginObject();
      tensor(json, half ? 16 : configuration.bits(), true, granularity, half ? "FLOAT" : "INT");
      if (configuration.scales() == WeightScaling.LEAST_ERROR) {
        json.name(SCALES).value(LEAST_ERROR);
      }
      if (configuration.saturate()) {
        json.name(SATURATE).value(true);
      }
      if (configuration.preference() != Preference.USUAL) {
        json.name(PREFER).value(configuration.preference().toString());
      }
      json.endObject();
    }
    boolean integer = mode == Mode.DYNAMIC || mode.integer();
    json.name("compute_precision").value(integer ? "INTEGER" : "FLOAT");
    json.name("explicit_dequantize").value(mode == Mode.WEIGHT_ONLY || mode == Mode.FLOAT16);
    json.name("min_weight_elements").value(configuration.minimumElements());
    json.endObject().endObject();
  }

  private static JsonWriter tensor(
      JsonWriter json, int bits, boolean symmetric, String granularity, String type)
      throws IOException {
    return json.name("num_bits")
        .value(bits)
        .name("symmetric")
        .value(symmetric)
        .name("granularity")
        .value(granularity)
        .name("dtype")
        .value(type);
  }
}
