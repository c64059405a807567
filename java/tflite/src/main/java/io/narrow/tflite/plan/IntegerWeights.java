package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings.Known;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Encodings of weights and bias beside integer activations (specification 1.3 and 1.5). */
final class IntegerWeights {
  /** A constant that is compared lies beyond all values, or this part of their range at most. */
  private static final float BEYOND = 32;

  /** Half of what an int32 holds: the other half is left to the sum of products. */
  static final float LARGEST_BIAS = 1073741823;

  /** Half of the 48 bits that kernels with int16 activations can rescale of an int64 sum. */
  private static final float LARGEST_WIDE_BIAS = 1L << 46;

  private static final float SMALLEST = 4 * Float.MIN_NORMAL;

  /** Kernels take a product that is 2^32 times smaller than a step of the result for nothing. */
  private static final float SMALLEST_MULTIPLIER = 0x1p-31f;

  private final Graph graph;
  private final Map<String, float[]> searched = new HashMap<>();

  /**
   * Encodings of the weights and of the bias of one operator.
   *
   * @param bias {@link Encoding#FLOAT} if it has none
   */
  record Pair(Encoding weights, Encoding bias) {}

  IntegerWeights(Graph graph) {
    this.graph = graph;
  }

  /**
   * @param index number of the operator
   * @param input how it reads its activations
   * @param result scale of its result, 0 if that is not known yet
   */
  Pair encode(int index, Encoding input, float result) {
    Operator operator = graph.operator(index);
    OpRule rule = OpRules.of(operator.name());
    OperatorConfiguration configuration = graph.configurations().of(index);
    int weights = operator.input(rule.weights().get(0));
    int axis = rule.axis().of(operator, graph.tensor(weights));
    Optional<Known> known =
        graph.known(weights).filter(k -> k.fits(configuration.weightType(), axis, 0));
    float[] scales =
        known.isPresent()
            ? known.get().per(axis, graph.tensor(weights).dimension(axis)).scales()
            : searched
                .computeIfAbsent(
                    weights + " " + axis + configuration,
                    key -> scales(weights, axis, configuration))
                .clone();
    int number = operator.input(rule.bias());
    FloatBuffer bias = number < 0 ? null : graph.contents(number).asFloatBuffer();
    return pair(input, new Encoding(configuration.weightType(), axis, scales, 0), bias, result);
  }

  /**
   * @param bias null if there is none
   */
  private static Pair pair(Encoding input, Encoding weights, FloatBuffer bias, float result) {
    boolean wide = input.type() == TensorType.INT16;
    float[] scales = weights.scales();
    float[] magnitudes = new float[scales.length];
    for (int c = 0; bias != null && c < scales.length; c++) {
      magnitudes[c] = Math.abs(bias.get(c));
    }
    float largest = wide ? LARGEST_WIDE_BIAS : LARGEST_BIAS;
    float least = result * SMALLEST_MULTIPLIER;
    float[] products = products(input.scale(), scales, magnitudes, largest, least);
    return new Pair(
        new Encoding(weights.type(), weights.axis(), scales, 0),
        bias == null
            ? Encoding.FLOAT
            : new Encoding(wide ? TensorType.INT64 : TensorType.INT32, 0, products, 0));
  }

  /** Whether a bias of an operator that computes in integers has the scales of its products. */
  static boolean has(Operator operator) {
    return OpRules.of(operator.name())
        .integer()
        .filter(r -> r.scales() == Scales.WEIGHTS)
        .isPresent();
  }

  /** How an operator that is planned already holds its weights beside another bias. */
  static Pair withBias(Operator operator, IntegerOperator integer, float[] bias) {
    int weights = OpRules.of(operator.name()).weights().get(0);
    int input = OpRules.of(operator.name()).integer().orElseThrow().inputs().iterator().next();
    List<Encoding> inputs = integer.inputs();
    float result = integer.outputs().get(0).scale();
    return pair(inputs.get(input), inputs.get(weights), FloatBuffer.wrap(bias), result);
  }

  /**
   * The scales of products, and so of a bias that is added to them.
   *
   * @param input scale of what the weights are applied to
   * @param scales of the weights, which grow where the bias would be too large an integer
   * @param biases magnitudes
   * @param largest what integer a bias may be
   * @param least what scale a product has at least
   */
  static float[] products(float input, float[] scales, float[] biases, float largest, float least) {
    float[] products = new float[scales.length];
    for (int c = 0; c < scales.length; c++) {
      // Neither the product of the scales nor its reciprocal may leave the range of a float.
      scales[c] = Math.max(scales[c], Math.max(SMALLEST, least) / input);
      products[c] = Math.min(input * scales[c], Float.MAX_VALUE);
      if (biases[c] / products[c] > largest) {
        products[c] = biases[c] / largest;
        scales[c] = products[c] / input;
      }
    }
    return products;
  }

  private float[] scales(int number, int axis, OperatorConfiguration configuration) {
    Tensor tensor = graph.tensor(number);
    int channels = tensor.dimension(axis);
    long inner = tensor.inner(axis);
    float[] magnitudes = WeightScales.magnitudes(graph.contents(number), channels, inner);
    float[] scales = WeightScales.of(graph.contents(number), inner, magnitudes, configuration);
    float largest = 0;
    for (int c = 0; c < channels; c++) {
      largest = magnitudes[c] == 0 ? largest : Math.max(largest, scales[c]);
    }
    if (largest > 0) {
      // Any scale fits a channel of zeros: a common one keeps its bias fine and far from overflow.
      for (int c = 0; c < channels; c++) {
        scales[c] = magnitudes[c] == 0 ? largest : scales[c];
      }
    }
    return scales;
  }

  /** Symmetric, one scale: the constant operand of a matrix product. */
  static Encoding symmetric(TensorType type, ByteBuffer contents) {
    if (type == TensorType.INT16) {
      float[] range = range(contents);
      return Encoding.activation(type, range[0], range[1]);
    }
    float[] magnitude = WeightScales.magnitudes(contents, 1, contents.remaining() / Float.BYTES);
    return Encoding.of(type, WeightScales.reachingAll(magnitude, Byte.MAX_VALUE)[0], 0);
  }

  /** Smallest and largest value of a constant. */
  static float[] range(ByteBuffer contents) {
    float[] values = new float[contents.remaining() / Float.BYTES];
    contents.asFloatBuffer().get(values);
    float[] range = {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    for (float value : values) {
      range[0] = Math.min(range[0], value);
      range[1] = Math.max(range[1], value);
    }
    return range;
  }

  /** The range of a constant, of which it only counts whether it is beyond these bounds. */
  static FloatRange near(ByteBuffer constant, float min, float max) {
    float[] range = range(constant);
    float beyond = (max - min) / BEYOND;
    float low = Math.max(min - beyond, Math.min(max + beyond, range[0]));
    float high = Math.max(min - beyond, Math.min(max + beyond, range[1]));
    return new FloatRange(low, high, 0, 0);
  }
}
