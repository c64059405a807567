package io.narrow.tflite.evaluation;

import io.narrow.kernels.ErrorSums;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;

/** One model under evaluation, and what has been counted so far. */
final class ModelRun {
  private static final int TOP = 5;

  private final Path file;
  private final Model model;
  private final boolean xnnpack;
  private final Interpreter interpreter;
  private final int[] inputs; // for each input the place in a sample
  private final int output;
  private final long[] nanos;
  private final InputRanges ranges;
  private int runs;
  private int labelled;
  private int correct;
  private int amongTop;
  private int lost;
  private int gained;
  private int classes;
  private boolean rankable;
  private int agreeing;
  private double signal;
  private double noise;

  ModelRun(
      Path file, boolean xnnpack, Interpreter interpreter, int[] inputs, int output, int samples) {
    this.file = file;
    this.model = Model.read(file);
    this.xnnpack = xnnpack;
    this.interpreter = interpreter;
    this.inputs = inputs;
    this.output = output;
    this.nanos = new long[samples];
    this.ranges = new InputRanges(model, inputs);
  }

  /** A run that does not count. */
  void warmUp(Sample sample) {
    fill(sample);
    interpreter.run();
  }

  /** Runs the model on a sample and gives its first output. */
  float[] run(Sample sample) {
    fill(sample);
    ranges.see(sample);
    long start = System.nanoTime();
    interpreter.run();
    nanos[runs++] = System.nanoTime() - start;
    return interpreter.read(output);
  }

  // Samples do not follow each other in time: state that a model keeps is not to leak into the
  // next.
  private void fill(Sample sample) {
    interpreter.resetVariableTensors();
    for (int i = 0; i < inputs.length; i++) {
      sample.inputs().get(inputs[i]).writeTo(interpreter, i);
    }
  }

  /** Counts an output against the first model's and the label. */
  void score(float[] values, float[] reference, Sample sample) {
    if (values.length != reference.length || values.length == 0) {
      throw NarrowException.input(
          file
              + ": output "
              + interpreter.outputs().get(output)
              + " has "
              + values.length
              + " values, that of the first model "
              + reference.length);
    }
    classes = Math.max(values.length, 2);
    int predicted = Evaluation.predicted(values);
    int first = Evaluation.predicted(reference);
    if (predicted == first) {
      agreeing++;
    }
    for (int i = 0; i < values.length; i++) {
      double difference = (double) reference[i] - values[i];
      signal += (double) reference[i] * reference[i];
      noise += difference * difference;
    }
    if (sample.label() != Sample.NO_LABEL) {
      sample.checkLabel(file.toString(), interpreter.outputs().get(output), values.length);
      scoreLabel(values, predicted, first, sample.label());
    }
  }

  private void scoreLabel(float[] values, int predicted, int first, int label) {
    labelled++;
    rankable = values.length > TOP;
    if (predicted == label) {
      correct++;
      gained += first == label ? 0 : 1;
    } else if (first == label) {
      lost++;
    }
    if (rankable && rank(values, label) < TOP) {
      amongTop++;
    }
  }

  Evaluation result() {
    return new Evaluation(
        file,
        runs,
        share(correct, labelled > 0),
        share(amongTop, rankable),
        (double) agreeing / runs,
        Evaluation.sqnrDb(new ErrorSums(signal, noise)),
        labelled > 0 ? Optional.of(new PairedDifference(labelled, lost, gained)) : Optional.empty(),
        classes,
        Latency.of(nanos),
        new Leftovers(model, xnnpack).reasons(interpreter.delegated()),
        ranges.result(),
        size(file));
  }

  private OptionalDouble share(int count, boolean known) {
    return known ? OptionalDouble.of((double) count / labelled) : OptionalDouble.empty();
  }

  /** How many values come before that of {@code label}, largest first, equal ones in order. */
  static int rank(float[] values, int label) {
    int rank = 0;
    for (int i = 0; i < values.length; i++) {
      if (values[i] > values[label] || (values[i] == values[label] && i < label)) {
        rank++;
      }
    }
    return rank;
  }

  static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT, file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
