package io.narrow.spark;

import io.narrow.kernels.VectorFormat;
import java.util.List;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Writes a model, then serves until it is ended. Argument: where the model goes. */
public final class ConnectServer {
  private ConnectServer() {}

  public static void main(String[] arguments) throws Exception {
    SparkSession spark = SparkSession.builder().getOrCreate();
    StructType schema =
        new StructType().add("x", DataTypes.createArrayType(DataTypes.FloatType, false));
    new VectorQuantizer()
        .setInputCol("x")
        .setOutputCol("codes")
        .setFormat(VectorFormat.INT8)
        .fit(
            spark.createDataFrame(
                List.of(
                    RowFactory.create(List.of(-100f, 0f)), RowFactory.create(List.of(155f, 255f))),
                schema))
        .save(arguments[0]);
    // Not among the classes that tests are compiled with, as its names are those of others.
    Class<?> service = Class.forName("org.apache.spark.sql.connect.service.SparkConnectService$");
    Object only = service.getField("MODULE$").get(null);
    service
        .getMethod("start", org.apache.spark.SparkContext.class)
        .invoke(only, spark.sparkContext());
    System.out.println("serving " + service.getMethod("localPort").invoke(only));
    Thread.currentThread().join();
  }
}
