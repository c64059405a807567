package io.narrow.spark;

import io.narrow.kernels.VectorFormat;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.RangeMethod;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** A job where libraries may not be loaded. Arguments: the model; a folder for the codes. */
public final class NoexecJob {
  private NoexecJob() {}

  public static void main(String[] arguments) {
    SparkSession spark = SparkSession.builder().getOrCreate();
    StructType schema =
        new StructType().add("id", DataTypes.IntegerType).add("x", DataTypes.BinaryType);
    List<Row> rows = new ArrayList<>();
    for (int row = 0; row < StandaloneJob.ROWS; row++) {
      rows.add(RowFactory.create(row, StandaloneJob.bytes(row)));
    }
    Dataset<Row> table = spark.createDataFrame(rows, schema).repartition(2);
    VectorQuantizerModel model =
        new VectorQuantizer()
            .setInputCol("x")
            .setOutputCol("codes")
            .setFormat(VectorFormat.UINT8)
            .fit(table);
    model.transform(table).write().parquet(arguments[1]);
    byte[] codes = new byte[StandaloneJob.ROWS * StandaloneJob.DIMENSIONS];
    for (Row row : spark.read().parquet(arguments[1]).collectAsList()) {
      int at = row.getInt(0) * StandaloneJob.DIMENSIONS;
      System.arraycopy((byte[]) row.get(2), 0, codes, at, StandaloneJob.DIMENSIONS);
    }
    System.out.println("codes " + Arrays.hashCode(codes));
    ExecutorKernels.report(spark)
        .forEach((id, line) -> System.out.println("kernels " + line.replace('\n', ' ')));
    try {
      DistributedCalibration.calibrate(
          spark, Path.of(arguments[0]), Samples.ofColumn(table, "x"), RangeMethod.AUTO);
    } catch (NarrowException e) {
      System.out.println("said " + e.getMessage());
    }
  }
}
