package io.narrow.tflite.fold;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Weights of uint8 as int8, whose zero point is 0: the same codes less their zero point. A channel
 * that reaches beyond 127 from it is rounded to a coarser scale of its own; all others stay exact.
 */
final class SignedWeights {
  private final Tensor tensor;
  private final Buffer codes;
  private final int axis;
  private final float[] steps; // of the old scale in a step of the new one, by channel
  private final boolean exact;

  /**
   * @param tensor uint8 with one scale
   * @param axis that of the channels
   */
  SignedWeights(Tensor tensor, Buffer codes, int axis) {
    this.tensor = tensor;
    this.codes = codes;
    this.axis = axis;
    this.steps = new float[tensor.dimension(axis)];
    ByteBuffer from = codes.bytes();
    for (long i = 0; from.hasRemaining(); i++) {
      float least = Math.abs(code(from)) / (float) Byte.MAX_VALUE;
      steps[channel(i)] = Math.max(steps[channel(i)], Math.max(1, least));
    }
    boolean all = true;
    for (float each : steps) {
      all &= each <= 1;
    }
    this.exact = all;
  }

  private int code(ByteBuffer from) {
    return Byte.toUnsignedInt(from.get()) - (int) tensor.zeroPoints()[0];
  }

  private int channel(long element) {
    return (int) (element / tensor.inner(axis) % steps.length);
  }

  /** Whether no channel is rounded. */
  boolean exact() {
    return exact;
  }

  int channels() {
    return steps.length;
  }

  /** The weights, over a buffer of this number. */
  Tensor tensor(int buffer) {
    return quantized(tensor, TensorType.INT8).withBuffer(buffer);
  }

  Buffer codes() {
    return Buffer.computed(
        codes.size(),
        target -> {
          ByteBuffer from = codes.bytes();
          for (long i = 0; from.hasRemaining(); i++) {
            target.put((byte) Math.rint(code(from) / steps[channel(i)]));
          }
        });
  }

  /** A bias that is added to the sums of products, over a buffer of this number. */
  Tensor bias(Tensor bias, int buffer) {
    return quantized(bias, TensorType.INT32).withBuffer(buffer);
  }

  Buffer biases(Buffer biases) {
    return Buffer.computed(
        biases.size(),
        target -> {
          ByteBuffer from = biases.bytes().order(ByteOrder.LITTLE_ENDIAN);
          ByteBuffer to = target.order(ByteOrder.LITTLE_ENDIAN);
          for (int c = 0; from.hasRemaining(); c++) {
            to.putInt((int) Math.rint(from.getInt() / (double) steps[c]));
          }
        });
  }

  private Tensor quantized(Tensor before, TensorType type) {
    float scale = before.scales()[0];
    if (exact) {
      return before.quantized(type, new float[] {scale}, new long[1], 0);
    }
    float[] scales = new float[steps.length];
    for (int c = 0; c < scales.length; c++) {
      scales[c] = scale * steps[c];
    }
    return before.quantized(type, scales, new long[scales.length], before == tensor ? axis : 0);
  }
}
