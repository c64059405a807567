package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Quantizes a model by several recipes and evaluates all files on the same data. */
public final class Sweep {
  /** The modes that need no data, in the order of a table, by the ends of their file names. */
  public static final Map<String, Recipe> WEIGHTS =
      ordered(
          Map.entry("dynamic", Recipe.dynamic()),
          Map.entry("float16", Recipe.float16()),
          Map.entry("weight-only", Recipe.weightOnly(8)),
          Map.entry("weight-only4", Recipe.weightOnly(4)));

  /** Every mode, likewise. */
  public static final Map<String, Recipe> ALL =
      ordered(
          Map.entry("dynamic", Recipe.dynamic()),
          Map.entry("int8_int8io", Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8)),
          Map.entry("int8", Recipe.int8()),
          Map.entry("int8_uint8io", Recipe.int8().withBoundary(TensorType.UINT8, TensorType.UINT8)),
          Map.entry("int16x8", Recipe.int16x8()),
          Map.entry("float16", Recipe.float16()),
          Map.entry("weight-only", Recipe.weightOnly(8)),
          Map.entry("weight-only4", Recipe.weightOnly(4)));

  private Sweep() {}

  @SafeVarargs
  private static Map<String, Recipe> ordered(Map.Entry<String, Recipe>... recipes) {
    Map<String, Recipe> map = new LinkedHashMap<>();
    for (Map.Entry<String, Recipe> recipe : recipes) {
      map.put(recipe.getKey(), recipe.getValue());
    }
    return Collections.unmodifiableMap(map);
  }

  /**
   * Writes a file for every recipe, named after the model and the recipe, and evaluates the model
   * and the files.
   *
   * @param file the model that the files are compared with
   * @param recipes by the ends of the names of the files, in the order of the result
   * @param model the same, to be quantized
   * @param folder where the files go; made if it is not there
   * @return an evaluation of the model, then one of each recipe in their order
   * @throws NarrowException as planning, writing and evaluating do
   */
  public static List<Evaluation> run(
      Path file,
      Quantizer.Prepared model,
      Map<String, Recipe> recipes,
      Path folder,
      Dataset data,
      Evaluator.Options options) {
    WholeFile.makeFolder(folder);
    List<Path> files = new ArrayList<>(List.of(file));
    recipes.forEach(
        (end, recipe) -> {
          Path quantized = file(file, folder, end);
          Rewriter.rewrite(model.plan(recipe)).write(quantized);
          files.add(quantized);
        });
    return Evaluator.evaluate(files, data, options);
  }

  /** Where the file of a recipe goes. */
  public static Path file(Path model, Path folder, String end) {
    return folder.resolve(WholeFile.stem(model) + "_" + end + ".tflite");
  }
}
