package io.narrow.spark;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** Spark for tests. */
final class Sessions {
  private Sessions() {}

  /** Hadoop 3.4 in Spark 4.0 asks for a SecurityManager, which JDK 24 took away. */
  static void assumeSpark() {
    int feature = Runtime.version().feature();
    assumeTrue(
        feature < 24, "Spark 4.0 runs on JDK 17 and 21 (Subject.getSubject), this is " + feature);
  }

  static SparkSession local() {
    assumeSpark();
    return start("local[2]");
  }

  /** Two executors in processes of their own. */
  static SparkSession cluster() throws IOException {
    assumeSpark();
    Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
    return start("local-cluster[2,1,1024]");
  }

  private static SparkSession start(String master) {
    return SparkSession.builder()
        .master(master)
        .config("spark.ui.enabled", false)
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.memory", "512m")
        .config("spark.sql.extensions", SqlFunctions.class.getName())
        .config(
            "spark.sql.warehouse.dir", Path.of("target", "warehouse").toAbsolutePath().toString())
        .getOrCreate();
  }
}
