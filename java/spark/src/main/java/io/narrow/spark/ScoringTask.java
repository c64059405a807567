package io.narrow.spark;

import io.narrow.kernels.ErrorSums;
import io.narrow.spark.DistributedEvaluation.File;
import io.narrow.spark.DistributedEvaluation.Score;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.observation.ExactSums;
import io.narrow.tflite.runtime.Interpreter;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;

/** Runs all models on the samples of a partition, each on an interpreter that is kept. */
final class ScoringTask implements Serializable {
  private static final long serialVersionUID = 1;

  private final Broadcast<List<File>> models;
  private final Samples.Spill spill;
  private final int label; // ordinal of the column, -1 if there is none

  ScoringTask(Broadcast<List<File>> models, Samples.Spill spill, int label) {
    this.models = models;
    this.spill = spill;
    this.label = label;
  }

  /** What was counted, of every model. */
  static final class Counts implements Serializable {
    private static final long serialVersionUID = 1;

    private long samples;
    private long labelled;
    private final long[] correct;
    private final long[] agreeing;
    private final boolean[] finite;
    private final ExactSums sums; // of each model signal and noise

    Counts(int models) {
      correct = new long[models];
      agreeing = new long[models];
      finite = new boolean[models];
      Arrays.fill(finite, true);
      sums = new ExactSums(2 * models);
    }

    void add(Counts other) {
      samples += other.samples;
      labelled += other.labelled;
      for (int m = 0; m < correct.length; m++) {
        correct[m] += other.correct[m];
        agreeing[m] += other.agreeing[m];
        finite[m] &= other.finite[m];
      }
      sums.add(other.sums);
    }

    void add(int model, float[] first, float[] values, int label) {
      int predicted = Evaluation.predicted(values);
      agreeing[model] += Evaluation.predicted(first) == predicted ? 1 : 0;
      correct[model] += label >= 0 && predicted == label ? 1 : 0;
      for (int i = 0; i < values.length; i++) {
        double difference = (double) first[i] - values[i];
        if (Double.isFinite(difference)) {
          sums.add(2 * model, (double) first[i] * first[i]);
          sums.add(2 * model + 1, difference * difference);
        } else {
          finite[model] = false;
        }
      }
    }

    Score score(int model, String name) {
      double[] means = sums.means(1);
      double sqnr = new ErrorSums(means[2 * model], means[2 * model + 1]).sqnr();
      return new Score(
          name,
          samples,
          labelled > 0
              ? OptionalDouble.of((double) correct[model] / labelled)
              : OptionalDouble.empty(),
          (double) agreeing[model] / samples,
          finite[model] ? sqnr : Double.NEGATIVE_INFINITY);
    }
  }

  Iterator<Counts> run(Iterator<InternalRow> rows) {
    try (SampleFiles files = new SampleFiles()) {
      return files.naming(() -> run(rows, files)).stream().iterator();
    }
  }

  private Optional<Counts> run(Iterator<InternalRow> rows, SampleFiles files) {
    List<Interpreter> interpreters = new ArrayList<>();
    try {
      for (File model : models.value()) {
        interpreters.add(
            Interpreter.open(
                files.file(interpreters.size() + "_" + model.name(), model.bytes()),
                Interpreter.Options.DEFAULT));
      }
      List<Integer> labels = new ArrayList<>();
      Optional<String> spec =
          spill.write(files, noting(rows, labels), interpreters.get(0).inputs());
      return spec.map(found -> counted(found, interpreters, labels));
    } finally {
      interpreters.forEach(Interpreter::close);
    }
  }

  private Iterator<InternalRow> noting(Iterator<InternalRow> rows, List<Integer> labels) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return rows.hasNext();
      }

      @Override
      public InternalRow next() {
        InternalRow row = rows.next();
        if (label >= 0 && row.isNullAt(label)) {
          throw NarrowException.input("a label is null");
        }
        labels.add(label >= 0 ? row.getInt(label) : Sample.NO_LABEL);
        return row;
      }
    };
  }

  private Counts counted(String spec, List<Interpreter> interpreters, List<Integer> labels) {
    List<Sample> given = Dataset.open(spec).samples(interpreters.get(0).inputs());
    Counts counts = new Counts(interpreters.size());
    for (int i = 0; i < given.size(); i++) {
      Sample sample = given.get(i);
      float[] first = {};
      for (int m = 0; m < interpreters.size(); m++) {
        Interpreter interpreter = interpreters.get(m);
        interpreter.resetVariableTensors();
        for (int k = 0; k < interpreter.inputs().size(); k++) {
          sample.inputs().get(k).writeTo(interpreter, k);
        }
        interpreter.run();
        float[] values = interpreter.read(0);
        first = m == 0 ? values : first;
        if (values.length != first.length || labels.get(i) >= Math.max(2, values.length)) {
          throw NarrowException.input(
              "%s: its first output has %s values, that of the first model %s, and a label is %s"
                  .formatted(
                      models.value().get(m).name(), values.length, first.length, labels.get(i)));
        }
        counts.add(m, first, values, labels.get(i));
      }
      counts.samples++;
      counts.labelled += labels.get(i) >= 0 ? 1 : 0;
    }
    return counts;
  }
}
