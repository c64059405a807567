package io.narrow.tflite.plan;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.KnownEncodings.Known;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The codes that float weights already are, as after training for quantization: those of each
 * channel or block are whole multiples of a step. The largest such step is taken, which is what
 * ai-edge-quantizer finds where two neighbouring multiples occur; this finds it where none do.
 */
final class Recovery {
  /** How far from a multiple a weight may be, of itself: a few roundings of float32. */
  private static final double EXACT = 0x1p-20;

  /** The same where weights were stored as float16 or bfloat16 since, */
  private static final double HALF = 0x1p-8;

  /** and of the step, so that no other code is as near. */
  private static final double OF_STEP = 0x1p-6;

  private final FloatBuffer weights;
  private final Encoding like;
  private final long inner;
  private final int groups;
  private final int most;

  /**
   * @param like of the type, axis and block that are wanted
   * @param groups channels or blocks
   */
  private Recovery(ByteBuffer weights, Encoding like, long inner, int groups) {
    this.weights = weights.asFloatBuffer();
    this.like = like;
    this.inner = inner;
    this.groups = groups;
    this.most = (int) like.type().largest();
  }

  /**
   * What is known then of weights.
   *
   * @param like of the type, axis and block that are wanted; its scales do not count
   * @return empty where some are no multiples of any step
   */
  static Optional<Known> of(ByteBuffer weights, Tensor tensor, Encoding like) {
    long inner = like.inner(tensor);
    int groups =
        like.block() > 0
            ? Math.toIntExact(tensor.elements() / inner)
            : tensor.dimension(like.axis());
    Recovery recovery = new Recovery(weights, like, inner, groups);
    float[] steps = new float[groups];
    IntStream.range(0, groups).parallel().forEach(group -> steps[group] = recovery.step(group));
    for (float step : steps) {
      if (step == 0) {
        return Optional.empty();
      }
    }
    float[] scales = like.block() > 0 ? BlockScales.nearest(steps) : steps;
    Encoding encoding = new Encoding(like.type(), like.axis(), scales, 0, like.block());
    // A step that a file rounds is still the one that its codes were counted in.
    Quantization counted =
        Quantization.perChannel(type(like.type()), steps, new int[groups], inner);
    Buffer codes =
        Buffer.computed(
            (int) like.type().bytes(tensor.elements()),
            target ->
                Kernels.active().quantize(Span.of(weights.duplicate()), counted, Span.of(target)));
    return Optional.of(new Known(encoding, Optional.of(codes), "which its weights are already"));
  }

  private static QuantizedType type(TensorType type) {
    return type == TensorType.INT4 ? QuantizedType.INT4 : QuantizedType.INT8;
  }

  private double weight(int group, long i) {
    long outer = i / inner;
    return weights.get((int) ((outer * groups + group) * inner + i % inner));
  }

  private long size() {
    return weights.limit() / groups;
  }

  /** The largest step of which all weights of a group are multiples, 0 if there is none. */
  private float step(int group) {
    double largest = 0;
    for (long i = 0; i < size(); i++) {
      largest = Math.max(largest, Math.abs(weight(group, i)));
    }
    if (largest == 0) {
      return WeightScales.reachingAll(new float[1], most)[0];
    }
    for (int pass = 0; pass < 2; pass++) {
      // -8, which kernels for four bits take, is a code; -128 is none: two products overflow.
      for (int steps = 1; steps <= (most == 7 ? 8 : most); steps++) {
        if (fits(group, largest / steps, pass == 0)) {
          return (float) bestStep(group, largest / steps);
        }
      }
    }
    return 0;
  }

  private boolean fits(int group, double step, boolean exactly) {
    for (long i = 0; i < size(); i++) {
      double weight = weight(group, i);
      double code = Math.rint(weight / step);
      double off = Math.abs(weight - code * step);
      double allowed =
          exactly ? EXACT * Math.abs(weight) : Math.min(HALF * Math.abs(weight), OF_STEP * step);
      if (off > allowed || code > most) {
        return false;
      }
    }
    return true;
  }

  /** The step with the least squared error for the codes that a step near it gives. */
  private double bestStep(int group, double step) {
    double products = 0;
    double squares = 0;
    for (long i = 0; i < size(); i++) {
      double weight = weight(group, i);
      double code = Math.rint(weight / step);
      products += weight * code;
      squares += code * code;
    }
    return products / squares;
  }
}
