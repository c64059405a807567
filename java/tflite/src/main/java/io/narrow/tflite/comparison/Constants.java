package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The constants of a quantized model beside those of the float model that operators of a pair read
 * in the same place.
 *
 * <p>They say whether one model was made of the other. Tools may scale channels, up and down in
 * neighbouring layers, but change the signs of few weights, while of models that have no more in
 * common than their shapes every other sign agrees.
 */
final class Constants {
  /** Values of both signs from which on a constant says something. */
  private static final int ENOUGH = 32;

  private static final double SAME_SIGNS = .75;

  /** Of the operators, so many have a counterpart in a model of the same origin at least. */
  private static final double PAIRED = .25;

  private final GraphValues floats;
  private final GraphValues quantized;
  private final Pairing pairing;
  private final List<Comparison.Constant> all = new ArrayList<>();
  private int alike;
  private int unlike;

  private Constants(GraphValues floats, GraphValues quantized, Pairing pairing) {
    this.floats = floats;
    this.quantized = quantized;
    this.pairing = pairing;
  }

  /**
   * Those of the first subgraphs.
   *
   * @throws NarrowException if the models are not of the same origin
   */
  static List<Comparison.Constant> of(GraphValues floats, GraphValues quantized, Pairing pairing) {
    Constants constants = new Constants(floats, quantized, pairing);
    constants.pairs().forEach(constants::compare);
    constants.check();
    return constants.all;
  }

  private void check() {
    List<Operator> computing =
        quantized.graph().operators().stream().filter(this::isComputing).toList();
    long paired = computing.stream().filter(o -> pairing.counterpart(o).isPresent()).count();
    if (paired < PAIRED * computing.size()) {
      throw unlike(
          "%d of its %d operators have a counterpart there".formatted(paired, computing.size()));
    }
    if (unlike > 1 && unlike > alike) {
      throw unlike("%d of %d constants have other values".formatted(unlike, alike + unlike));
    }
  }

  private NarrowException unlike(String why) {
    return NarrowException.input(
        quantized.model().name() + " was not made of " + floats.model().name() + ": " + why);
  }

  private boolean isComputing(Operator operator) {
    return !GraphValues.converts(operator)
        && IntStream.of(operator.outputs()).anyMatch(quantized::isComputed);
  }

  /** By number of the quantized model's tensor, that of the float model. */
  private Map<Integer, Integer> pairs() {
    Map<Integer, Integer> pairs = new LinkedHashMap<>();
    for (Operator operator : quantized.graph().operators()) {
      Optional<Operator> other =
          isComputing(operator)
              ? pairing.counterpart(operator).filter(o -> o.name().equals(operator.name()))
              : Optional.empty();
      int operands =
          Math.min(operator.inputs().length, other.map(o -> o.inputs().length).orElse(0));
      for (int i = 0; i < operands; i++) {
        int mine = stored(quantized, operator.input(i));
        int theirs = stored(floats, other.orElseThrow().input(i));
        if (mine >= 0 && theirs >= 0) {
          pairs.putIfAbsent(mine, theirs);
        }
      }
    }
    return pairs;
  }

  /** The constant that a tensor is or is unpacked from, -1 if it is none. */
  private static int stored(GraphValues values, int number) {
    int tensor = number;
    while (tensor >= 0 && !values.model().isConstant(values.graph().tensor(tensor))) {
      Optional<Operator> from =
          values.graph().producer(tensor).map(values.graph().operators()::get);
      boolean unpacks =
          from.filter(o -> GraphValues.converts(o) || o.name().equals("DENSIFY")).isPresent();
      tensor = unpacks ? from.orElseThrow().input(0) : -1;
    }
    return tensor;
  }

  private void compare(int number, int floatNumber) {
    Tensor tensor = quantized.graph().tensor(number);
    Tensor other = floats.graph().tensor(floatNumber);
    if (tensor.elements() != other.elements() || other.elements() == 0) {
      return;
    }
    Optional<ByteBuffer> values = values(quantized, tensor);
    Optional<ByteBuffer> reference = values(floats, other);
    if (values.isEmpty() || reference.isEmpty()) {
      return;
    }
    compareSigns(floats(reference.get()), floats(values.get()));
    TensorInfo info = new TensorInfo("", TensorType.FLOAT32, tensor.shape(), 0, 0);
    Tally tally = new Tally(TensorCodec.of(info).orElseThrow());
    tally.add(reference.get(), values.get(), new Tally.Scratch());
    all.add(
        new Comparison.Constant(
            number,
            tensor.name(),
            floatNumber,
            other.name(),
            tensor.type(),
            IntStream.of(tensor.shape()).boxed().toList(),
            tally.error(),
            Optional.empty()));
  }

  private void compareSigns(float[] x, float[] y) {
    int positive = 0;
    int negative = 0;
    int same = 0;
    for (int i = 0; i < x.length; i++) {
      float product = x[i] * y[i];
      if (product != 0) {
        positive += x[i] > 0 ? 1 : 0;
        negative += x[i] < 0 ? 1 : 0;
        same += product > 0 ? 1 : 0;
      }
    }
    if (Math.min(positive, negative) >= ENOUGH) {
      boolean agree = same >= SAME_SIGNS * (positive + negative);
      alike += agree ? 1 : 0;
      unlike += agree ? 0 : 1;
    }
  }

  /** Copied: a model that is compared once is all over before a loop over a buffer is compiled. */
  private static float[] floats(ByteBuffer values) {
    float[] floats = new float[values.remaining() / Float.BYTES];
    values.asFloatBuffer().get(floats);
    return floats;
  }

  /** As float32; of biases too. */
  private static Optional<ByteBuffer> values(GraphValues from, Tensor tensor) {
    boolean bias =
        (tensor.type() == TensorType.INT32 || tensor.type() == TensorType.INT64)
            && tensor.scales().length > 0
            && tensor.rank() <= 1;
    return bias
        ? Optional.of(bias(from.model().contents(tensor), tensor))
        : Fold.values(from.model(), tensor).map(Buffer::bytes);
  }

  private static ByteBuffer bias(ByteBuffer contents, Tensor tensor) {
    ByteBuffer codes = contents.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int n = (int) tensor.elements();
    float[] scales = tensor.scales();
    ByteBuffer values = ByteBuffer.allocateDirect(Float.BYTES * n).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      double code = tensor.type() == TensorType.INT32 ? codes.getInt() : codes.getLong();
      values.putFloat(Float.BYTES * i, (float) (code * scales[scales.length == 1 ? 0 : i]));
    }
    return values;
  }
}
