package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.NdArray;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Tensors of several samples, by number: at first the inputs of a model, then what parts of the
 * model have computed from them.
 */
final class Samples {
  static final Interpreter.Options UNCHECKED = Interpreter.Options.DEFAULT.withChecked(false);

  /** Nothing is run: XNNPACK would only copy the weights. */
  static final Interpreter.Options GIVEN = UNCHECKED.withXnnpack(false);

  private final List<Map<Integer, byte[]>> samples;

  private Samples(List<Map<Integer, byte[]>> samples) {
    this.samples = samples;
  }

  /**
   * Reads samples.
   *
   * @param data those for these inputs, if there are any
   * @param most the largest number of samples to take; of more, those are taken whose contents have
   *     the smallest hashes, so that the order of the data makes no difference
   */
  static Optional<Samples> read(
      Model model, Function<List<TensorInfo>, Optional<Dataset>> data, int most) {
    int[] inputs = model.subgraphs().get(0).inputs();
    List<Map<Integer, byte[]>> samples = new ArrayList<>();
    try (RunnableModel runnable = RunnableModel.of(model);
        Interpreter interpreter = runnable.open(GIVEN)) {
      Optional<Dataset> found = data.apply(interpreter.inputs());
      if (found.isEmpty()) {
        return Optional.empty();
      }
      List<Sample> given = found.get().samples(interpreter.inputs());
      for (int index : choose(given, most)) {
        Sample sample = given.get(index);
        Map<Integer, byte[]> contents = new HashMap<>();
        for (int i = 0; i < inputs.length; i++) {
          sample.inputs().get(i).writeTo(interpreter, i);
          contents.put(inputs[i], bytes(interpreter.input(i)));
        }
        samples.add(contents);
      }
    }
    return Optional.of(new Samples(samples));
  }

  private static int[] choose(List<Sample> given, int most) {
    IntStream all = IntStream.range(0, given.size());
    if (given.size() <= most) {
      return all.toArray();
    }
    long[] hashes = all.mapToLong(i -> hash(given.get(i))).toArray();
    return IntStream.range(0, given.size())
        .boxed()
        .sorted((a, b) -> Long.compareUnsigned(hashes[a], hashes[b]))
        .limit(most)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static long hash(Sample sample) {
    long hash = 0;
    for (NdArray array : sample.inputs()) {
      for (int i = 0; i < array.elements(); i++) {
        hash = (hash ^ Double.doubleToRawLongBits(array.get(i))) * 0x9E3779B97F4A7C15L;
        hash ^= hash >>> 32;
      }
    }
    return hash;
  }

  Samples copy() {
    return new Samples(samples.stream().<Map<Integer, byte[]>>map(HashMap::new).toList());
  }

  int size() {
    return samples.size();
  }

  List<ByteBuffer> contents(int tensor) {
    return samples.stream().map(sample -> ByteBuffer.wrap(sample.get(tensor))).toList();
  }

  boolean has(int tensor) {
    return samples.get(0).containsKey(tensor);
  }

  void forget(IntPredicate tensors) {
    samples.forEach(sample -> sample.keySet().removeIf(tensors::test));
  }

  /**
   * Runs a part of the model on every sample.
   *
   * @param part its inputs are {@code from}, its outputs first the means, then {@code to}
   * @param to what is kept of each sample
   * @return the means, by output, sample and channel
   */
  float[][][] run(Model part, List<Integer> from, List<Integer> to) {
    List<float[][]> means = new ArrayList<>();
    visit(
        part,
        from,
        to,
        (sample, ran, tensors) -> {
          int count = ran.outputs().size() - to.size();
          for (int i = 0; i < count; i++) {
            if (sample == 0) {
              means.add(new float[samples.size()][]);
            }
            means.get(i)[sample] = ran.read(i);
          }
        });
    return means.toArray(float[][][]::new);
  }

  /** Looks at a sample that a part of the model was run on. */
  interface Visitor {
    /**
     * @param sample its number
     * @param ran holds the outputs
     * @param tensors what is kept of the sample
     */
    void visit(int sample, Interpreter ran, Map<Integer, byte[]> tensors);
  }

  /**
   * Runs a part of the model on every sample.
   *
   * @param part its inputs are {@code from}, its outputs any number of them, then {@code to}
   * @param to what is kept of each sample
   */
  void visit(Model part, List<Integer> from, List<Integer> to, Visitor visitor) {
    try (RunnableModel runnable = RunnableModel.of(part);
        Interpreter interpreter = runnable.open(UNCHECKED)) {
      List<TensorInfo> outputs = interpreter.outputs();
      int count = outputs.size() - to.size();
      for (int s = 0; s < samples.size(); s++) {
        Map<Integer, byte[]> sample = samples.get(s);
        interpreter.resetVariableTensors();
        for (int i = 0; i < from.size(); i++) {
          put(sample.get(from.get(i)), interpreter.input(i), part);
        }
        interpreter.run();
        if (!interpreter.outputs().equals(outputs)) {
          throw changed(part);
        }
        for (int i = 0; i < to.size(); i++) {
          sample.put(to.get(i), bytes(interpreter.output(count + i)));
        }
        visitor.visit(s, interpreter, sample);
      }
    }
  }

  /** The same samples, in an order that follows from what they hold of some tensors. */
  Samples sorted(List<Integer> tensors) {
    List<Map<Integer, byte[]>> all = new ArrayList<>(samples);
    Comparator<Map<Integer, byte[]>> order = (a, b) -> 0;
    for (int tensor : tensors) {
      order = order.thenComparing(sample -> sample.get(tensor), Arrays::compare);
    }
    all.sort(order);
    return new Samples(all);
  }

  private static byte[] bytes(ByteBuffer memory) {
    byte[] bytes = new byte[memory.remaining()];
    memory.get(bytes);
    return bytes;
  }

  private static void put(byte[] from, ByteBuffer to, Model part) {
    if (from.length != to.remaining()) {
      throw changed(part);
    }
    to.put(from);
  }

  private static NarrowException changed(Model part) {
    return NarrowException.unsupported(part.name() + ": a tensor changes its size as it runs");
  }
}
