package io.narrow.tflite.autotune;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.correction.SoftmaxNoise;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.PairedDifference;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.ops.Probabilities;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Runs files on the samples that they are judged by, beside what the model gave, which is run once.
 * Inputs and outputs have the model's order and names, as all recipes leave them.
 */
final class Judge {
  /** How much memory the samples and the model's outputs may take. */
  private static final long MEMORY = 256 << 20;

  private final String name;
  private final Interpreter.Options options;
  private final List<TensorInfo> inputs;
  private final List<Sample> samples = new ArrayList<>();
  private final List<float[][]> wanted = new ArrayList<>();
  private final int[] outputs; // those that are compared
  private final int[] classes; // of those that a softmax gives, 0 of others
  private final Outcome model;

  /**
   * Runs the model.
   *
   * @param most at most so many samples, and no more than fit in 256 MiB
   * @throws NarrowException if the data do not fit it, or it cannot be run
   */
  Judge(Model model, Dataset data, int most, Interpreter.Options options) {
    this.options = options;
    this.name = model.name();
    try (RunnableModel runnable = RunnableModel.of(model);
        Interpreter interpreter = runnable.open(options)) {
      this.inputs = interpreter.inputs();
      List<Sample> given = data.samples(inputs);
      this.outputs = compared(model, interpreter.outputs());
      this.classes = Arrays.stream(outputs).map(output -> classes(model, output)).toArray();
      long size =
          4 * inputs.stream().mapToLong(TensorInfo::elements).sum()
              + 4 * interpreter.outputs().stream().mapToLong(TensorInfo::elements).sum();
      long count = Math.min(Math.min(given.size(), most), Math.max(1, MEMORY / Math.max(1, size)));
      for (int i = 0; i < count; i++) {
        samples.add(given.get(i));
      }
      this.model = run(runnable.size(), interpreter, samples.size(), new ArrayList<>());
    }
  }

  private static int[] compared(Model model, List<TensorInfo> outputs) {
    int[] real = IntStream.range(0, outputs.size()).filter(o -> outputs.get(o).real()).toArray();
    if (real.length == 0) {
      throw NarrowException.unsupported(
          model.name() + ": has no output of real numbers to judge by");
    }
    return real;
  }

  private static int classes(Model model, int output) {
    Subgraph graph = model.subgraphs().get(0);
    Tensor tensor = graph.tensor(graph.outputs()[output]);
    boolean softmax =
        tensor.type() == TensorType.FLOAT32
            && graph
                .producer(graph.outputs()[output])
                .map(producer -> OpRules.of(graph.operators().get(producer).name()).probabilities())
                .filter(kind -> kind == Probabilities.SOFTMAX)
                .isPresent();
    return softmax && tensor.rank() > 0 ? tensor.dimension(tensor.rank() - 1) : 0;
  }

  /** The inputs of the model. */
  List<TensorInfo> inputs() {
    return inputs;
  }

  /** How many samples there are. */
  int samples() {
    return samples.size();
  }

  /** What came out of the model itself. */
  Outcome model() {
    return model;
  }

  /**
   * Runs a file.
   *
   * @param first on so many samples, or all if there are fewer
   * @throws NarrowException if it cannot be run
   */
  Outcome run(Model file, int first) {
    return run(file, first, new ArrayList<>());
  }

  /**
   * As {@link #run}, to guess the noise from few samples.
   *
   * @param logarithms whether what a softmax gives is exact, so that its logarithms tell errors
   */
  Outcome guess(Model file, int first, boolean logarithms) {
    List<float[][]> got = new ArrayList<>();
    Outcome outcome = run(file, first, got);
    double share = 0;
    for (int o = 0; o < outputs.length; o++) {
      int output = o;
      share +=
          logarithms && classes[o] > 0
              ? SoftmaxNoise.share(
                  wanted.subList(0, got.size()).stream().map(each -> each[output]).toList(),
                  got.stream().map(each -> each[output]).toList(),
                  classes[o])
              : outcome.noiseShare(o);
    }
    return outcome.withGuess(share);
  }

  private Outcome run(Model file, int first, List<float[][]> results) {
    try (RunnableModel runnable = RunnableModel.of(file);
        Interpreter interpreter = runnable.open(options)) {
      return run(runnable.size(), interpreter, Math.min(first, samples.size()), results);
    }
  }

  private Outcome run(long bytes, Interpreter interpreter, int count, List<float[][]> results) {
    double[][] signal = new double[outputs.length][count];
    double[][] noise = new double[outputs.length][count];
    int[] said = new int[count];
    long[] nanos = new long[count];
    fill(interpreter, samples.get(0));
    interpreter.run(); // which prepares more than it computes
    for (int s = 0; s < count; s++) {
      fill(interpreter, samples.get(s));
      long start = System.nanoTime();
      interpreter.run();
      nanos[s] = System.nanoTime() - start;
      float[][] got = new float[outputs.length][];
      for (int o = 0; o < outputs.length; o++) {
        got[o] = interpreter.read(outputs[o]);
      }
      results.add(got);
      if (wanted.size() == s) {
        wanted.add(got); // the model runs first
      }
      for (int o = 0; o < outputs.length; o++) {
        compare(wanted.get(s)[o], got[o], signal[o], noise[o], s);
      }
      said[s] = got[0].length == 0 ? 0 : Evaluation.predicted(got[0]);
      samples.get(s).checkLabel(name, interpreter.outputs().get(outputs[0]), got[0].length);
    }
    return new Outcome(bytes, signal, noise, said, nanos);
  }

  private static void fill(Interpreter interpreter, Sample sample) {
    interpreter.resetVariableTensors();
    for (int i = 0; i < sample.inputs().size(); i++) {
      sample.inputs().get(i).writeTo(interpreter, i);
    }
  }

  private static void compare(float[] x, float[] y, double[] signal, double[] noise, int sample) {
    if (x.length != y.length) {
      throw NarrowException.input(
          "an output has " + y.length + " values where that of the model has " + x.length);
    }
    for (int i = 0; i < x.length; i++) {
      double difference = (double) x[i] - y[i];
      signal[sample] += (double) x[i] * x[i];
      noise[sample] += difference * difference;
    }
  }

  /** An outcome as people are told it. */
  Trial trial(String name, Recipe recipe, Map<Choice, Integer> encodings, Outcome outcome) {
    int count = outcome.classes().length;
    int agreeing = 0;
    int labelled = 0;
    int correct = 0;
    int lost = 0;
    int gained = 0;
    for (int s = 0; s < count; s++) {
      int label = samples.get(s).label();
      boolean right = outcome.classes()[s] == label;
      boolean before = model.classes()[s] == label;
      agreeing += outcome.classes()[s] == model.classes()[s] ? 1 : 0;
      labelled += label == Sample.NO_LABEL ? 0 : 1;
      correct += right ? 1 : 0;
      lost += before && !right ? 1 : 0;
      gained += right && !before ? 1 : 0;
    }
    return new Trial(
        name,
        recipe,
        encodings,
        outcome.bytes(),
        count,
        outcome.sqnrDb(),
        (double) agreeing / count,
        labelled == 0 ? OptionalDouble.empty() : OptionalDouble.of((double) correct / labelled),
        labelled == 0
            ? Optional.empty()
            : Optional.of(new PairedDifference(labelled, lost, gained)),
        outcome.millis());
  }
}
