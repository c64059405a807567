package io.narrow.spark;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A client of Spark Connect, which has nothing of this project. Arguments: the server's port; what
 * to select.
 */
public final class ConnectClient {
  private ConnectClient() {}

  public static void main(String[] arguments) {
    SparkSession spark =
        SparkSession.builder()
            .config("spark.api.mode", "connect")
            .remote("sc://127.0.0.1:" + arguments[0])
            .getOrCreate();
    for (int i = 1; i < arguments.length; i++) {
      try {
        for (Row row : spark.sql(arguments[i]).collectAsList()) {
          System.out.println("row " + row.mkString(" "));
        }
      } catch (Exception e) {
        System.out.println("said " + e.getMessage().lines().findFirst().orElse(""));
      }
    }
  }
}
