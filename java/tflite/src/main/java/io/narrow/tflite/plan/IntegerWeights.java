package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Encodings of weights and bias beside integer activations (specification 1.3 and 1.5). */
final class IntegerWeights {
  /** Half of what an int32 holds: the other half is left to the sum of products. */
  private static final float LARGEST_BIAS = 1073741823;

  /** Half of the 48 bits that kernels with int16 activations can rescale of an int64 sum. */
  private static final float LARGEST_WIDE_BIAS = 1L << 46;

  private static final int LARGEST_CODE = 127;
  private static final float SMALLEST = 4 * Float.MIN_NORMAL;

  private final Model model;
  private final Subgraph subgraph;
  private final Map<String, float[]> searched = new HashMap<>();

  /**
   * Encodings of the weights and of the bias of one operator.
   *
   * @param bias {@link Encoding#FLOAT} if it has none
   */
  record Pair(Encoding weights, Encoding bias) {}

  IntegerWeights(Model model, Subgraph subgraph) {
    this.model = model;
    this.subgraph = subgraph;
  }

  /**
   * @param input how the operator reads its activations
   */
  Pair encode(Operator operator, OpRule rule, Encoding input) {
    int number = operator.input(rule.weights().get(0));
    Tensor weights = subgraph.tensor(number);
    int axis = rule.axis().of(operator, weights);
    float[] scales =
        searched.computeIfAbsent(number + " " + axis, key -> search(weights, axis)).clone();
    boolean wide = input.type() == TensorType.INT16;
    int biasNumber = operator.input(rule.bias());
    ByteBuffer bias = biasNumber < 0 ? null : model.contents(subgraph.tensor(biasNumber));
    float largest = wide ? LARGEST_WIDE_BIAS : LARGEST_BIAS;
    float[] products = new float[scales.length];
    for (int c = 0; c < scales.length; c++) {
      // Neither the product of the scales nor its reciprocal may leave the range of a float.
      scales[c] = Math.max(scales[c], SMALLEST / input.scale());
      products[c] = Math.min(input.scale() * scales[c], Float.MAX_VALUE);
      float value = bias == null ? 0 : Math.abs(bias.getFloat(Float.BYTES * c));
      if (value / products[c] > largest) {
        products[c] = value / largest;
        scales[c] = products[c] / input.scale();
      }
    }
    return new Pair(
        new Encoding(TensorType.INT8, axis, scales, 0),
        bias == null
            ? Encoding.FLOAT
            : new Encoding(wide ? TensorType.INT64 : TensorType.INT32, 0, products, 0));
  }

  private float[] search(Tensor tensor, int axis) {
    long inner = 1;
    for (int i = axis + 1; i < tensor.rank(); i++) {
      inner *= tensor.dimension(i);
    }
    return scales(model.contents(tensor), tensor.dimension(axis), inner);
  }

  private static float[] scales(ByteBuffer contents, int channels, long inner) {
    float[] magnitudes = WeightScales.magnitudes(contents, channels, inner);
    float[] scales = WeightScales.leastError(contents, inner, magnitudes, LARGEST_CODE);
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
    return Encoding.of(type, WeightScales.reachingAll(magnitude, LARGEST_CODE)[0], 0);
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
}
