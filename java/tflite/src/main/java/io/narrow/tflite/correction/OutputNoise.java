package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.ops.Probabilities;
import io.narrow.tflite.runtime.Interpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What files lose at the outputs of a model beside the model itself, from few samples. Of what a
 * softmax or a sigmoid gives nearly all noise comes from the few samples of which a model is not
 * sure. So the errors of what these read are looked at, also each with what the model says of
 * others that it is about as sure of: what is cut off of a value that makes it sure happens to no
 * other.
 */
final class OutputNoise {
  /** By which operator its values come out, and how many belong together. */
  private record Output(Probabilities kind, int classes) {}

  /** With so many samples, itself among them, the errors of each are looked at. */
  private static final int ALIKE = 5;

  private final Model model;
  private final int[] compared;
  private final List<Output> outputs = new ArrayList<>();
  private final List<float[][]> wanted = new ArrayList<>();

  /**
   * @param model in float32, as it was planned
   */
  OutputNoise(Model model) {
    this.model = model.withEntry(0);
    Subgraph graph = graph(this.model);
    this.compared =
        IntStream.range(0, graph.outputs().length)
            .filter(i -> graph.tensor(graph.outputs()[i]).type() == TensorType.FLOAT32)
            .toArray();
    for (int place : compared) {
      outputs.add(output(graph, graph.outputs()[place]));
    }
  }

  private static Subgraph graph(Model model) {
    return model.subgraphs().get(0);
  }

  private static Output output(Subgraph graph, int tensor) {
    Probabilities kind =
        graph
            .producer(tensor)
            .map(number -> kind(graph.operators().get(number)))
            .orElse(Probabilities.NONE);
    Tensor shape = graph.tensor(tensor);
    int classes = shape.rank() == 0 ? 1 : shape.dimension(shape.rank() - 1);
    return new Output(kind, classes);
  }

  private static Probabilities kind(Operator operator) {
    return OpRules.of(operator.name()).probabilities();
  }

  boolean isEmpty() {
    return compared.length == 0;
  }

  /** How many bytes the outputs of a sample take. */
  long bytes() {
    return Arrays.stream(compared)
        .mapToLong(place -> graph(model).tensor(graph(model).outputs()[place]).elements())
        .map(elements -> Math.max(1, elements) * Float.BYTES)
        .sum();
  }

  /** How many products a run takes. */
  double products() {
    double all = 0;
    for (Operator operator : graph(model).operators()) {
      OpRule rule = OpRules.of(operator.name());
      for (int place : rule.weights()) {
        int weights = operator.input(place);
        int output = operator.outputs().length == 0 ? -1 : operator.outputs()[0];
        if (weights >= 0 && output >= 0 && graph(model).tensor(output).rank() > 0) {
          Tensor written = graph(model).tensor(output);
          int last = Math.max(1, written.dimension(written.rank() - 1));
          all +=
              (double) Math.max(1, written.elements())
                  / last
                  * Math.max(1, graph(model).tensor(weights).elements());
        }
      }
    }
    return all;
  }

  /** The model with what is compared as its outputs. */
  Model exposed() {
    return exposed(model);
  }

  /**
   * A file with what is compared as its outputs.
   *
   * @param file made of the model; its outputs have the model's order
   */
  Model exposed(Model file) {
    Model entry = file.withEntry(0);
    Subgraph graph = graph(entry);
    int[] exposed = new int[compared.length];
    for (int i = 0; i < exposed.length; i++) {
      int output = graph.outputs()[compared[i]];
      exposed[i] =
          outputs.get(i).kind == Probabilities.NONE
              ? output
              : read(graph, output, outputs.get(i).kind);
    }
    return entry.part(graph.withOutputs(exposed), entry.buffers());
  }

  /** What an operator before conversions reads. */
  private static int read(Subgraph graph, int output, Probabilities kind) {
    int tensor = output;
    while (graph.producer(tensor).isPresent()) {
      Operator operator = graph.operators().get(graph.producer(tensor).get());
      if (kind(operator) == kind) {
        return operator.input(0);
      }
      if (!OpRules.of(operator.name()).converts()) {
        break;
      }
      tensor = operator.input(0);
    }
    throw NarrowException.unsupported("the outputs of a file are not those of its model");
  }

