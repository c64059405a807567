package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.narrow.spark.DistributedEvaluation.Score;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.evaluation.Sweep;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
  private static final Path DIGITS = Path.of("..", "..", "examples", "digits");
  private static final Path MODEL = DIGITS.resolve("digits.tflite");
  private static final String TEST = DIGITS.resolve("test.npz") + "?scale=1/16";

  private static SparkSession spark;
  @TempDir static Path directory;

  @BeforeAll
  static void start() {
    spark = Sessions.local();
  }

  @AfterAll
  static void stop() {
    if (spark != null) {
      spark.stop();
    }
  }

  private static Dataset<Row> table(String data, int partitions) {
    List<Row> rows = new ArrayList<>();
    try (Interpreter interpreter = Interpreter.open(MODEL, Interpreter.Options.DEFAULT)) {
      List<Sample> samples = io.narrow.tflite.data.Dataset.open(data).samples(interpreter.inputs());
      for (int i = 0; i < samples.size(); i++) {
        Sample sample = samples.get(i);
        sample.inputs().get(0).writeTo(interpreter, 0);
        ByteBuffer input = interpreter.input(0).duplicate();
        byte[] values = new byte[input.remaining()];
        input.get(values);
        rows.add(RowFactory.create(values, sample.label()));
      }
    }
    StructType schema =
        new StructType().add("x", DataTypes.BinaryType).add("label", DataTypes.IntegerType);
    return spark.createDataFrame(rows, schema).repartition(partitions);
  }

  private static Samples samples(int partitions) {
    return Samples.ofColumn(table(TEST, partitions), "x").withLabels("label");
  }

  @Test
  void scoresAreThoseOfOneMachineWhateverThePartitions() {
    Path dynamic = directory.resolve("dynamic.tflite");
    Rewriter.rewrite(Planner.plan(Model.read(MODEL), Recipe.dynamic())).write(dynamic);
    List<Path> models = List.of(MODEL, dynamic);
    List<Score> scores = DistributedEvaluation.evaluate(spark, models, samples(1));
    assertThat(DistributedEvaluation.evaluate(spark, models, samples(5))).isEqualTo(scores);
    List<Evaluation> expected =
        Evaluator.evaluate(
            models, io.narrow.tflite.data.Dataset.open(TEST), Evaluator.Options.DEFAULT);
    for (int m = 0; m < 2; m++) {
      assertThat(scores.get(m).samples()).isEqualTo(expected.get(m).samples());
      assertThat(scores.get(m).accuracy()).isEqualTo(expected.get(m).accuracy());
      assertThat(scores.get(m).agreement()).isEqualTo(expected.get(m).agreement());
    }
    assertThat(scores.get(0).sqnrDb()).isInfinite();
    assertThat(scores.get(1).sqnrDb()).isCloseTo(expected.get(1).sqnrDb(), within(1e-9));
  }

  @Test
  void sweepIsATable() {
    Map<String, Recipe> recipes = new LinkedHashMap<>();
    for (String name : List.of("int8", "dynamic", "float16")) {
      recipes.put(name, Sweep.ALL.get(name));
    }
    Samples calibration =
        Samples.ofColumn(table(DIGITS.resolve("calibration.npz") + "?scale=1/16", 3), "x");
    List<Row> rows =
        DistributedSweep.run(spark, MODEL, recipes, calibration, samples(3)).collectAsList();
    assertThat(rows.stream().map(row -> row.getString(0)))
        .containsExactly("digits.tflite", "int8", "dynamic", "float16");
    long whole = rows.get(0).getAs("bytes");
    for (Row row : rows.subList(1, 4)) {
      assertThat(row.<String>getAs("recipe")).contains("{");
      assertThat(row.<Long>getAs("bytes")).isLessThan(whole);
      assertThat(row.<Double>getAs("agreement")).isGreaterThan(0.9);
      assertThat(row.<Double>getAs("accuracy")).isGreaterThan(0.9);
      assertThat(row.<Double>getAs("sqnr_db")).isGreaterThan(15);
    }
  }

  @Test
  void labelsThatDoNotFit() {
    Dataset<Row> wrong = table(TEST, 2).selectExpr("x", "10 AS label");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(
            () ->
                DistributedEvaluation.evaluate(
                    spark, List.of(MODEL), Samples.ofColumn(wrong, "x").withLabels("label")))
        .withMessage(
            "digits.tflite: its first output has 10 values, that of the first model 10, and a label"
                + " is 10");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> samples(1).withLabels("x"))
        .withMessage("no column `x` of int");
  }
}
