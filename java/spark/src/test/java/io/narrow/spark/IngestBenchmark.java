package io.narrow.spark;

import com.sun.management.OperatingSystemMXBean;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.VectorFormat;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import scala.collection.Seq;

/**
 * Vectors from Parquet to int8 codes in Parquet, beside Spark's own ways and a copy of the column:
 * all take turns. A measurement, not a test: see docs/benchmarks.md.
 */
@EnabledIfSystemProperty(named = "narrow.ingest.rows", matches = "\\d+")
class IngestBenchmark {
  private static final int DIMENSIONS = Integer.getInteger("narrow.ingest.dimensions", 768);
  private static final int ROWS_IN_FILE = 62_500;

  private interface Job {
    Dataset<Row> run(Dataset<Row> table);
  }

  @Test
  void turns() {
    long rows = Long.getLong("narrow.ingest.rows");
    Pattern wanted = Pattern.compile(System.getProperty("narrow.ingest.jobs", ""));
    int rounds = Integer.getInteger("narrow.ingest.rounds", 2);
    Path directory = Path.of(System.getProperty("narrow.ingest.directory", "target/ingest"));
    String input = directory.resolve("floats-" + rows + "-" + DIMENSIONS).toString();
    SparkSession spark = Sessions.local();
    spark
        .range(0, rows, 1, (int) Math.max(8, rows / ROWS_IN_FILE))
        .map((MapFunction<Long, byte[]>) IngestBenchmark::halves, Encoders.BINARY())
        .selectExpr(
            "monotonically_increasing_id() AS id",
            "narrow_unpack(value, 'FLOAT16', " + DIMENSIONS + ") AS v")
        .write()
        .mode("ignore")
        .parquet(input);
    Dataset<Row> table = spark.read().parquet(input);
    VectorQuantizerModel model =
        new VectorQuantizer()
            .setInputCol("v")
            .setOutputCol("codes")
            .setFormat(VectorFormat.INT8)
            .setClip(true)
            .fit(table);
    Map<String, Job> jobs = new LinkedHashMap<>();
    jobs.put("copy of the column", all -> all.select("id", "v"));
    jobs.put("narrow, " + Kernels.active().name(), all -> model.transform(all).drop("v"));
    jobs.put(
        "narrow, fit and transform",
        all ->
            new VectorQuantizer()
                .setInputCol("v")
                .setOutputCol("codes")
                .fit(all)
                .transform(all)
                .drop("v"));
    model.register(spark, "to_int8");
    jobs.put("narrow, function of SQL", all -> all.selectExpr("id", "to_int8(v) AS codes"));
    spark.udf().register("udf_int8", udf(), DataTypes.BinaryType);
    jobs.put("UDF in Java", all -> all.selectExpr("id", "udf_int8(v) AS codes"));
    jobs.put(
        "transform in SQL",
        all ->
            all.select(
                functions.col("id"),
                functions.expr(
                    "transform(v, x -> cast(greatest(-128, least(127, rint(x * 127.5D - 0.5D))) AS"
                        + " TINYINT)) AS codes")));
    jobs.keySet().removeIf(name -> !wanted.matcher(name).find());
    Map<String, Cost> best = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      jobs.forEach(
          (name, job) -> {
            Cost cost =
                Cost.of(
                    () ->
                        job.run(spark.read().parquet(input))
                            .write()
                            .mode("overwrite")
                            .parquet(directory.resolve("codes").toString()));
            System.out.printf("%-28s %s%n", name, cost);
            best.merge(name, cost, Cost::least);
          });
    }
    Cost copy = best.getOrDefault("copy of the column", new Cost(Double.NaN, Double.NaN, 0));
    best.forEach(
        (name, cost) ->
            System.out.printf(
                "%-28s %s, of copying %.2f, processor %.2f%n",
                name, cost, cost.seconds / copy.seconds, cost.processor / copy.processor));
    spark.stop();
  }

  /**
   * What a job took.
   *
   * @param processor seconds of all threads of the process
   * @param heap the most that was in use after a collection, MiB
   */
  private record Cost(double seconds, double processor, long heap) {
    static Cost of(Runnable job) {
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      AtomicLong most = new AtomicLong();
      Thread watch = new Thread(() -> watch(most));
      watch.setDaemon(true);
      watch.start();
      long start = System.nanoTime();
      long processor = system.getProcessCpuTime();
      job.run();
      Cost cost =
          new Cost(
              (System.nanoTime() - start) * 1e-9,
              (system.getProcessCpuTime() - processor) * 1e-9,
              most.get() >> 20);
      watch.interrupt();
      return cost;
    }

    private static void watch(AtomicLong most) {
      try {
        while (true) {
          Thread.sleep(200);
          long used =
              ManagementFactory.getMemoryPoolMXBeans().stream()
                  .filter(pool -> pool.getCollectionUsage() != null)
                  .mapToLong(pool -> pool.getCollectionUsage().getUsed())
                  .sum();
          most.accumulateAndGet(used, Math::max);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    static Cost least(Cost a, Cost b) {
      return new Cost(
          Math.min(a.seconds, b.seconds),
          Math.min(a.processor, b.processor),
          Math.max(a.heap, b.heap));
    }

    @Override
    public String toString() {
      return "%8.1f s, processor %8.1f s, heap %4d MiB".formatted(seconds, processor, heap);
    }
  }

  /** Random float16 below 2. */
  private static byte[] halves(long row) {
    byte[] bytes = new byte[2 * DIMENSIONS];
    new Random(row).nextBytes(bytes);
    for (int i = 1; i < bytes.length; i += 2) {
      bytes[i] &= (byte) 0xbf;
    }
    return bytes;
  }

  private static UDF1<Seq<Float>, byte[]> udf() {
    return vector -> {
      byte[] codes = new byte[vector.size()];
      for (int i = 0; i < codes.length; i++) {
        double rounded = Math.rint(vector.apply(i) * 127.5 - 0.5);
        codes[i] = (byte) Math.max(-128, Math.min(127, rounded));
      }
      return codes;
    };
  }
}
