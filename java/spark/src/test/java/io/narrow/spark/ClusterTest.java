package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorFormat;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Executors in processes of their own, one of which is killed in the middle of each job. */
class ClusterTest {
  private static final Path DIGITS = Path.of("..", "..", "examples", "digits");
  private static final Path MODEL = DIGITS.resolve("digits.tflite");
  private static final String DATA = DIGITS.resolve("calibration.npz") + "";

  private static SparkSession spark;
  @TempDir static Path directory;

  @BeforeAll
  static void start() throws Exception {
    spark = Sessions.cluster();
  }

  @AfterAll
  static void stop() {
    if (spark != null) {
      spark.stop();
    }
  }

  /** Ends the JVM of an executor, the first time that its task is run. */
  private static MapFunction<byte[], byte[]> killing(int partition) {
    return row -> {
      TaskContext task = TaskContext.get();
      boolean onExecutor = !SparkEnv.get().executorId().equals("driver");
      if (onExecutor
          && task.stageAttemptNumber() == 0
          && task.attemptNumber() == 0
          && task.partitionId() == partition) {
        Runtime.getRuntime().halt(9);
      }
      return row;
    };
  }

  private static org.apache.spark.sql.Dataset<Row> table(List<byte[]> rows, int partitions) {
    List<Row> all = rows.stream().map(row -> RowFactory.create((Object) row)).toList();
    StructType schema = new StructType().add("x", DataTypes.BinaryType);
    return spark
        .createDataFrame(all, schema)
        .repartition(partitions)
        .as(Encoders.BINARY())
        .map(killing(partitions - 1), Encoders.BINARY())
        .toDF("x");
  }

  private static List<byte[]> samples() {
    List<byte[]> all = new ArrayList<>();
    try (Interpreter interpreter = Interpreter.open(MODEL, Interpreter.Options.DEFAULT)) {
      List<Sample> samples = Dataset.open(DATA).samples(interpreter.inputs());
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

  @Test
  void calibrationIsThatOfOneMachine() throws Exception {
    Path expected = directory.resolve("expected.json");
    Quantizer.DEFAULT
        .withSources(List.of(DATA))
        .prepare(Model.read(MODEL))
        .calibration()
        .write(expected);
    List<byte[]> samples = samples();
    for (int partitions : new int[] {3, 1}) {
      Collections.shuffle(samples, new Random(partitions));
      Calibration found =
          DistributedCalibration.calibrate(
              spark, MODEL, Samples.ofColumn(table(samples, partitions), "x"), RangeMethod.AUTO);
      Path file = directory.resolve("found" + partitions);
      found.write(file);
      assertThat(file).hasSameBinaryContentAs(expected);
    }
  }

  @Test
  void vectorsWhileAnExecutorDies() {
    List<byte[]> rows = new ArrayList<>();
    Random random = new Random(2);
    float[] all = new float[900 * 64];
    for (int r = 0; r < 900; r++) {
      ByteBuffer row = ByteBuffer.allocate(4 * 64).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < 64; i++) {
        all[r * 64 + i] = (float) random.nextGaussian();
        row.putFloat(all[r * 64 + i]);
      }
      rows.add(row.array());
    }
    VectorQuantizerModel model =
        new VectorQuantizer()
            .setInputCol("x")
            .setOutputCol("codes")
            .setFormat(VectorFormat.UINT8)
            .fit(table(rows, 3));
    List<Row> coded = model.transform(table(rows, 4)).collectAsList();
    assertThat(coded).hasSize(900);
    io.narrow.kernels.VectorQuantizer quantizer =
        io.narrow.kernels.VectorQuantizer.of(VectorFormat.UINT8, 64);
    VectorCodec codec = quantizer.codec(quantizer.fit(Span.of(all)));
    for (Row row : coded) {
      FloatBuffer x =
          ByteBuffer.wrap((byte[]) row.get(0)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      float[] values = new float[64];
      x.get(values);
      byte[] codes = new byte[64];
      codec.apply(Span.of(values), Span.of(codes));
      assertThat((byte[]) row.get(1)).isEqualTo(codes);
    }
    SortedMap<String, String> report = ExecutorKernels.report(spark);
    assertThat(report.keySet())
        .as("the first two are not alone")
        .anyMatch(id -> !id.matches("[01]"));
    assertThat(report.values()).allMatch(line -> line.startsWith(Kernels.active().name() + ": "));
  }

  @Test
  void whatExecutorsSayIsTheLine() throws Exception {
    List<byte[]> samples = new ArrayList<>(samples());
    samples.set(3, new byte[12]);
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(
            () ->
                DistributedCalibration.calibrate(
                    spark, MODEL, Samples.ofColumn(table(samples, 2), "x"), RangeMethod.AUTO))
        .withMessageStartingWith("column `x`: [0.0, 0.0, 0.0] has 3 values, ");
    Path noModel = Files.writeString(directory.resolve("no.tflite"), "nothing");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(
            () ->
                DistributedCalibration.calibrate(
                    spark, noModel, Samples.ofColumn(table(samples(), 2), "x"), RangeMethod.AUTO))
        .withMessageContaining("no.tflite");
    Path unknown = Files.write(directory.resolve("unknown.tflite"), unknown());
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(
            () ->
                DistributedCalibration.calibrate(
                    spark, unknown, Samples.ofColumn(table(samples(), 2), "x"), RangeMethod.AUTO))
        .withMessageMatching("unknown.tflite: TFLite \\S+ refuses this model: .*");
    samples.set(3, ByteBuffer.allocate(samples.get(0).length).putInt(20, 0xc07f).array());
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(
            () ->
                DistributedCalibration.calibrate(
                    spark, MODEL, Samples.ofColumn(table(samples, 2), "x"), RangeMethod.AUTO))
        .withMessageContaining("NaN");
  }

  /** The model with CONCAT_EMBEDDINGS, which no runtime has, in place of its convolutions. */
  private static byte[] unknown() throws Exception {
    ByteBuffer model = ByteBuffer.wrap(Files.readAllBytes(MODEL)).order(ByteOrder.LITTLE_ENDIAN);
    int codes = field(model, model.getInt(0), 1);
    int vector = codes + model.getInt(codes);
    int first = vector + 4 + model.getInt(vector + 4);
    model.put(field(model, first, 0), (byte) 29).putInt(field(model, first, 3), 29);
    return model.array();
  }

  /** Where a field of a table of FlatBuffers is. */
  private static int field(ByteBuffer file, int table, int number) {
    int offsets = table - file.getInt(table);
    return table + file.getShort(offsets + 4 + 2 * number);
  }
}
