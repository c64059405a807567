package io.narrow.tflite.targets;

import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Questions about scales and zero points, and about codes. */
final class Scales {
  private static final Set<TensorType> INTEGERS =
      Set.of(TensorType.INT8, TensorType.UINT8, TensorType.INT16);

  private Scales() {}

  /** Whether every tensor has one scale at most; of one operand of a type where those are named. */
  static boolean perTensor(Site site, Requirement words) {
    return words.words().size() == 1
        ? site.tensors().allMatch(Scales::hasOne)
        : site.operand(words.number(1))
            .filter(tensor -> tensor.type() == words.type(2))
            .map(Scales::hasOne)
            .orElse(true);
  }

  private static boolean hasOne(Tensor tensor) {
    return tensor.scales().length <= 1 && tensor.blockSize() == 0;
  }

  /** Whether all integers that an operator computes with have positive scales. */
  static boolean everywhere(Site site) {
    return site.activations().stream()
        .filter(tensor -> INTEGERS.contains(tensor.type()))
        .allMatch(Scales::isScaled);
  }

  private static boolean isScaled(Tensor tensor) {
    float[] scales = tensor.scales();
    boolean positive = scales.length > 0;
    for (float scale : scales) {
      positive &= scale > 0;
    }
    return positive;
  }

  /** Whether operands and results have the same scale and zero point, as far as they have any. */
  static boolean alike(Site site) {
    List<Tensor> all = site.activations().stream().filter(t -> t.scales().length > 0).toList();
    return all.stream()
        .allMatch(
            tensor ->
                Arrays.equals(tensor.scales(), all.get(0).scales())
                    && Arrays.equals(tensor.zeroPoints(), all.get(0).zeroPoints()));
  }

  /** Whether the result, if it is of this type, has this scale. */
  static boolean ofResult(Site site, TensorType type, double scale) {
    return site.results()
        .filter(tensor -> tensor.type() == type)
        .allMatch(tensor -> tensor.scales().length == 1 && tensor.scales()[0] == scale);
  }

  /** Whether the result, if it is of this type, has this zero point. */
  static boolean zeroOfResult(Site site, TensorType type, long zeroPoint) {
    return site.results()
        .filter(tensor -> tensor.type() == type)
        .allMatch(tensor -> tensor.zeroPoints().length == 1 && tensor.zeroPoints()[0] == zeroPoint);
  }

  /** Whether all tensors of this type have the zero point 0. */
  static boolean symmetric(Site site, TensorType type) {
    return site.tensors()
        .filter(tensor -> tensor.type() == type)
        .allMatch(tensor -> Arrays.stream(tensor.zeroPoints()).allMatch(zero -> zero == 0));
  }

  /**
   * The largest sum, of all output channels, of what weights of a byte are away from their zero
   * point; 0 if there are none such.
   */
  static long sums(Site site) {
    Optional<Tensor> weights =
        OpRules.of(site.operator().name()).weights().stream()
            .flatMap(place -> site.operand(place).stream())
            .filter(t -> t.type() == TensorType.INT8 || t.type() == TensorType.UINT8)
            .filter(t -> site.model().isConstant(t) && !t.isEncoded() && t.rank() > 0)
            .findFirst();
    if (weights.isEmpty()) {
      return 0;
    }
    Tensor tensor = weights.get();
    boolean last = site.operator().name().equals("DEPTHWISE_CONV_2D");
    int axis = last ? tensor.rank() - 1 : 0;
    long[] sums = new long[tensor.dimension(axis)];
    long inner = tensor.inner(axis);
    long[] zeroPoints = tensor.zeroPoints();
    boolean signed = tensor.type() == TensorType.INT8;
    ByteBuffer codes = site.model().contents(tensor);
    for (int i = 0; codes.hasRemaining() && sums.length > 0; i++) {
      byte code = codes.get();
      int channel = (int) (i / inner % sums.length);
      long zero = zeroPoints.length == 0 ? 0 : zeroPoints[Math.min(channel, zeroPoints.length - 1)];
      sums[channel] += Math.abs((signed ? code : code & 0xff) - zero);
    }
    return Arrays.stream(sums).max().orElse(0);
  }
}
