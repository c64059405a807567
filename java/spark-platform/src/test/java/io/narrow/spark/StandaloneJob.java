package io.narrow.spark;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.VectorFormat;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A user's program for {@code spark-submit}: calibrates a model while an executor dies, and
 * quantizes vectors while a worker dies. Arguments: a folder for the results; the model; samples.
 */
public final class StandaloneJob {
  static final int ROWS = 900;
  static final int DIMENSIONS = 64;

  private StandaloneJob() {}

  public static void main(String[] arguments) throws IOException {
    Path results = Path.of(arguments[0]);
    SparkSession spark = SparkSession.builder().getOrCreate();
    DistributedCalibration.calibrate(
            spark,
            Path.of(arguments[1]),
            Samples.ofColumn(
                table(spark, samples(arguments[1], arguments[2]), executorDies(2)), "x"),
            RangeMethod.AUTO)
        .write(results.resolve("ranges.json"));
    List<byte[]> vectors = new ArrayList<>();
    for (int row = 0; row < ROWS; row++) {
      vectors.add(bytes(row));
    }
    VectorQuantizerModel model =
        new VectorQuantizer()
            .setInputCol("x")
            .setOutputCol("codes")
            .setFormat(VectorFormat.UINT8)
            .fit(table(spark, vectors, workerDies(results.resolve("doomed"))));
    byte[] codes = new byte[ROWS * DIMENSIONS];
    for (Row row : model.transform(table(spark, vectors, executorDies(1))).collectAsList()) {
      System.arraycopy((byte[]) row.get(2), 0, codes, row.getInt(0) * DIMENSIONS, DIMENSIONS);
    }
    Files.write(results.resolve("codes"), codes);
    List<String> lines = new ArrayList<>();
    ExecutorKernels.report(spark)
        .forEach((id, line) -> lines.add(id + " " + line.replace('\n', ' ')));
    lines.addAll(
        spark
            .range(4)
            .map((MapFunction<Long, String>) i -> loaderOf(Kernels.class), Encoders.STRING())
            .collectAsList());
    Files.write(results.resolve("executors"), lines);
    spark.stop();
  }

  private static String loaderOf(Class<?> type) {
    return SparkEnv.get().executorId() + " loader " + type.getClassLoader().getClass().getName();
  }

  /** A vector of floats below 1, as little-endian bytes. */
  static byte[] bytes(int row) {
    Random random = new Random(row);
    ByteBuffer bytes = ByteBuffer.allocate(4 * DIMENSIONS).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
    return bytes.array();
  }

  private static List<byte[]> samples(String model, String data) {
    List<byte[]> all = new ArrayList<>();
    try (Interpreter interpreter = Interpreter.open(Path.of(model), Interpreter.Options.DEFAULT)) {
      List<Sample> samples = Dataset.open(data).samples(interpreter.inputs());
      for (int i = 0; i < samples.size(); i++) {
        samples.get(i).inputs().get(0).writeTo(interpreter, 0);
        ByteBuffer input = interpreter.input(0).duplicate();
        byte[] sample = new byte[input.remaining()];
        input.get(sample);
        all.add(sample);
      }
    }
    return all;
  }

  private static org.apache.spark.sql.Dataset<Row> table(
      SparkSession spark, List<byte[]> rows, MapFunction<Row, Row> dying) {
    StructType schema =
        new StructType().add("id", DataTypes.IntegerType).add("x", DataTypes.BinaryType);
    List<Row> all = new ArrayList<>();
    for (byte[] row : rows) {
      all.add(RowFactory.create(all.size(), row));
    }
    return spark.createDataFrame(all, schema).repartition(3).map(dying, Encoders.row(schema));
  }

  private static boolean isFirst(int partition) {
    TaskContext task = TaskContext.get();
    return task.stageAttemptNumber() == 0
        && task.attemptNumber() == 0
        && task.partitionId() == partition;
  }

  private static MapFunction<Row, Row> executorDies(int partition) {
    return row -> {
      if (isFirst(partition)) {
        Runtime.getRuntime().halt(9);
      }
      return row;
    };
  }

  /** Says in a file which worker is to be killed, and waits for it. */
  private static MapFunction<Row, Row> workerDies(Path file) {
    String name = file.toString();
    return row -> {
      if (isFirst(0) && !Files.exists(Path.of(name))) {
        long worker = ProcessHandle.current().parent().orElseThrow().pid();
        try {
          Path written = Files.writeString(Path.of(name + ".tmp"), Long.toString(worker));
          Files.move(written, Path.of(name));
          Thread.sleep(120_000);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        throw new IllegalStateException("nobody killed the worker");
      }
      return row;
    };
  }
}
