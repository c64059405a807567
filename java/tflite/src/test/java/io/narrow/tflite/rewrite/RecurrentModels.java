package io.narrow.tflite.rewrite;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/** Models of one LSTM or SVDF, with seeded constants large enough that every part counts. */
public final class RecurrentModels {
  private static final int STEPS = 7;
  private static final int BATCH = 2;
  private static final int INPUTS = 10;
  private static final int CELLS = 12;

  /** What an LSTM may have. */
  public enum Feature {
    /** Several steps in a run: UNIDIRECTIONAL_SEQUENCE_LSTM in place of LSTM. */
    SEQUENCE,
    TIME_MAJOR,
    /** What the forget gate leaves in place of an input gate. */
    COUPLED,
    PEEPHOLE,
    NORMALIZED,
    PROJECTED,
    PROJECTION_BIAS,
    CELL_CLIP,
    PROJECTION_CLIP,
    /** 20 inputs in place of 24, as old models have them. */
    SHORT,
    /** Tensors for its intermediates, as the TensorFlow converter adds them to calibrate. */
    INTERMEDIATES,
    /** States that each run begins with zeros. */
    CLEARED
  }

  private RecurrentModels() {}

  /** Both operators with every combination of what changes the arithmetic, then the rest. */
  public static List<Set<Feature>> variants() {
    List<Feature> free =
        List.of(
            Feature.SEQUENCE,
            Feature.COUPLED,
            Feature.PEEPHOLE,
            Feature.NORMALIZED,
            Feature.PROJECTED);
    List<Set<Feature>> variants = new ArrayList<>();
    for (int bits = 0; bits < 1 << free.size(); bits++) {
      EnumSet<Feature> features = EnumSet.noneOf(Feature.class);
      for (int i = 0; i < free.size(); i++) {
        if ((bits >> i & 1) != 0) {
          features.add(free.get(i));
        }
      }
      variants.add(features);
    }
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.TIME_MAJOR));
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.CELL_CLIP));
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.SHORT));
    variants.add(EnumSet.of(Feature.SHORT));
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.PROJECTED, Feature.PROJECTION_BIAS));
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.PROJECTED, Feature.PROJECTION_CLIP));
    variants.add(EnumSet.of(Feature.SEQUENCE, Feature.NORMALIZED, Feature.INTERMEDIATES));
    return variants;
  }

  /** The operator, then the features. */
  public static String name(Set<Feature> features) {
    return operator(features)
        + features.stream()
            .filter(feature -> feature != Feature.SEQUENCE)
            .map(feature -> " " + feature)
            .collect(Collectors.joining());
  }

  private static String operator(Set<Feature> features) {
    return features.contains(Feature.SEQUENCE) ? "UNIDIRECTIONAL_SEQUENCE_LSTM" : "LSTM";
  }

  /** Adds an LSTM. */
  public static ModelBuilder lstm(ModelBuilder b, Set<Feature> features) {
    boolean projected = features.contains(Feature.PROJECTED);
    // An integer kernel wants as many outputs as cells beside a peephole.
    return lstm(b, features, projected && !features.contains(Feature.PEEPHOLE) ? 8 : CELLS);
  }

  /** The same with so many outputs. */
  public static ModelBuilder lstm(ModelBuilder b, Set<Feature> features, int outputs) {
    int x = b.floats("x", shape(features, INPUTS));
    return b.inputs(x).outputs(add(b, features, x, INPUTS, outputs));
  }

  /** The number of the output. */
  private static int add(ModelBuilder b, Set<Feature> features, int x, int inputs, int outputs) {
    boolean sequence = features.contains(Feature.SEQUENCE);
    Random random = new Random(11 + x);
    int[] in = new int[features.contains(Feature.SHORT) ? 20 : 24];
    Arrays.fill(in, -1);
    in[0] = x;
    for (int gate = features.contains(Feature.COUPLED) ? 1 : 0; gate < 4; gate++) {
      in[Lstm.inputWeights(gate)] = add(b, random, "input" + gate, 0, .6f, CELLS, inputs);
      in[Lstm.recurrentWeights(gate)] = add(b, random, "output" + gate, 0, .5f, CELLS, outputs);
      in[Lstm.bias(gate)] = add(b, random, "bias" + gate, .1f, .2f, CELLS);
      if (features.contains(Feature.PEEPHOLE) && gate != Lstm.CELL_GATE) {
        in[Lstm.peephole(gate)] = add(b, random, "peephole" + gate, 0, .5f, CELLS);
      }
      if (features.contains(Feature.NORMALIZED)) {
        in[Lstm.coefficients(gate)] = add(b, random, "coefficients" + gate, 1, .3f, CELLS);
      }
    }
    if (features.contains(Feature.PROJECTED)) {
      in[Lstm.PROJECTION] = add(b, random, "projection", 0, .5f, outputs, CELLS);
    }
    if (features.contains(Feature.PROJECTION_BIAS)) {
      in[Lstm.PROJECTION_BIAS] = add(b, random, "projection bias", .5f, .1f, outputs);
    }
    in[Lstm.OUTPUT_STATE] = b.variable("output state", BATCH, outputs);
    in[Lstm.CELL_STATE] = b.variable("cell state", BATCH, CELLS);
    int y = b.floats("y", shape(features, outputs));
    if (features.contains(Feature.CLEARED)) {
      set(b, in[Lstm.OUTPUT_STATE], 0, BATCH, outputs);
      set(b, in[Lstm.CELL_STATE], 0, BATCH, CELLS);
    }
    Table options =
        Table.of(sequence ? "UnidirectionalSequenceLSTMOptions" : "LSTMOptions")
            .with("fused_activation_function", 4)
            .with("cell_clip", features.contains(Feature.CELL_CLIP) ? .7f : 0f)
            .with("proj_clip", features.contains(Feature.PROJECTION_CLIP) ? .4f : 0f);
    if (features.contains(Feature.TIME_MAJOR)) {
      options = options.with("time_major", 1);
    }
    b.operator(operator(features), options, in, y);
    if (features.contains(Feature.INTERMEDIATES)) {
      int[] inside = new int[Lstm.INTERMEDIATES.size()];
      for (int i = 0; i < inside.length; i++) {
        inside[i] = b.tensor("inside" + i, TensorType.FLOAT32, 0);
      }
      b.intermediates(inside);
    }
    return y;
  }

  /** Sets all elements of a state to a value in each run. */
  public static void set(ModelBuilder b, int state, float value, int... shape) {
    float[] values = new float[Arrays.stream(shape).reduce(1, (x, y) -> x * y)];
    Arrays.fill(values, value);
    int[] in = {b.constant("axis", new int[] {0}), b.constant("first state", values, shape)};
    b.operator("SPLIT", Table.of("SplitOptions").with("num_splits", 1), in, state);
  }

  /** The model with another operator in place of its only one. */
  public static Model with(Model model, Operator operator) {
    Subgraph graph = model.subgraphs().get(0);
    return model.with(List.of(graph.with(graph.tensors(), List.of(operator))), model.buffers());
  }

  /** The model with such a bias for every gate. */
  public static Model withBias(Model model, float bias) {
    List<Buffer> buffers = new ArrayList<>(model.buffers());
    Subgraph graph = model.subgraphs().get(0);
    List<Tensor> tensors = new ArrayList<>(graph.tensors());
    ByteBuffer values =
        ByteBuffer.allocateDirect(CELLS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < CELLS; i++) {
      values.putFloat(Float.BYTES * i, bias);
    }
    buffers.add(Buffer.of(values));
    for (int gate = 0; gate < 4; gate++) {
      int number = graph.operators().get(0).input(Lstm.bias(gate));
      tensors.set(number, tensors.get(number).withBuffer(buffers.size() - 1));
    }
    return model.with(List.of(graph.with(tensors, graph.operators())), buffers);
  }

  private static int[] shape(Set<Feature> features, int size) {
    if (!features.contains(Feature.SEQUENCE)) {
      return new int[] {BATCH, size};
    }
    return features.contains(Feature.TIME_MAJOR)
        ? new int[] {STEPS, BATCH, size}
        : new int[] {BATCH, STEPS, size};
  }

  private static int add(
      ModelBuilder b, Random random, String name, float mean, float deviation, int... shape) {
    float[] values = new float[Arrays.stream(shape).reduce(1, (x, y) -> x * y)];
    for (int i = 0; i < values.length; i++) {
      values[i] = mean + deviation * (float) random.nextGaussian();
    }
    return b.constant(name, values, shape);
  }

  /** Adds an SVDF with RELU. */
  public static ModelBuilder svdf(ModelBuilder b, int rank, boolean bias) {
    return svdf(b, rank, 4, bias, 1);
  }

  /**
   * Adds an SVDF.
   *
   * @param memory how many steps it remembers
   * @param activation a fused one, by its number
   */
  public static ModelBuilder svdf(
      ModelBuilder b, int rank, int memory, boolean bias, int activation) {
    Random random = new Random(12);
    int units = 6;
    int x = b.floats("x", BATCH, INPUTS);
    int features = add(b, random, "features", 0, .5f, units * rank, INPUTS);
    int time = add(b, random, "time", .2f, .5f, units * rank, memory);
    int added = bias ? add(b, random, "bias", .1f, .3f, units) : -1;
    int state = b.variable("state", BATCH, units * rank * memory);
    int y = b.floats("y", BATCH, units);
    Table options =
        Table.of("SVDFOptions").with("rank", rank).with("fused_activation_function", activation);
    return b.operator("SVDF", options, new int[] {x, features, time, added, state}, y)
        .inputs(x)
        .outputs(y);
  }

  /** The result of an SVDF, which is not below 0, beside values that are. */
  static ModelBuilder svdfBesideItsInput(ModelBuilder b) {
    svdf(b, 1, true);
    int x = 0;
    int y = 5;
    int z = b.floats("z", BATCH, 6 + INPUTS);
    Table options = Table.of("ConcatenationOptions").with("axis", 1);
    return b.operator("CONCATENATION", options, new int[] {y, x}, z).outputs(z);
  }

  /**
   * Two LSTMs, one after the other, between other operators.
   *
   * @param more what they have beside a sequence
   */
  static ModelBuilder stack(ModelBuilder b, Feature... more) {
    Set<Feature> sequence = EnumSet.of(Feature.SEQUENCE, more);
    Table options = Table.of("FullyConnectedOptions").with("keep_num_dims", 1);
    int x = b.floats("x", BATCH, STEPS, INPUTS);
    int dense = b.floats("dense", BATCH, STEPS, INPUTS);
    int[] in = {x, b.weights("w", INPUTS, INPUTS), b.weights("bias", INPUTS)};
    b.operator("FULLY_CONNECTED", options, in, dense);
    int first = add(b, sequence, dense, INPUTS, CELLS);
    sequence.add(Feature.PROJECTED);
    int second = add(b, sequence, first, CELLS, 8);
    int y = b.floats("y", BATCH, STEPS, 4);
    int[] last = {second, b.weights("w", 4, 8), -1};
    return b.operator("FULLY_CONNECTED", options, last, y).inputs(x).outputs(y);
  }
}
