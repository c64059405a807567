package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;

/**
 * Evaluates models on the samples of a table. Counts are whole and sums exact, so that no digit
 * depends on the partitions, or on which of them had to be computed again.
 */
public final class DistributedEvaluation {
  private DistributedEvaluation() {}

  /**
   * How good a model is, of its first output.
   *
   * @param model the name of its file
   * @param samples how many samples it was run on
   * @param accuracy share of the samples whose label has the largest value (the first, if several
   *     are equally large); of a single value, whether 0.5 or more stands for label 1. Empty if
   *     there are no labels
   * @param agreement share of the samples for which it says the same class as the first model
   * @param sqnrDb ratio of the first model's signal to this one's noise in decibels; infinite if
   *     they are equal, minus infinity if a value is not finite
   */
  public record Score(
      String model, long samples, OptionalDouble accuracy, double agreement, double sqnrDb) {}

  /** A model as tasks get it. */
  record File(String name, byte[] bytes) implements Serializable {
    static File read(Path file) {
      try {
        return new File(file.getFileName().toString(), Files.readAllBytes(file));
      } catch (IOException e) {
        throw new NarrowException(
            NarrowException.Kind.INPUT, file + ": cannot be read: " + e.getMessage(), e);
      }
    }
  }

  /**
   * Runs models on samples, each on every sample.
   *
   * @param models files, of which the first is the one that the others are compared with
   * @return a score of each, in their order
   * @throws NarrowException if a model cannot be read or run, or a sample does not fit: what an
   *     executor said
   */
  public static List<Score> evaluate(SparkSession session, List<Path> models, Samples samples) {
    return scores(session, models.stream().map(File::read).toList(), samples);
  }

  static List<Score> scores(SparkSession session, List<File> models, Samples samples) {
    if (models.isEmpty()) {
      throw new IllegalArgumentException("no models");
    }
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    Broadcast<List<File>> files = context.broadcast(new ArrayList<>(models));
    try {
      ScoringTask task = new ScoringTask(files, samples.spill(), samples.label().orElse(-1));
      List<ScoringTask.Counts> parts =
          Failures.unwrapped(() -> samples.rows().mapPartitions(task::run).collect());
      if (parts.isEmpty()) {
        throw NarrowException.input("there are no samples");
      }
      ScoringTask.Counts all = new ScoringTask.Counts(models.size());
      parts.forEach(all::add);
      List<Score> scores = new ArrayList<>();
      for (int m = 0; m < models.size(); m++) {
        scores.add(all.score(m, models.get(m).name()));
      }
      return scores;
    } finally {
      files.destroy();
    }
  }
}
