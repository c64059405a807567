package io.narrow.tflite.correction;

import io.narrow.tflite.calibration.Folds;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * What rounding one tensor does to the outputs of a model that computes in float32 otherwise. It
 * walks along the model, and from each tensor runs what follows it on every sample.
 */
final class OutputErrors {
  private final Model model;
  private final Model calibrated;
  private final int entry;
  private final String signature;
  private final Subgraph graph;
  private final Map<Integer, Integer> lastReaders = new HashMap<>();

  /**
   * @param all the model that is run: that which was calibrated, or made from it
   * @param entry number of the subgraph
   */
  OutputErrors(Model all, Model calibrated, int entry) {
    this.model = all.withEntry(entry);
    this.calibrated = calibrated.withEntry(entry);
    this.entry = entry;
    this.signature = all.signatureOf(entry);
    this.graph = model.subgraphs().get(0);
    for (int i = 0; i < graph.operators().size(); i++) {
      for (int tensor : graph.operators().get(i).inputs()) {
        lastReaders.put(tensor, i);
      }
    }
  }

  /**
   * What each tensor does to the outputs: for each way to round it and each sample the squared
   * errors of every output, over those that all tensors rounded the first way make there, summed
   * over the outputs. So each output counts alike in decibels, also one that others would drown.
   *
   * @param tensors numbers of those that are rounded
   * @param ways for each way and each of the {@link Folds} the encodings by tensor
   * @return empty if there are no data, or nothing to judge by
   * @throws io.narrow.tflite.NarrowException if the model cannot be run in parts
   */
  Optional<Map<Integer, double[][]>> of(
      List<Integer> tensors, List<List<Map<Integer, Encoding>>> ways, Datasets data) {
    Map<Integer, double[][][]> errors = new TreeMap<>();
    List<Integer> outputs =
        Arrays.stream(graph.outputs())
            .filter(output -> graph.tensor(output).type() == TensorType.FLOAT32)
            .distinct()
            .boxed()
            .toList();
    if (!Walk.possible(model) || outputs.isEmpty()) {
      return Optional.empty();
    }
    if (tensors.isEmpty()) {
      return Optional.of(Map.of());
    }
    Optional<Samples> read =
        Samples.read(
            model,
            inputs -> data.of(signature, inputs, entry == 0),
            feed -> Folds.judged(calibrated, feed));
    if (read.isEmpty() || read.get().size() == 0) {
      return Optional.empty();
    }
    Samples samples = read.get();
    Samples wanted = samples.copy();
    List<Integer> inputs = Arrays.stream(graph.inputs()).boxed().toList();
    wanted.run(part(0, graph.operators().size(), inputs, outputs), inputs, outputs);
    int next = 0;
    for (int tensor : inOrder(tensors)) {
      int cut = graph.producer(tensor).map(producer -> producer + 1).orElse(0);
      if (cut > next) {
        advance(samples, next, cut);
        next = cut;
      }
      if (samples.has(tensor)) {
        errors.put(tensor, errors(samples, wanted, tensor, cut, outputs, ways));
      }
    }
    return Optional.of(relative(errors, outputs.size()));
  }

  private static Map<Integer, double[][]> relative(Map<Integer, double[][][]> errors, int outputs) {
    double[] totals = new double[outputs];
    for (double[][][] ofTensor : errors.values()) {
      for (int output = 0; output < outputs; output++) {
        totals[output] += DoubleStream.of(ofTensor[0][output]).sum();
      }
    }
    Map<Integer, double[][]> relative = new TreeMap<>();
    errors.forEach(
        (tensor, ofTensor) -> {
          double[][] sums = new double[ofTensor.length][ofTensor[0][0].length];
          for (int way = 0; way < sums.length; way++) {
            for (int output = 0; output < outputs; output++) {
              for (int i = 0; i < sums[way].length && totals[output] > 0; i++) {
                sums[way][i] += ofTensor[way][output][i] / totals[output];
              }
            }
          }
          relative.put(tensor, sums);
        });
    return relative;
  }

