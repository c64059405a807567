package io.narrow.spark;

import io.narrow.kernels.Kernels;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/** Which kernels executors run: what to look at first where a job is slow. */
public final class ExecutorKernels {
  private ExecutorKernels() {}

  /**
   * Runs a small job of some tasks per core.
   *
   * @return of each executor that took part, the name of its kernels and what loading them came to
   */
  public static SortedMap<String, String> report(SparkSession session) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    int tasks = 4 * context.defaultParallelism();
    List<Integer> numbers = new ArrayList<>(IntStream.range(0, tasks).boxed().toList());
    SortedMap<String, String> found = new TreeMap<>();
    for (Tuple2<String, String> each :
        context
            .parallelize(numbers, tasks)
            .map(
                number -> {
                  Thread.sleep(50); // or one executor would take them all
                  return new Tuple2<>(
                      SparkEnv.get().executorId(),
                      Kernels.active().name() + ": " + Kernels.loading());
                })
            .collect()) {
      found.put(each._1(), each._2());
    }
    return found;
  }
}
