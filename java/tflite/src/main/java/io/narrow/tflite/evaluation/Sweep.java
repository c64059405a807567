package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Quantizes a model by several recipes and evaluates all files on the same data. */
public final class Sweep {
  /** The modes that need no data, in the order of a table. */
  public static final List<Recipe> WEIGHTS =
      List.of(Recipe.dynamic(), Recipe.float16(), Recipe.weightOnly(8), Recipe.weightOnly(4));

  /** Every mode, in the order of a table. */
  public static final List<Recipe> ALL =
      List.of(
          Recipe.dynamic(),
          Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8),
          Recipe.int8(),
          Recipe.int8().withBoundary(TensorType.UINT8, TensorType.UINT8),
          Recipe.int16x8(),
          Recipe.float16(),
          Recipe.weightOnly(8),
          Recipe.weightOnly(4));

  private Sweep() {}

  /**
   * Writes a file for every recipe, named after the model, mode and bits, and evaluates the model
   * and the files.
   *
   * @param model a float model
   * @param calibration ranges of its activations, which {@link #WEIGHTS} do without
   * @param folder where the files go; made if it is not there
   * @return an evaluation of the model, then one of each recipe in their order
   * @throws NarrowException as reading, planning, writing and evaluating do
   */
  public static List<Evaluation> run(
      Path model,
      List<Recipe> recipes,
      Calibration calibration,
      Path folder,
      Dataset data,
      Evaluator.Options options) {
    Model read = Model.read(model);
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT, folder + ": the folder cannot be made: " + e.getMessage(), e);
    }
    List<Path> files = new ArrayList<>(List.of(model));
    for (Recipe recipe : recipes) {
      Path file = folder.resolve(name(model, recipe));
      Rewriter.rewrite(Planner.plan(read, recipe, calibration)).write(file);
      files.add(file);
    }
    return Evaluator.evaluate(files, data, options);
  }

  private static String name(Path model, Recipe recipe) {
    String name = model.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    String boundary =
        recipe.inputType() == TensorType.FLOAT32 ? "" : "_" + recipe.inputType() + "io";
    return name
        + "_"
        + recipe.mode()
        + (recipe.bits() == 8 ? "" : recipe.bits())
        + boundary
        + ".tflite";
  }
}