  /** The values that are compared. */
  float[][] read(Interpreter interpreter) {
    return IntStream.range(0, compared.length).mapToObj(interpreter::read).toArray(float[][]::new);
  }

  /** Takes what the model gave for the next sample. */
  void want(float[][] values) {
    wanted.add(values);
  }

  /**
   * Noise beside the signal, in dB: the mean over the outputs of the logarithms, so that one that
   * hardly errs counts no less than others.
   *
   * @param got for each sample
   * @param paired whether errors before a softmax or sigmoid come out with what the model says of
   *     other samples, too: more is seen of them so
   */
  double decibels(List<float[][]> got, boolean paired) {
    double sum = 0;
    int counted = 0;
    for (int i = 0; i < compared.length; i++) {
      double[] powers = powers(i, got, paired);
      if (powers[0] > 0) {
        sum += 10 * Math.log10(Math.max(powers[1] / powers[0], 1e-20));
        counted++;
      }
    }
    return counted == 0 ? 0 : sum / counted;
  }

  /** Signal and noise of an output. */
  private double[] powers(int output, List<float[][]> got, boolean paired) {
    int samples = wanted.size();
    boolean alone = outputs.get(output).kind == Probabilities.NONE || !paired;
    int[] order = alone ? IntStream.range(0, samples).toArray() : bySureness(output);
    int alike = alone ? 1 : Math.min(ALIKE, samples);
    double signal = 0;
    double noise = 0;
    for (int place = 0; place < samples; place++) {
      double[] exact = exact(wanted.get(order[place])[output], outputs.get(output));
      for (double value : exact) {
        signal += value * value;
      }
      int first = Math.max(0, Math.min(samples - alike, place - alike / 2));
      for (int i = first; i < first + alike; i++) {
        int other = order[i];
        noise += noise(exact, wanted.get(other)[output], got.get(other)[output], output) / alike;
      }
    }
    return new double[] {signal, noise};
  }

  /** The samples, those first of which the model is surest. */
  private int[] bySureness(int output) {
    double[] doubt =
        wanted.stream()
            .mapToDouble(
                values ->
                    Arrays.stream(exact(values[output], outputs.get(output)))
                        .map(p -> p * (1 - p))
                        .sum())
            .toArray();
    return IntStream.range(0, doubt.length)
        .boxed()
        .sorted(Comparator.comparingDouble(sample -> doubt[sample]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** What the model gives where its last operator reads these values. */
  private static double[] exact(float[] values, Output output) {
    double[] exact = new double[values.length];
    for (int i = 0; i < exact.length; i++) {
      exact[i] = output.kind == Probabilities.LOGISTIC ? 1 / (1 + Math.exp(-values[i])) : values[i];
    }
    for (int row = 0;
        output.kind == Probabilities.SOFTMAX && row < exact.length;
        row += output.classes) {
      int end = row + output.classes;
      double largest = Arrays.stream(exact, row, end).max().orElse(0);
      double sum = 0;
      for (int i = row; i < end; i++) {
        exact[i] = Math.exp(exact[i] - largest);
        sum += exact[i];
      }
      for (int i = row; i < end; i++) {
        exact[i] /= sum;
      }
    }
    return exact;
  }

  /** What errors of what is read, of any sample, do to what the model gives. */
  private double noise(double[] exact, float[] wanted, float[] got, int output) {
    if (wanted.length != exact.length || got.length != exact.length) {
      throw NarrowException.unsupported("outputs of samples differ in shape");
    }
    double[] errors =
        IntStream.range(0, got.length).mapToDouble(i -> (double) got[i] - wanted[i]).toArray();
    Output last = outputs.get(output);
    if (last.kind == Probabilities.SOFTMAX) {
      return SoftmaxNoise.noise(exact, errors, last.classes);
    }
    double noise = 0;
    for (int i = 0; i < exact.length; i++) {
      double error =
          errors[i] * (last.kind == Probabilities.LOGISTIC ? exact[i] * (1 - exact[i]) : 1);
      noise += error * error;
    }
    return noise;
  }
}