  private List<Integer> inOrder(List<Integer> tensors) {
    List<Integer> sorted = new ArrayList<>(tensors);
    sorted.sort((a, b) -> graph.producer(a).orElse(-1) - graph.producer(b).orElse(-1));
    return sorted;
  }

  /** Computes some operators, and keeps what later ones read. */
  private void advance(Samples samples, int from, int to) {
    List<Integer> inputs = read(samples, from, to);
    List<Integer> kept = new ArrayList<>();
    for (Operator operator : graph.operators().subList(from, to)) {
      IntStream.of(operator.outputs())
          .filter(output -> lastReaders.getOrDefault(output, -1) >= to || graph.isOutput(output))
          .forEach(kept::add);
    }
    if (!kept.isEmpty()) {
      samples.run(part(from, to, inputs, kept), inputs, kept);
    }
    samples.forget(tensor -> lastReaders.getOrDefault(tensor, -1) < to && !graph.isOutput(tensor));
  }

  /** What some operators read of what samples hold. */
  private List<Integer> read(Samples samples, int from, int to) {
    Set<Integer> read = new LinkedHashSet<>();
    for (Operator operator : graph.operators().subList(from, to)) {
      IntStream.of(operator.inputs()).filter(samples::has).forEach(read::add);
    }
    return List.copyOf(read);
  }

  private Model part(int from, int to, List<Integer> inputs, List<Integer> outputs) {
    Probe probe = new Probe(model);
    graph.operators().subList(from, to).forEach(probe::compute);
    return probe.finish(inputs, outputs);
  }

  /** The squared errors for each way, output and sample. */
  private double[][][] errors(
      Samples samples,
      Samples wanted,
      int tensor,
      int cut,
      List<Integer> outputs,
      List<List<Map<Integer, Encoding>>> ways) {
    double[][][] errors = new double[ways.size()][outputs.size()][samples.size()];
    List<Integer> inputs = read(samples, cut, graph.operators().size());
    List<Integer> computed =
        outputs.stream().filter(output -> graph.producer(output).orElse(-1) >= cut).toList();
    List<ByteBuffer> exact = samples.contents(tensor);
    for (int way = 0; way < ways.size(); way++) {
      List<byte[]> rounded = new ArrayList<>();
      for (int i = 0; i < samples.size(); i++) {
        rounded.add(round(exact.get(i), ways.get(way).get(i % Folds.COUNT).get(tensor)));
      }
      Samples with = samples.with(tensor, rounded);
      if (!computed.isEmpty()) {
        with.run(part(cut, graph.operators().size(), inputs, computed), inputs, computed);
      }
      for (int output = 0; output < outputs.size(); output++) {
        int number = outputs.get(output);
        if (number == tensor || computed.contains(number)) {
          errors[way][output] = errors(wanted.contents(number), with.contents(number));
        }
      }
    }
    return errors;
  }

  private static double[] errors(List<ByteBuffer> wanted, List<ByteBuffer> found) {
    double[] sums = new double[wanted.size()];
    for (int i = 0; i < sums.length; i++) {
      FloatBuffer expected = floats(wanted.get(i));
      FloatBuffer values = floats(found.get(i));
      for (int j = 0; j < expected.limit(); j++) {
        double error = (double) expected.get(j) - values.get(j);
        sums[i] += error * error;
      }
    }
    return sums;
  }

  private static FloatBuffer floats(ByteBuffer bytes) {
    return bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static byte[] round(ByteBuffer exact, Encoding encoding) {
    FloatBuffer values = floats(exact);
    ByteBuffer rounded = ByteBuffer.allocate(exact.limit()).order(ByteOrder.LITTLE_ENDIAN);
    float scale = encoding.scale();
    for (int i = 0; i < values.limit(); i++) {
      double value = Math.rint(values.get(i) / scale) * scale;
      rounded.putFloat((float) Math.max(encoding.lowest(), Math.min(encoding.highest(), value)));
    }
    return rounded.array();
  }
}
