package io.narrow.spark;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Quantizes a model by many recipes and evaluates all files on the samples of a table: one job to
 * calibrate, one to evaluate all recipes on each partition.
 */
public final class DistributedSweep {
  private static final StructType SCHEMA =
      new StructType()
          .add("name", DataTypes.StringType, false)
          .add("recipe", DataTypes.StringType)
          .add("bytes", DataTypes.LongType, false)
          .add("samples", DataTypes.LongType, false)
          .add("accuracy", DataTypes.DoubleType)
          .add("agreement", DataTypes.DoubleType, false)
          .add("sqnr_db", DataTypes.DoubleType, false);

  private DistributedSweep() {}

  /**
   * A row for the float model and one of each recipe: its name, the recipe as JSON, the size of the
   * file, and what {@link DistributedEvaluation} finds. Biases are not corrected, which takes the
   * samples on one machine.
   *
   * @param recipes by name, in the order of the rows
   * @param calibration samples for the ranges
   * @param data samples to evaluate on, with labels where there are some
   */
  public static Dataset<Row> run(
      SparkSession session,
      Path file,
      Map<String, Recipe> recipes,
      Samples calibration,
      Samples data) {
    List<DistributedEvaluation.File> models = new ArrayList<>();
    models.add(DistributedEvaluation.File.read(file));
    List<String> documents = new ArrayList<>();
    documents.add(null);
    try (SampleFiles files = new SampleFiles()) {
      List<String> ranges = new ArrayList<>();
      if (recipes.values().stream().anyMatch(Recipe::needsRanges)) {
        Path json = files.path("ranges.json");
        Calibration found =
            DistributedCalibration.calibrate(session, file, calibration, RangeMethod.AUTO);
        found.write(json);
        ranges.add(json.toString());
      }
      Quantizer.Prepared model = Quantizer.DEFAULT.withSources(ranges).prepare(Model.read(file));
      recipes.forEach(
          (name, recipe) -> {
            Path small = files.path("small.tflite");
            model.quantized(model.plan(recipe)).write(small);
            models.add(
                new DistributedEvaluation.File(
                    name, DistributedEvaluation.File.read(small).bytes()));
            Path json = files.path("recipe.json");
            recipe.write(json);
            documents.add(SampleFiles.text(json));
          });
    }
    List<Row> rows = new ArrayList<>();
    List<DistributedEvaluation.Score> scores = DistributedEvaluation.scores(session, models, data);
    for (int m = 0; m < models.size(); m++) {
      DistributedEvaluation.Score score = scores.get(m);
      rows.add(
          RowFactory.create(
              models.get(m).name(),
              documents.get(m),
              (long) models.get(m).bytes().length,
              score.samples(),
              score.accuracy().isPresent() ? score.accuracy().getAsDouble() : null,
              score.agreement(),
              score.sqnrDb()));
    }
    return session.createDataFrame(rows, SCHEMA);
  }
}
